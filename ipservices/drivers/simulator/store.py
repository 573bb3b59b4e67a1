"""The simulated machine itself: every request is one short transaction of its own, as on a server elsewhere.

The driver and the pretended subscribers (``client``) reach it only through this module. Called from inside a test's
rolled-back transaction the request becomes a savepoint of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from boss.core import scoping
from ipservices.models import SimulatedEffect, SimulatedObject, SimulatedServer


@contextmanager
def request(realm_id: int, name: str) -> Iterator[SimulatedServer]:
    """One request to the server called ``name``; it comes into being when first asked."""
    with scoping.realm_transaction(realm_id, "simulated server"):
        server = SimulatedServer.objects.filter(name=name).first()
        if server is None:
            SimulatedServer.objects.bulk_create([SimulatedServer(name=name)], ignore_conflicts=True)
            server = SimulatedServer.objects.get(name=name)
        yield server


def find(server: SimulatedServer, full_kind: str, name: str, *, lock: bool = False) -> SimulatedObject | None:
    rows = SimulatedObject.objects.select_for_update() if lock else SimulatedObject.objects.all()
    found: SimulatedObject | None = rows.filter(server=server, full_kind=full_kind, name=name).first()
    return found


def find_many(server: SimulatedServer, names: Sequence[str]) -> dict[tuple[str, str], SimulatedObject]:
    """The objects of these names, by kind and name."""
    rows = SimulatedObject.objects.filter(server=server, name__in=names)
    return {(row.full_kind, row.name): row for row in rows}


def log(server: SimulatedServer, *, key: str, operation: str, full_kind: str, name: str, changed: bool) -> None:
    SimulatedEffect.objects.create(
        server=server, key=key, operation=operation, full_kind=full_kind, name=name, changed=changed
    )


def digest(secret: str) -> str:
    """What the server keeps of a secret."""
    return hashlib.sha256(b"simulated:" + secret.encode()).hexdigest()


def picture(row: SimulatedObject) -> dict[str, Any]:
    """Everything about an object that an exact restore must bring back."""
    return {"secret_digests": row.secret_digests}
