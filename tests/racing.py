"""Two people at the same moment, on a real database (``real_db``): the second comes before the first has committed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

from boss.core import scoping

HEAD_START = 0.4
"""Seconds the second has to run into what the first has not committed yet."""


def overlapping(realm_id: int, first: Callable[[], Any], second: Callable[[], Any]) -> Any:
    """What ``second`` gives, or the exception it ends with, when ``first`` has done its work but not committed it."""
    written, answer = threading.Event(), [None]

    def run() -> None:
        written.wait(30)
        try:
            with scoping.realm_transaction(realm_id):
                answer[0] = second()
        except Exception as error:
            answer[0] = error
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    with scoping.realm_transaction(realm_id):
        first()
        written.set()
        thread.join(HEAD_START)
    thread.join(30)
    return answer[0]
