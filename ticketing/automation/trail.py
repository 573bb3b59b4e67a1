"""Which rule is acting at this moment: what is done meanwhile was set off by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ACTING: ContextVar[int | None] = ContextVar("acting_rule_run", default=None)


def acting() -> int | None:
    """The number of the run of the rule that is acting, or None."""
    return _ACTING.get()


@contextmanager
def acts(run_id: int) -> Iterator[None]:
    """Inside, that run of a rule is acting."""
    token = _ACTING.set(run_id)
    try:
        yield
    finally:
        _ACTING.reset(token)
