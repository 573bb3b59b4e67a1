"""From where the work at hand was asked for: the client's address of the request, nothing for the machine itself.

A ContextVar and not a member of the actor: whatever a request causes came from its address, whoever acts in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_address: ContextVar[str | None] = ContextVar("boss_client_address", default=None)


def address() -> str | None:
    """The address the request at hand came from; None outside of requests."""
    return _address.get()


@contextmanager
def coming_from(address: str | None) -> Iterator[None]:
    """Everything inside was asked for from ``address``."""
    token = _address.set(address)
    try:
        yield
    finally:
        _address.reset(token)
