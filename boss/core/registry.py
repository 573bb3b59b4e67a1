"""Typed registries: how a room offers something to the rooms below it without being imported by them.

Filled in ``AppConfig.ready`` (and from entry points), checked on entry. A doubled key or a wrong type is reported
by Django's system checks at start-up (``boss.core.checks``), not at three in the morning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class UnknownKey(LookupError):
    """Nothing is registered under this key; the message lists what is."""


class Registry(Generic[T]):
    """A named map from key to item. ``kind`` is the type every item must have."""

    every: list[Registry[object]] = []

    def __init__(self, name: str, kind: type[T]) -> None:
        self.name = name
        self.kind = kind
        self.faults: list[str] = []
        self._items: dict[str, T] = {}
        Registry.every.append(self)  # type: ignore[arg-type]

    def register(self, key: str, item: T) -> T:
        if not isinstance(item, self.kind):
            self.faults.append(f"{self.name}: {key!r} is not a {self.kind.__name__}")
        elif key in self._items and self._items[key] is not item:
            self.faults.append(f"{self.name}: {key!r} is registered twice")
        else:
            self._items[key] = item
        return item

    def get(self, key: str) -> T:
        try:
            return self._items[key]
        except KeyError:
            raise UnknownKey(f"{self.name}: no {key!r}; there are {', '.join(sorted(self._items)) or 'none'}") from None

    def find(self, key: str) -> T | None:
        return self._items.get(key)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[tuple[str, T]]:
        return iter(sorted(self._items.items()))

    def __len__(self) -> int:
        return len(self._items)
