"""Advisory locks keyed by realm, held to the end of the transaction or around work outside one."""

from __future__ import annotations

import hashlib

from django.db import connections

from boss.core import scoping


def _key(name: str) -> int:
    digest = hashlib.blake2b(f"{scoping.current_realm_id()}:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def hold(name: str) -> None:
    """Wait for the named lock of this realm and hold it until the transaction ends."""
    with connections[scoping.alias()].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_key(name),))


def try_hold(name: str) -> bool:
    """Like :func:`hold`, but False at once when somebody else has it."""
    with connections[scoping.alias()].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", (_key(name),))
        row = cursor.fetchone()
    return bool(row[0])
