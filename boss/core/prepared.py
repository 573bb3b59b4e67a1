"""Statements of hot paths, planned once for each connection.

They run on the raw psycopg connection with server-side parameters, where Postgres plans them once (planning a large one
costs more than running it). Django leaves preparing off for poolers that cannot keep it; only these few use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connections
from psycopg.types.json import Jsonb

from boss.core import scoping


def execute(statement: str, parameters: Mapping[str, Any]) -> psycopg.Cursor[tuple[Any, ...]]:
    """Run a constant statement in the realm's transaction that is open; dicts become jsonb.

    Raises RuntimeError outside a transaction, and Django's database errors.
    """
    connection = connections[scoping.alias()]
    if not connection.in_atomic_block:
        raise RuntimeError("these statements run inside a realm's transaction only")
    raw = connection.connection
    raw.prepare_threshold = 2
    values = {key: Jsonb(value) if _is_document(value) else value for key, value in parameters.items()}
    with connection.wrap_database_errors:
        cursor: psycopg.Cursor[tuple[Any, ...]] = psycopg.Cursor(raw)
        return cursor.execute(statement.encode(), values)


def _is_document(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))
