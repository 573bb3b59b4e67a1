"""The environment variables that tell every process of one test run which servers and which database are its own."""

from __future__ import annotations

import os
import secrets

TEMPLATE = "boss_template"


def enter() -> None:
    """Give this process its platform kind, database and Valkey block. What its parent chose stays."""
    if not is_xdist_worker():
        # A run has its own servers, whatever this shell points at, and a fresh identity even below another run.
        for name in ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "BOSS_OWNER_DB_PASSWORD"):
            os.environ.pop(name, None)
        os.environ["BOSS_PLATFORM_KIND"] = f"test-{secrets.token_hex(4)}"
        os.environ["BOSS_SERVERS_RUN"] = "1"
        os.environ["DJANGO_SETTINGS_MODULE"] = "boss.settings.test"
    os.environ["BOSS_DATABASE_NAME"] = f"boss_{worker_name()}"
    os.environ["BOSS_REDIS_BLOCK"] = str(worker_number())


def is_xdist_worker() -> bool:
    """True in one of pytest-xdist's workers."""
    return "PYTEST_XDIST_WORKER" in os.environ


def worker_name() -> str:
    """`gw0`, `gw1`, …; `main` without pytest-xdist."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


def worker_number() -> int:
    """A number of our own among the processes of this run, 0 for the controlling one."""
    return int(worker_name().removeprefix("gw")) + 1 if is_xdist_worker() else 0
