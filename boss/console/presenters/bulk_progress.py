"""How far one thing that is done to many is, whatever it is done to, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from django.utils.translation import gettext_lazy

from boss.look.marks import Mark

OUTCOME = {
    "pending": Mark(gettext_lazy("To be done"), "clock", "busy"),
    "done": Mark(gettext_lazy("Done"), "check", "ok"),
    "refused": Mark(gettext_lazy("Refused"), "ban", "wait"),
    "failed": Mark(gettext_lazy("Failed"), "x", "bad"),
}
_URGENCY = {"failed": 0, "refused": 1, "pending": 2}


class Counted(Protocol):
    """How many have which outcome; ``settled``: any of them."""

    @property
    def total(self) -> int: ...

    @property
    def done(self) -> int: ...

    @property
    def refused(self) -> int: ...

    @property
    def failed(self) -> int: ...

    @property
    def settled(self) -> int: ...


@dataclass(frozen=True, slots=True)
class BulkProgress:
    """How far an action is, for its page at ``url``; ``among`` and ``among_url`` are the list it was begun at."""

    title: str
    progress: Counted
    is_over: bool
    asked_by: str
    url: str
    among: str
    among_url: str
    crumb: str
    reason: str = ""

    @property
    def live_url(self) -> str:
        return f"{self.url}?live=1&seen={self.progress.settled}"


@dataclass(frozen=True, slots=True)
class ItemLine:
    title: str
    url: str
    mark: Mark
    text: str


def urgency(outcome: str) -> int:
    """What needs somebody's look sorts first."""
    return _URGENCY.get(outcome, 3)
