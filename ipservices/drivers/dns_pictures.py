"""What a driver has read of whole zones, kept for a short while: many names stand in one zone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

P = TypeVar("P")

_MOST = 4
"""Zones kept at a time: big ones take tens of megabytes."""


class Pictures(Generic[P]):
    """Pictures of zones by name; None stands for a zone the server does not hold."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, P | None]] = {}

    def get(self, zone: str, read: Callable[[str], P | None], *, not_before: float) -> P | None:
        """The picture, taken anew unless there is one from after ``not_before`` (``time.monotonic``)."""
        found = self._kept.pop(zone, None)
        if found is None or found[0] < not_before:
            found = None  # let the old one go before the new one comes
            while len(self._kept) >= _MOST:
                del self._kept[next(iter(self._kept))]
            found = (time.monotonic(), read(zone))
        self._kept[zone] = found
        return found[1]

    def has(self, zone: str, *, not_before: float) -> bool:
        """Whether asking for it would cost nothing."""
        found = self._kept.get(zone)
        return found is not None and found[0] >= not_before
