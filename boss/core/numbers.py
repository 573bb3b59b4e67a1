"""Human numbers, gapless enough for people and never given twice in a realm."""

from __future__ import annotations

from django.db import connections

from boss.core import scoping

_NEXT = """
INSERT INTO core_numberseries (realm_id, kind, next_value) VALUES (%s, %s, %s + 1)
ON CONFLICT (realm_id, kind) DO UPDATE SET next_value = core_numberseries.next_value + 1
RETURNING next_value - 1
"""


def draw(kind: str, *, first: int = 1) -> int:
    """The next number of ``kind`` in the current realm. Taken back if the transaction rolls back."""
    with connections[scoping.alias()].cursor() as cursor:
        cursor.execute(_NEXT, (scoping.current_realm_id(), kind, first))
        row = cursor.fetchone()
    return int(row[0])
