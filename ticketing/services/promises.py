"""What is promised of a ticket now: the row of the policy that fits, and the hours it counts by, put on record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from boss.core import locks
from boss.core.calendars import ALWAYS, BusinessCalendar
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Calendar
from ticketing import policies
from ticketing.models import CalendarVersion, PolicyVersion, Ticket
from ticketing.sla.rules import SlaRules


@dataclass(frozen=True, slots=True)
class Agreed:
    """The terms for one clock. No ``calendar``: every hour counts. No ``version``: not by a policy."""

    target: dt.timedelta
    calendar: CalendarVersion | None
    version: PolicyVersion | None
    pauses_in: list[str]

    @property
    def hours(self) -> BusinessCalendar:
        return self.calendar.as_hours() if self.calendar is not None else ALWAYS


def by_hand() -> Agreed:
    """An instant somebody gave: no policy, no hours, no pause."""
    return Agreed(dt.timedelta(), None, None, [])


def agreed(ticket: Ticket, accounts: Collection[int] | None = None) -> dict[str, Agreed]:
    """The terms by kind of clock for a ticket as it is now. Empty when nothing is promised. ``accounts``: what a ticket
    that is being opened will be linked to."""
    held = policies.sla_of(ticket.category)
    return agreed_by(held.rules, held.version, ticket, accounts) if held is not None else {}


def agreed_by(
    rules: SlaRules, version: PolicyVersion | None, ticket: Ticket, accounts: Collection[int] | None = None
) -> dict[str, Agreed]:
    """The same by given rules."""
    row = rules.row_for(policies.facts_of(ticket, rules.asks(), accounts))
    if row is None:
        return {}
    calendar = present_hours(row.calendar) if row.calendar else None
    return {
        kind: Agreed(target, calendar, version, rules.pausing(kind)) for kind, target in row.targets.items()
    }  # fmt: skip


def present_hours(key: str) -> CalendarVersion | None:
    """The provider's calendar of this key as it is now, kept as a version of its own if it has changed since the last.

    None, which means around the clock, when there is no such calendar any more.
    """
    calendar: Calendar | None = Calendar.objects.filter(key=key).first()
    if calendar is None:
        return None
    last = _latest(key)
    if last is not None and _says(last) == _told(calendar):
        return last
    locks.hold(f"ticketing.calendar:{key}")
    last = _latest(key)
    if last is not None and _says(last) == _told(calendar):
        return last
    zone, weekly, holidays = _told(calendar)
    written: CalendarVersion = CalendarVersion.objects.create(
        key=key, number=last.number + 1 if last else 1, name=calendar.name, time_zone=zone, weekly=weekly,
        holidays=holidays,
    )  # fmt: skip
    return written


def _latest(key: str) -> CalendarVersion | None:
    latest: CalendarVersion | None = CalendarVersion.objects.filter(key=key).order_by("-number").first()
    return latest


def _told(calendar: Calendar) -> tuple[str, dict[str, list[str]], list[dt.date]]:
    zone = calendar.time_zone or tenancy.get_realm(calendar.realm_id).time_zone
    return zone, calendar.weekly, sorted(calendar.holidays)


def _says(version: CalendarVersion) -> tuple[str, dict[str, list[str]], list[dt.date]]:
    return version.time_zone, version.weekly, sorted(version.holidays)
