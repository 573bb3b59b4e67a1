"""What stands still and why: everything somebody needs to know when runs do not close, in one text."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable

import psycopg
import redis
from django.db import connections

from boss.core import lanes
from boss.platform import addresses
from boss.platform.processes import Child
from tests.cast import Cast
from tests.faults.conftest import children_of, describe

_ACTIVITY = """
SELECT pid, usename, state, wait_event_type || ':' || wait_event, age(clock_timestamp(), xact_start),
       pg_blocking_pids(pid), left(regexp_replace(query, '\\s+', ' ', 'g'), 160)
  FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()
"""


def explain(cast: Cast, database: str, run_ids: list[int], children: Iterable[Child]) -> str:
    """The open runs' tasks, the servers' side of it, and which processes live with the ends of their logs."""
    children = list(children)
    for child in children:
        if child.is_running and child.pid and "worker" in child.name:
            os.kill(child.pid, signal.SIGUSR1)  # Celery's main process then writes where its threads are
    time.sleep(1)
    parts = {
        "open runs": lambda: describe(cast, run_ids),
        "sessions of the database": lambda: _sessions(database),
        "messages waiting": _messages,
        **{child.name: lambda child=child: _life(child) for child in children},
    }
    return "\n".join(f"--- {title}\n{_told(part)}" for title, part in parts.items())


def _told(part: Callable[[], str]) -> str:
    try:
        return part()
    except Exception as trouble:
        connections.close_all()
        return f"cannot be found out: {trouble!r}"


def _sessions(database: str) -> str:
    with psycopg.connect(addresses.admin_dsn(), dbname="postgres", connect_timeout=5) as connection:
        return "\n".join(str(row) for row in connection.execute(_ACTIVITY, [database]))


def _messages() -> str:
    with redis.Redis.from_url(addresses.redis_url(0), socket_timeout=5) as client:
        waiting = {name: client.llen(name) for kind in lanes.KINDS for name in lanes.all_of(kind)}
        clients = [f"{c['cmd']} idle {c['idle']}" for c in client.client_list()]
    return f"{ {name: length for name, length in waiting.items() if length} }, clients {clients}"


def _life(child: Child) -> str:
    if not child.is_running:
        status = child.process.returncode if child.process else None
        return f"ended with status {status}\n{child.last_words(40)}"
    return f"lives as {child.pid}, below it {children_of(child.pid or 0)}\n{child.last_words(40)}"
