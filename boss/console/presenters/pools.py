"""People of pools as the console shows them."""

from __future__ import annotations

from dataclasses import dataclass

from boss.console.presenters.marks import PRESENCE, mark
from boss.look.marks import Mark
from ticketing.workload import MemberLoad


@dataclass(frozen=True, slots=True)
class Person:
    """A line of the board. ``bar`` and ``most`` are for the bar: a full one where there is more than room for."""

    load: MemberLoad
    mark: Mark
    reason: str
    bar: int
    most: int
    is_full: bool


def presence(state: str) -> Mark:
    return mark(PRESENCE, state)


def person(each: MemberLoad) -> Person:
    member = each.member
    shown = each.place if each.place is not None and each.place.state == member.presence else None
    return Person(
        load=each,
        mark=presence(member.presence),
        reason=shown.reason if shown is not None else "",
        bar=min(member.load, member.capacity),
        most=max(member.capacity, 1),
        is_full=member.load >= member.capacity,
    )
