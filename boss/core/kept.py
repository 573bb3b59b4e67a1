"""Open connections to other machines, kept by this process between two uses (ADR 0127).

A connection is taken, used by one alone and laid back; no thread looks after what lies here. The key says all that it
was made of, the secret included, so that whoever has another secret, address or permission never gets it.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

IDLE_SECONDS = 30.0
"""What nobody took for so long is closed. Shorter than firewalls forget a connection."""
LONGEST_SECONDS = 600.0
"""How long one connection serves at most: then names are resolved anew and the guard asked again."""
MOST_ALIKE = 4
MOST = 24
"""Of one key, and of one shelf, that lie here unused."""

_SALT = os.urandom(16)


def key_of(*parts: Any) -> str:
    """What a connection was made of, as a key that does not tell it."""
    return hashlib.blake2b(repr(parts).encode(), key=_SALT, digest_size=24).hexdigest()


@dataclass(slots=True)
class Kept(Generic[T]):
    """A connection somebody holds, and by what key it is laid back."""

    connection: T
    key: str
    opened: float
    idle_since: float = 0.0

    @staticmethod
    def new(connection: T, key: str) -> Kept[T]:
        return Kept(connection, key, time.monotonic())


class Shelf(Generic[T]):
    """Unused connections of one sort."""

    def __init__(self, *, close: Callable[[T], None], is_sound: Callable[[T], bool]) -> None:
        """``is_sound`` looks at a connection without asking its other end anything."""
        self._close = close
        self._is_sound = is_sound
        self._rows: list[Kept[T]] = []
        self._lock = threading.Lock()
        self._inherited: list[list[Kept[T]]] = []
        _shelves.add(self)

    def take(self, key: str) -> Kept[T] | None:
        """One that was made of just this and is still good; the caller's alone until it is laid back."""
        while True:
            with self._lock:
                found = next((row for row in reversed(self._rows) if row.key == key), None)
                if found is not None:
                    self._rows.remove(found)
            self._clear_old()
            if found is None or (not _is_old(found) and self._is_sound(found.connection)):
                return found
            self._end(found)

    def lay_back(self, kept: Kept[T]) -> None:
        """Keep it for whoever is next. It must be in no transaction and wait for no answer."""
        kept.idle_since = time.monotonic()
        with self._lock:
            self._rows.append(kept)
            alike = [row for row in self._rows if row.key == kept.key]
            surplus = alike[:-MOST_ALIKE] or self._rows[:-MOST]
            for row in surplus:
                self._rows.remove(row)
        for row in surplus:
            self._end(row)
        self._clear_old()

    def clear(self) -> None:
        """Close all that lies here."""
        with self._lock:
            rows, self._rows = self._rows, []
        for row in rows:
            self._end(row)

    def forget_inherited(self) -> None:
        """In a forked child: the connections are the parent's. Closing them would say good-bye in its name."""
        self._lock = threading.Lock()
        self._inherited.append(self._rows)
        self._rows = []

    def _clear_old(self) -> None:
        with self._lock:
            old = [row for row in self._rows if _is_old(row)]
            for row in old:
                self._rows.remove(row)
        for row in old:
            self._end(row)

    def _end(self, row: Kept[T]) -> None:
        self._close(row.connection)


def clear() -> None:
    """Close every connection of this process that nobody uses."""
    for shelf in list(_shelves):
        shelf.clear()


def _is_old(row: Kept[Any]) -> bool:
    now = time.monotonic()
    return now - row.idle_since > IDLE_SECONDS or now - row.opened > LONGEST_SECONDS


def _forget_inherited() -> None:
    for shelf in list(_shelves):
        shelf.forget_inherited()


_shelves: weakref.WeakSet[Shelf[Any]] = weakref.WeakSet()
os.register_at_fork(after_in_child=_forget_inherited)
atexit.register(clear)
