"""The lock around a native container while a driver changes it: a row that ends by itself (ADR 0041)."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from boss.core import scoping
from ipservices.contracts import Transient
from ipservices.models import Binding, ContainerLock

MARGIN_SECONDS = 5.0
"""How long a lease outlives the deadline of the call it protects."""

WAIT_SECONDS = 60.0

_TAKE = """
INSERT INTO ipservices_containerlock (realm_id, binding_id, container, holder, until)
VALUES (%(realm)s, %(binding)s, %(container)s, %(holder)s, clock_timestamp() + %(seconds)s * interval '1 second')
ON CONFLICT (realm_id, binding_id, container) DO UPDATE
   SET holder = excluded.holder, until = excluded.until
 WHERE ipservices_containerlock.until < clock_timestamp()
RETURNING id
"""


@contextmanager
def hold(binding: Binding, container: str, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the container for the time of one driver call. Waits, then raises :class:`Transient`."""
    holder = wait(binding, container, wait_seconds=wait_seconds)
    try:
        yield
    finally:
        with scoping.realm_transaction(binding.realm_id, "driver"):
            give_back(binding, container, holder)


def wait(binding: Binding, container: str, *, wait_seconds: float = WAIT_SECONDS, roads: int = 1) -> str:
    """Ask again and again, each time in a transaction of its own; the holder's token. Raises :class:`Transient`."""
    ends = time.monotonic() + wait_seconds
    pause = 0.01
    while True:
        with scoping.realm_transaction(binding.realm_id, "driver"):
            holder = take(binding, container, roads=roads)
        if holder:
            return holder
        if time.monotonic() > ends:
            raise Transient(f"{container} is being changed by somebody else")
        time.sleep(pause * (0.5 + random.random()))  # noqa: S311 - jitter
        pause = min(0.2, pause * 1.5)


def take(binding: Binding, container: str, *, roads: int = 1) -> str:
    """Take the lease in the caller's transaction when it is free; the holder's token, else empty.

    ``roads``: how many nodes the call may try, each for its whole deadline.
    """
    holder = secrets.token_hex(12)
    values: dict[str, int | float | str] = {
        "realm": binding.realm_id,
        "binding": binding.pk,
        "container": container[:300],
        "holder": holder,
        "seconds": binding.deadline_seconds * max(1, roads) + MARGIN_SECONDS,
    }
    with connections[scoping.alias()].cursor() as cursor:
        cursor.execute(_TAKE, values)
        return holder if cursor.fetchone() is not None else ""


def give_back(binding: Binding, container: str, holder: str) -> None:
    """End the lease in the caller's transaction; nothing happens when it ended by itself and is somebody else's."""
    ContainerLock.objects.filter(binding=binding, container=container[:300], holder=holder).delete()
