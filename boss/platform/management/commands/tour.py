"""`manage.py tour`: walk the running system from outside. The exit status is the truth."""

from __future__ import annotations

import os
import signal
import sys
from argparse import ArgumentParser
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError

from boss.platform import servers
from boss.platform.tour.stranger import NotAsExpected
from boss.platform.tour.tours import Guide

PASSWORD = "three-lakes-demo"  # noqa: S105 - printed by `manage.py up`
NEIGHBOUR = ("highprairie.localhost", "high-prairie-demo")


class Command(BaseCommand):
    help = "Walk the one path through the running system over HTTP and check everything it claims."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default="", help="where BOSS runs (default: where `up` runs, or localhost:8000)")
        parser.add_argument("--password", default=PASSWORD, help="of the demo's staff, as `up` prints it")
        parser.add_argument("--fail", metavar="FAMILY", default="", help="let the servers of a family fail, e.g. mail")
        parser.add_argument("--reverse", action="store_true", help="reverse the run before the visit")
        parser.add_argument("--lab", action="store_true", help="real servers must do the work, and be seen to")
        parser.add_argument("--kill-worker", action="store_true", help="kill the workers in the middle")

    def handle(self, *args: Any, **options: Any) -> None:
        url = (options["url"] or servers.read_status().get("url") or "http://localhost:8000").rstrip("/")
        port = httpx.URL(url).port
        host = f"{NEIGHBOUR[0]}:{port}" if port else NEIGHBOUR[0]
        try:
            guide = Guide(url, options["password"], self._say, charlie=(host, NEIGHBOUR[1]), lab=options["lab"])
            if options["reverse"]:
                guide.reversed()
            elif options["kill_worker"]:
                guide.killed(kill_workers)
            elif options["fail"]:
                guide.failing(options["fail"])
            else:
                guide.plain()
        except httpx.TransportError as trouble:
            raise CommandError(f"{url} does not answer ({trouble}). Is `manage.py up` running?") from trouble
        except NotAsExpected as difference:
            raise CommandError(f"NOT AS EXPECTED: {difference}") from difference
        self._say("\nThe tour is over. Everything was as claimed.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        sys.stdout.flush()


def kill_workers() -> str:
    """`kill -9` the workers of the platform that runs here, with all their processes. What was killed, in words."""
    processes = servers.read_status().get("processes", {})
    workers = {name: pid for name, pid in processes.items() if name.endswith("worker")}
    if not workers:
        raise NotAsExpected("no worker of `manage.py up` is known on this machine, so none can be killed")
    for pid in workers.values():
        os.killpg(os.getpgid(pid), signal.SIGKILL)
    return f"killed the workers (process groups of {', '.join(str(pid) for pid in workers.values())})"
