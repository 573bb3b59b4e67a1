"""What an SLA policy says: rows of conditions with targets, the first that fits holds, and which states pause which
clocks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from boss.core.problems import InvalidInput
from ticketing.choices import Priority, TicketState
from ticketing.sla.kinds import ClockKind
from ticketing.sla.words import LONGEST

MOST_ROWS = 20
WAITING = (TicketState.WAITING_CUSTOMER.value, TicketState.WAITING_OTHER.value)
CONDITIONS = ("plans", "organizations", "sites")
"""What a row may ask for beside priority and kind of customer: keys of plans, public ids of the others."""
MOST_WANTED = 100
Exists = Callable[[Collection[str]], Collection[str]]
CUSTOMERS = ("", "business", "home")
USUAL_PAUSES: dict[str, tuple[str, ...]] = {
    TicketState.WAITING_CUSTOMER.value: (ClockKind.NEXT.value, ClockKind.INFORM.value, ClockKind.RESOLVE.value),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What rows ask of a ticket."""

    priority: int
    is_business: bool = False
    of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What a row may ask for besides, by the name of the condition: one of ``CONDITIONS``."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a policy. Empty conditions fit everything; ``calendar`` "" is around the clock."""

    targets: Mapping[str, dt.timedelta]
    calendar: str = ""
    priorities: frozenset[int] = frozenset()
    customers: str = ""
    conditions: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def fits(self, facts: Facts) -> bool:
        return (
            (not self.priorities or facts.priority in self.priorities)
            and (not self.customers or (self.customers == "business") == facts.is_business)
            and all(wanted & facts.of.get(name, frozenset()) for name, wanted in self.conditions.items())
        )


@dataclass(frozen=True, slots=True)
class SlaRules:
    rows: tuple[Row, ...]
    pauses: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: USUAL_PAUSES)

    def row_for(self, facts: Facts) -> Row | None:
        return next((row for row in self.rows if row.fits(facts)), None)

    def pausing(self, kind: str) -> list[str]:
        """The states in which a clock of this kind stands still."""
        return [state for state in WAITING if kind in self.pauses.get(state, ())]

    def asks(self) -> frozenset[str]:
        """The names of the conditions any row has."""
        return frozenset(name for row in self.rows for name in row.conditions)

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": [
                {
                    "priorities": sorted(row.priorities),
                    "customers": row.customers,
                    **{name: sorted(wanted) for name, wanted in sorted(row.conditions.items())},
                    "calendar": row.calendar,
                    "targets": {kind: int(target.total_seconds()) for kind, target in row.targets.items()},
                }
                for row in self.rows
            ],
            "pauses": {state: list(kinds) for state, kinds in self.pauses.items()},
        }


def read(
    told: Mapping[str, Any],
    *,
    calendars: frozenset[str] | None = None,
    known: Mapping[str, Exists] | None = None,
) -> SlaRules:
    """Rules from their JSON. Raises :class:`InvalidInput` with fields like ``rows.0.targets.first``.

    ``calendars`` are the keys there are, ``known`` what a condition may name; None for what was published before and
    is not judged again.
    """
    faults: dict[str, list[str]] = {}
    given = told.get("rows")
    rows = given if isinstance(given, list) else []
    if not rows:
        faults["rows"] = [_("Give at least one row with a target.")]
    if len(rows) > MOST_ROWS:
        faults["rows"] = [_("At most %(n)s rows.") % {"n": MOST_ROWS}]
    read_rows = tuple(
        _row(row, f"rows.{index}", faults, calendars, known) for index, row in enumerate(rows[:MOST_ROWS])
    )
    pauses = _pauses(told.get("pauses", USUAL_PAUSES), faults)
    if faults:
        raise InvalidInput(fields=faults)
    return SlaRules(read_rows, pauses)


def _row(
    told: Any,
    at: str,
    faults: dict[str, list[str]],
    calendars: frozenset[str] | None,
    known: Mapping[str, Exists] | None,
) -> Row:
    row: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    targets: dict[str, dt.timedelta] = {}
    given = row.get("targets")
    for kind, seconds in (given if isinstance(given, Mapping) else {}).items():
        if kind not in ClockKind.values:
            faults[f"{at}.targets.{kind}"] = [_("There is no such promise.")]
        elif not isinstance(seconds, int) or not 60 <= seconds <= LONGEST.total_seconds():
            faults[f"{at}.targets.{kind}"] = [_("Between a minute and 400 days.")]
        else:
            targets[kind] = dt.timedelta(seconds=seconds)
    if not targets:
        faults.setdefault(f"{at}.targets", [_("Give at least one target, or take the row away.")])
    calendar = str(row.get("calendar", ""))
    if calendar and calendars is not None and calendar not in calendars:
        faults[f"{at}.calendar"] = [_("There is no such calendar.")]
    priorities = row.get("priorities") or []
    if not isinstance(priorities, list) or not set(priorities) <= set(Priority.values):
        faults[f"{at}.priorities"], priorities = [_("Priorities are 1 to 4.")], []
    customers = str(row.get("customers", ""))
    if customers not in CUSTOMERS:
        faults[f"{at}.customers"] = [_("Choose business, home or any.")]
    conditions = {}
    for name in CONDITIONS:
        wanted = row.get(name) or []
        if not isinstance(wanted, list) or len(wanted) > MOST_WANTED or not all(isinstance(one, str) for one in wanted):
            faults[f"{at}.{name}"] = [_("Give a list of at most %(n)s.") % {"n": MOST_WANTED}]
        elif known is not None and wanted and (strange := _strange(wanted, known.get(name))):
            faults[f"{at}.{name}"] = [_("There is no such thing: %(names)s.") % {"names": ", ".join(strange)}]
        elif wanted:
            conditions[name] = frozenset(wanted)
    return Row(targets, calendar, frozenset(priorities), customers, conditions)


def _strange(wanted: list[str], exists: Exists | None) -> list[str]:
    there = exists(wanted) if exists is not None else ()
    return [one for one in wanted if one not in there]


def _pauses(told: Any, faults: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    given: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    found: dict[str, tuple[str, ...]] = {}
    for state, kinds in given.items():
        if state not in WAITING or not isinstance(kinds, list | tuple) or not set(kinds) <= set(ClockKind.values):
            faults["pauses"] = [_("Clocks stand still in waiting states only.")]
            continue
        found[state] = tuple(str(kind) for kind in kinds)
    return found
