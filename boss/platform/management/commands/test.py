"""`manage.py test [pytest arguments]`: all tests, with pytest, on servers of their own."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.management.base import BaseCommand

from boss.platform.testing import command


class Command(BaseCommand):
    """The door; `boss.platform.testing.command` does the work, usually before Django is even imported."""

    help = "Run the tests: everything after 'test' goes to pytest."

    def run_from_argv(self, argv: Sequence[str]) -> None:
        """Become pytest."""
        command.become_pytest(argv[2:])
