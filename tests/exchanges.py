"""What a piece of work asks of databases: every statement of this thread, whatever connection it takes, in its order.

Django's own log misses what runs on the raw connection, and what drivers ask of other servers' databases.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest


@contextmanager
def exchanges() -> Iterator[list[str]]:
    """The statements sent inside, BEGIN, COMMIT and savepoints among them; each is a round trip."""
    asked: list[str] = []
    execute, command = psycopg.Cursor.execute, psycopg.Connection._exec_command

    mine = threading.get_ident()

    def noted(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() == mine:
            asked.append(_words(query))
        return execute(self, query, *args, **kwargs)

    def commanded(self: Any, given: Any, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() == mine:
            asked.append(_words(given))
        return command(self, given, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", noted)
        patch.setattr(psycopg.Connection, "_exec_command", commanded)
        yield asked


def _words(query: Any) -> str:
    return " ".join((query.decode() if isinstance(query, bytes) else str(query)).split())
