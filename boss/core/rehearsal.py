"""Doing something only to see what it would do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from boss.core import scoping


@contextmanager
def rehearsed() -> Iterator[None]:
    """What is done inside is done for real, rules, refusals and all, and taken back at the end.

    Nobody else ever sees it, and what waits for the commit (messages, wake-ups) never happens. Take plain values out,
    no rows. Locks are held until then, so nothing slow belongs inside.
    """
    using = scoping.alias()
    with transaction.atomic(using=using):
        yield
        transaction.set_rollback(True, using=using)
