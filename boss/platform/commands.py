"""Run a Django command with what it needs around it: settings, a database, the right database role."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence

from boss.platform import addresses, servers
from boss.platform.database import DatabaseRefused
from boss.platform.processes import StartError

WITHOUT_SERVERS = frozenset(
    {
        *("", "help", "--help", "-h", "version", "--version", "check", "diffsettings", "findstatic", "collectstatic"),
        *("makemigrations", "makemessages", "compilemessages", "startapp", "startproject", "openapi"),
        *("up", "test", "quality", "tour", "compile_templates", "openapi"),
    }
)
"""Commands that need no server, or bring their own."""

AS_OWNER = frozenset({"migrate", "showmigrations", "sqlmigrate", "sqlflush", "inspectdb", "dbshell", "flush"})
"""Commands about the schema. Only the owner's role may do what they do, so it is their default."""


def settings_module(argv: Sequence[str]) -> str:
    """The settings a command runs under when `DJANGO_SETTINGS_MODULE` is not set."""
    return "boss.settings.test" if command_of(argv) == "test" else "boss.settings.dev"


def command_of(argv: Sequence[str]) -> str:
    """The name of the command on a command line; empty when there is none."""
    return argv[1] if len(argv) > 1 else ""


def run(argv: Sequence[str]) -> None:
    """Run one command line. Ends the process with status 1 and a plain sentence when the servers cannot be had."""
    argv = list(argv)
    command = command_of(argv)
    if command == "up" and not {"-h", "--help"} & set(argv):
        # Django is imported in the processes that need it, while the servers start.
        from boss.platform import supervisor

        sys.exit(supervisor.main(argv[2:]))
    if command == "quality":
        from boss.platform import quality

        sys.exit(quality.main(argv[2:]))
    if command == "test":
        from boss.platform.testing.command import become_pytest

        become_pytest(argv[2:])
    if command in AS_OWNER and not any(word.startswith("--database") for word in argv):
        argv.append("--database=owner")
    if command == "makemigrations":
        # It looks whether a database's history fits, and can do without.
        warnings.filterwarnings("ignore", message="Got an error checking a consistent migration history")
    try:
        if command in WITHOUT_SERVERS or "--help" in argv or not is_embedded():
            if command == "migrate" and not addresses.is_embedded_database():
                addresses.settle_secret()
                servers.prepare_database()
            execute(argv)
        else:
            with servers.lend(command):
                execute(argv)
    except (StartError, DatabaseRefused, addresses.AddressError) as trouble:
        sys.exit(f"boss: {trouble}")


def execute(argv: Sequence[str]) -> None:
    """Hand a command line to Django."""
    # Not at the top: `up`, `test` and `quality` do not wait for Django to be imported in this process.
    from django.core.management import execute_from_command_line

    if command_of(argv) == "migrate":
        from boss.platform.quick_migrations import folded

        with folded():
            execute_from_command_line(list(argv))
    else:
        execute_from_command_line(list(argv))


def is_embedded() -> bool:
    """True when this command may have to start a server itself: not below a test or another platform process."""
    if os.environ.get("BOSS_SERVERS_RUN") == "1":
        return False
    return addresses.is_embedded_database() or addresses.is_embedded_redis()
