"""``lab``: the real servers that drivers provision, privately on this machine, for tests, demos and practice."""

from __future__ import annotations

import subprocess
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError

from boss.core import scoping
from boss.core.actors import Actor
from boss.platform import addresses, lab, lab_keeper, servers
from boss.platform.demo.trilakes import network, seed
from boss.platform.processes import StartError
from boss.tenancy.models import Realm


class Command(BaseCommand):
    help = "Start (up), look at (status) or stop (down) the real servers, and bind the demo realm to them."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("verb", choices=("up", "status", "down"))
        parser.add_argument("--no-install", action="store_true", help="up: take what is installed")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["verb"] == "up":
                self._up(install=not options["no_install"])
            elif options["verb"] == "down":
                self._down()
            else:
                self._status()
        except StartError as trouble:
            raise CommandError(str(trouble)) from trouble

    def _up(self, *, install: bool) -> None:
        if install and subprocess.call(["sh", str(addresses.ROOT / "boss" / "platform" / "lab.sh")]):
            raise CommandError("The servers could not be installed.")
        if servers.read_status().get("lab"):
            raise CommandError("`up --lab` runs them already.")
        lab_keeper.start()
        self._status()
        self._bind()

    def _down(self) -> None:
        if lab_keeper.stop():
            self.stdout.write("The real servers are stopped; what they hold stays for the next time.")
        else:
            self.stdout.write("They were not running.")
        self._bind()

    def _status(self) -> None:
        running = lab.running()
        for folder, module in lab.modules().items():
            state = "runs" if folder in running else "stopped" if module.is_installed() else "not installed"
            self.stdout.write(f"{state:14} {folder:24} {module.TITLE}")

    def _bind(self) -> None:
        """Have the demo realm provision on what runs now; nothing where there is no demo yet: `up` does it then."""
        try:
            with scoping.system_transaction("lab"):
                realm = Realm.objects.filter(key=seed.KEY).first()
            if realm is not None:
                with scoping.realm_transaction(realm.pk, "lab"):
                    network.bind_lab(Actor.system(realm.pk, "Lab"))
        except (ProgrammingError, OperationalError):
            realm = None  # the database is not there, or its schema is older than the code
        if realm is None:
            self.stdout.write("The demo realm is not there yet; `manage.py up` binds them when it has made it.")
            return
        names = [bound.name for bound in lab.bindings(network.NAMES)]
        self.stdout.write("Bound in the demo realm: " + (", ".join(names) or "the simulated servers alone"))
