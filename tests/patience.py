"""Waiting for what other tests of the same server hold back."""

from __future__ import annotations

import time

import psycopg

from boss.core import sealing
from boss.platform import addresses

SECONDS = 240.0


def until_older_transactions_end() -> None:
    """Return when no transaction is open that began to write before this call, in whatever database of the server.

    Numbers of transactions are the whole server's, so a test at work beside this one holds the sealing back.
    """
    deadline = time.monotonic() + SECONDS
    with psycopg.connect(addresses.admin_dsn(), dbname="postgres", autocommit=True) as connection:
        (mark,) = connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchone() or (0,)
        while time.monotonic() < deadline:
            (oldest,) = connection.execute(
                "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
            ).fetchone() or (0,)
            if oldest > mark:
                return
            time.sleep(0.1)
    raise AssertionError("an older transaction did not end")


def seal() -> int:
    """Seal all that was committed before this call. How many entries."""
    until_older_transactions_end()
    return sealing.seal()
