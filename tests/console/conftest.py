from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

# What the transaction itself says: the scope of the realm, savepoints. Not questions of the page.
_FRAME = ("SELECT set_config", "SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")


@pytest.fixture
def statements_of() -> Callable[[Client, str], list[str]]:
    """The SQL a page asks when everything that is kept for some seconds is already kept.

    The shorter of two tries: what is kept may have come to its end between the first look and the second.
    """

    def ask(client: Client, path: str, **data: Any) -> list[str]:
        client.get(path, data)
        return min(_asked(client, path, data), _asked(client, path, data), key=len)

    return ask


def _asked(client: Client, path: str, data: dict[str, Any]) -> list[str]:
    with CaptureQueriesContext(connection) as seen:
        answer = client.get(path, data)
    assert answer.status_code == 200
    return [query["sql"] for query in seen.captured_queries if not query["sql"].startswith(_FRAME)]
