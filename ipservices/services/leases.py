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

_TAKE = """
INSERT INTO ipservices_containerlock (realm_id, binding_id, container, holder, until)
VALUES (%(realm)s, %(binding)s, %(container)s, %(holder)s, clock_timestamp() + %(seconds)s * interval '1 second')
ON CONFLICT (realm_id, binding_id, container) DO UPDATE
   SET holder = excluded.holder, until = excluded.until
 WHERE ipservices_containerlock.until < clock_timestamp()
RETURNING id
"""


@contextmanager
def hold(binding: Binding, container: str, *, wait_seconds: float = 60.0) -> Iterator[None]:
    """Hold the container for the time of one driver call. Waits, then raises :class:`Transient`."""
    holder = secrets.token_hex(12)
    ends = time.monotonic() + wait_seconds
    pause = 0.01
    while not _take(binding, container, holder):
        if time.monotonic() > ends:
            raise Transient(f"{container} is being changed by somebody else")
        time.sleep(pause * (0.5 + random.random()))  # noqa: S311 - jitter
        pause = min(0.2, pause * 1.5)
    try:
        yield
    finally:
        _give_back(binding, container, holder)


def _take(binding: Binding, container: str, holder: str) -> bool:
    seconds = binding.deadline_seconds + MARGIN_SECONDS
    values: dict[str, int | float | str] = {
        "realm": binding.realm_id,
        "binding": binding.pk,
        "container": container[:300],
        "holder": holder,
        "seconds": seconds,
    }
    with scoping.realm_transaction(binding.realm_id, "driver"), connections[scoping.alias()].cursor() as cursor:
        cursor.execute(_TAKE, values)
        return cursor.fetchone() is not None


def _give_back(binding: Binding, container: str, holder: str) -> None:
    with scoping.realm_transaction(binding.realm_id, "driver"):
        ContainerLock.objects.filter(binding=binding, container=container[:300], holder=holder).delete()
