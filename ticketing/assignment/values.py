"""What is known of people and of tickets when one is to be given to the other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from ticketing.assignment.kinds import Because, PresenceState, Stage, Strategy

TOP_LEVEL = 5
"""Skills have levels from 1 to this."""


@dataclass(frozen=True, slots=True)
class Need:
    """A skill that is asked for, at least at ``level``; ``wished`` is given up first."""

    skill: str
    level: int = 1
    wished: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a ticket asks of whoever gets it.

    ``language`` is a code, "" for any. ``places`` are all names of where it is, in small letters. ``weight`` is what
    it takes of somebody's capacity. ``last_handler`` had the customer's ticket before; ``put_back_by`` have had this
    one and do not get it again by themselves.
    """

    needs: tuple[Need, ...] = ()
    language: str = ""
    places: frozenset[str] = frozenset()
    weight: int = 1
    last_handler: int | None = None
    put_back_by: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Member:
    """One person of a pool at one moment. ``key`` is the user's id.

    ``load`` are the units of all open tickets the person has, of whatever pool; ``capacity`` is up to how many units
    this pool gives more. ``in_hours``: the hours that hold for the person here are open. No ``zones`` is everywhere.
    """

    key: int
    name: str
    skills: Mapping[str, int] = field(default_factory=dict)
    languages: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()
    capacity: int = 1
    load: int = 0
    presence: PresenceState = PresenceState.OFFLINE
    in_hours: bool = True
    on_call: bool = False
    last_given_at: dt.datetime | None = None
    idle_since: dt.datetime | None = None

    @property
    def fullness(self) -> Fraction:
        return Fraction(self.load, self.capacity) if self.capacity else Fraction(self.load + 1)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody does not get it. ``about`` is the skill, the language or the presence; the numbers are levels or
    units: what there is and what would be needed."""

    because: Because
    about: str = ""
    has: int = 0
    needs: int = 0


@dataclass(frozen=True, slots=True)
class Passed:
    """Somebody who did not get it."""

    member: Member
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Choice:
    """Who gets it (None: nobody), by which strategy, how far it was loosened, and who was passed over and why."""

    member: Member | None
    strategy: Strategy
    stage: Stage
    passed: tuple[Passed, ...] = ()
