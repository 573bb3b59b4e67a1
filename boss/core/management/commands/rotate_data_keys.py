"""`manage.py rotate_data_keys`: seal everything anew under the newest data key, then say what is left."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from boss.core import sealed


class Command(BaseCommand):
    help = (
        "Seals every secret that stands under an older key of BOSS_DATA_KEYS anew under the first one. In batches, "
        "while the application runs; may be stopped and begun again. Ends with status 1 while anything is left."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what is left")
        parser.add_argument("--batch", type=int, default=sealed.BATCH, help="rows in one transaction")
        parser.add_argument("--most", type=int, default=None, help="stop after so many rows")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["dry_run"]:
            turned: dict[str, int] = {}
            for name, done in sealed.turn(most=options["most"], batch=options["batch"]):
                turned[name] = turned.get(name, 0) + done
            for name, done in turned.items():
                self.stdout.write(f"{name}: {done} sealed anew under {sealed.newest_key()}")
        found = sealed.left()
        older, unreadable = sum(one.older for one in found), sum(one.unreadable for one in found)
        for one in found:
            if one.older or one.unreadable:
                self.stdout.write(f"{one.name}: {one.older} under older keys, {one.unreadable} that no key opens")
        if older or unreadable:
            self.stdout.write(f"Left: {older} under older keys, {unreadable} that no key opens. Keep the older keys.")
            sys.exit(1)
        self.stdout.write(
            f"Nothing is left under older keys ({len(found)} fields). Sign-up drafts in sessions stay under theirs "
            "until they expire (two weeks); then the older keys may go."
        )
