"""Takes mail from the mail server before BOSS, and listens at the mailboxes elsewhere that BOSS fetches:
``manage.py mail_intake [--host 0.0.0.0] [--port 2424]``."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from ticketing import lmtp
from ticketing.listening import Listeners


class Command(BaseCommand):
    help = "Take mail by LMTP until stopped. Put it behind your mail server; it is no server for the open Internet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=2424)

    def handle(self, *args: Any, **options: Any) -> None:
        door = lmtp.server(options["host"], options["port"])
        door.start()
        self.stdout.write(f"Taking mail by LMTP at {options['host']}:{options['port']}")
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        if most := settings.BOSS_MAIL_LISTENERS:
            Listeners(most).run(ended)
        ended.wait()
        door.stop()
