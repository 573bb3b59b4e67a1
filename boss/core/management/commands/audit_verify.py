"""``audit_verify``: compare the audit trail with its seals. Exit status 1 when they disagree, each place named."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from boss.core import sealing


class Command(BaseCommand):
    help = (
        "Compare the audit trail with its chain of seals. --heads prints the newest seals, one JSON object a line: "
        "keep them where nobody who can write to the database can, and hand them back with --kept to find a cut tail."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--realm", help="the key of one realm; without it all")
        parser.add_argument("--heads", action="store_true", help="print the newest seals instead of comparing")
        parser.add_argument("--kept", type=Path, help="a file that --heads printed, from outside")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["heads"]:
            for head in sealing.heads():
                self.stdout.write(json.dumps({"realm": head.realm, "number": head.number, "hash": head.hash}))
            return
        breaks = sealing.verify(realm=options["realm"], kept=_read(options["kept"]))
        for each in breaks:
            self.stdout.write(str(each))
        if breaks:
            sys.exit(1)
        self.stdout.write("The audit trail is as it was sealed.")


def _read(path: Path | None) -> list[sealing.Head]:
    if path is None:
        return []
    try:
        lines = path.read_text().splitlines()
        return [sealing.Head(**json.loads(line)) for line in lines if line.strip()]
    except (OSError, ValueError, TypeError) as trouble:
        raise CommandError(f"{path} is not what --heads prints: {trouble}") from trouble
