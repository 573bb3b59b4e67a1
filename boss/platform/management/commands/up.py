"""`manage.py up`: all of BOSS on this machine, from an empty checkout to the first page and the first task."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand

from boss.platform import options, supervisor


class Command(BaseCommand):
    """The door; `boss.platform.supervisor` does the work, usually before Django is even imported."""

    help = "Run all of BOSS on this machine: servers, web, worker, clock and a demo realm."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The options, for `manage.py help up`."""
        options.add_arguments(parser)

    def run_from_argv(self, argv: Sequence[str]) -> None:
        """Start the supervisor."""
        raise SystemExit(supervisor.main(argv[2:]))

    def handle(self, *args: Any, **options: Any) -> None:
        """Not reached: `run_from_argv` does the work."""
        raise SystemExit("Run it as: python3 manage.py up")
