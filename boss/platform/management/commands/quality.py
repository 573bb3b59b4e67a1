"""`manage.py quality [check …]`: lint, format, types, import contracts, deploy check, migrations, templates, API."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.management.base import BaseCommand

from boss.platform import quality


class Command(BaseCommand):
    """The door; `boss.platform.quality` does the work."""

    help = "Check the code without running it (make check)."

    def run_from_argv(self, argv: Sequence[str]) -> None:
        """Run the checks named, or all."""
        raise SystemExit(quality.main(argv[2:]))
