"""The clock, handed in from one place so that a test can move it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_offset: ContextVar[dt.timedelta] = ContextVar("boss_clock_offset", default=dt.timedelta())


def now() -> dt.datetime:
    """Aware UTC. Where several processes must agree (leases, timers) use the database's ``clock_timestamp()``."""
    return dt.datetime.now(dt.UTC) + _offset.get()


def today() -> dt.date:
    return now().date()


@contextmanager
def moved(by: dt.timedelta) -> Iterator[None]:
    """For tests: everything inside sees a clock moved by ``by``."""
    token = _offset.set(_offset.get() + by)
    try:
        yield
    finally:
        _offset.reset(token)
