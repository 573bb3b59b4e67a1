"""``reapply_erasures``: after a restore, erase again what had been erased since the backup was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from boss.privacy.services import erasures


class Command(BaseCommand):
    help = (
        "Erase again what the journal of erasures says. --print writes the journal, one JSON object a line and no "
        "personal value in it: keep it apart from the backups and hand it back with --journal after a restore."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--print", action="store_true", dest="print_it", help="print the journal, change nothing")
        parser.add_argument("--journal", type=Path, help="a file that --print wrote before the restore")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["print_it"]:
            for entry in erasures.journal():
                self.stdout.write(json.dumps(entry))
            return
        again = erasures.reapply(_read(options["journal"]))
        for name in again:
            self.stdout.write(name)
        self.stdout.write(f"Erased again: {len(again)}")


def _read(path: Path | None) -> list[dict[str, Any]]:
    if path is None:
        return []
    try:
        entries = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        return [{key: str(entry[key]) for key in ("realm", "account", "erased_at")} for entry in entries]
    except (OSError, ValueError, KeyError, TypeError) as trouble:
        raise CommandError(f"{path} is not what --print writes: {trouble!r}") from trouble
