"""What an escalation policy says: at which part of a promise's time, or how long before or after it is due, who is told
and what is done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from boss.core.problems import InvalidInput
from ticketing.sla.kinds import ClockKind
from ticketing.sla.reckoning import Recorded, reckon

MOST_STEPS = 12
MOST_PERCENT = 500
MOST_MINUTES = 60 * 24 * 60
ACTS = ("notify", "raise_priority", "move", "note")
AUDIENCES = ("assignee", "pool", "supervisor", "on_call")
"""And ``role:<key>``. Supervisors are those the pool names, or those above it; where none are named, who may give
tickets to people: those of the pool, or if it has none all. ``on_call`` is whoever has a shift of the pool's rota."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing a step does. ``to`` is an audience, a pool's key, or the text of a note; empty for the priority."""

    act: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """``percent`` of the target, or ``minutes`` of wall time after (below zero: before) it is due. ``page`` tells
    people whatever the hour."""

    clock: str
    acts: tuple[Act, ...]
    percent: int | None = None
    minutes: int | None = None
    page: bool = False

    def words(self) -> str:
        what = ClockKind(self.clock).label
        if self.percent is not None:
            return _("%(percent)s %% of: %(what)s") % {"percent": self.percent, "what": what}
        if not self.minutes:
            return _("due: %(what)s") % {"what": what}
        told = {"n": abs(self.minutes), "what": what}
        return (
            _("%(n)s minutes before: %(what)s") % told
            if self.minutes < 0
            else _("%(n)s minutes after: %(what)s") % told
        )

    def instant(self, clock: Recorded, now: dt.datetime) -> dt.datetime | None:
        """When this step's moment is, by what is on record. None while nobody can know it."""
        if self.percent is None:
            due_at = reckon(clock, now).due_at
            return due_at + dt.timedelta(minutes=self.minutes or 0) if due_at is not None else None
        agreed = clock.terms[-1]
        if agreed.fixed_at is not None:
            return clock.started + (agreed.fixed_at - clock.started) * self.percent / 100
        part = replace(agreed, target=agreed.target * self.percent / 100)
        return reckon(replace(clock, terms=[*clock.terms[:-1], part]), now).due_at


@dataclass(frozen=True, slots=True)
class Ladder:
    """``hours`` is the key of the calendar outside of which nobody is told anything but by a page; "" for any time."""

    steps: tuple[Step, ...]
    hours: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "hours": self.hours,
            "steps": [
                {
                    "clock": step.clock,
                    **({"percent": step.percent} if step.percent is not None else {"minutes": step.minutes or 0}),
                    "page": step.page,
                    "acts": [{"act": each.act, "to": each.to} for each in step.acts],
                }
                for step in self.steps
            ],
        }


@dataclass(frozen=True, slots=True)
class Known:
    """What a ladder may name: keys of calendars, pools and roles. None for what is not judged again."""

    calendars: frozenset[str]
    pools: frozenset[str]
    roles: frozenset[str]


def read(told: Mapping[str, Any], known: Known | None = None) -> Ladder:
    """A ladder from its JSON. Raises :class:`InvalidInput` with fields like ``steps.0.percent``."""
    faults: dict[str, list[str]] = {}
    given = told.get("steps")
    steps = given if isinstance(given, list) else []
    if not steps:
        faults["steps"] = [_("Give at least one step.")]
    if len(steps) > MOST_STEPS:
        faults["steps"] = [_("At most %(n)s steps.") % {"n": MOST_STEPS}]
    hours = str(told.get("hours", "") or "")
    if hours and known is not None and hours not in known.calendars:
        faults["hours"] = [_("There is no such calendar.")]
    found = tuple(_step(step, f"steps.{index}", faults, known) for index, step in enumerate(steps[:MOST_STEPS]))
    if faults:
        raise InvalidInput(fields=faults)
    return Ladder(found, hours)


def _step(told: Any, at: str, faults: dict[str, list[str]], known: Known | None) -> Step:
    step: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    clock = str(step.get("clock", ""))
    if clock not in ClockKind.values:
        faults[f"{at}.clock"] = [_("Choose a promise.")]
    percent, minutes = step.get("percent"), step.get("minutes")
    if (percent is None) == (minutes is None):
        faults[f"{at}.percent"] = [_("Give a part of the time in percent, or minutes before or after it is due.")]
    elif percent is not None and (not isinstance(percent, int) or not 1 <= percent <= MOST_PERCENT):
        faults[f"{at}.percent"] = [_("Between 1 and %(n)s percent.") % {"n": MOST_PERCENT}]
    elif minutes is not None and (not isinstance(minutes, int) or abs(minutes) > MOST_MINUTES):
        faults[f"{at}.minutes"] = [_("At most 60 days before or after.")]
    given = step.get("acts")
    acts = tuple(_act(each, f"{at}.acts", faults, known) for each in given) if isinstance(given, list) else ()
    if not acts:
        faults.setdefault(f"{at}.acts", [_("Say what the step does.")])
    return Step(clock, acts, percent, minutes, bool(step.get("page")))


def _act(told: Any, at: str, faults: dict[str, list[str]], known: Known | None) -> Act:
    act: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    what, to = str(act.get("act", "")), str(act.get("to", "") or "").strip()
    if what not in ACTS:
        faults[at] = [_("There is no such act.")]
    elif what == "notify" and not _is_audience(to, known):
        faults[at] = [_("Say who is told: the owner, the pool, its supervisors, who is on call or a role.")]
    elif what == "move" and (not to or (known is not None and to not in known.pools)):
        faults[at] = [_("There is no such talent pool.")]
    elif what == "note" and not to:
        faults[at] = [_("Write the note.")]
    return Act(what, to[:500])


def _is_audience(to: str, known: Known | None) -> bool:
    return is_audience(to, known.roles if known is not None else None)


def is_audience(to: str, roles: frozenset[str] | None) -> bool:
    """Whether this names people: one of ``AUDIENCES``, or a role there is."""
    key = to.removeprefix("role:")
    return to in AUDIENCES or (to != key and bool(key) and (roles is None or key in roles))
