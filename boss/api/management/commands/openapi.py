"""`manage.py openapi [--check]`: write docs/openapi.yaml, or refuse when it no longer fits the code."""

from __future__ import annotations

import difflib
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from boss.api import document


class Command(BaseCommand):
    help = "Write the OpenAPI document of the API to docs/openapi.yaml."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only compare; fail when the committed one is old")

    def handle(self, *args: Any, **options: Any) -> None:
        drawn = document.as_yaml()
        committed = document.COMMITTED.read_bytes() if document.COMMITTED.exists() else b""
        if not options["check"]:
            document.COMMITTED.write_bytes(drawn)
            self.stdout.write(f"{document.COMMITTED.name}: {len(document.document()['paths'])} addresses")
        elif drawn != committed:
            lines = difflib.unified_diff(
                committed.decode().splitlines(), drawn.decode().splitlines(), "committed", "code", lineterm="", n=1
            )
            raise CommandError("docs/openapi.yaml is old; run manage.py openapi\n" + "\n".join(list(lines)[:40]))
