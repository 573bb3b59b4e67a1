"""Working time as the console shows it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.urls import reverse

from ticketing.models import TimeEntry
from ticketing.timesheet import seconds_of


def clock_of(seconds: int) -> str:
    """ "1:05" for an hour and five minutes; what is under a minute still shows."""
    sign, seconds = ("−" if seconds < 0 else ""), abs(seconds)
    minutes = max(1, round(seconds / 60)) if seconds else 0
    return f"{sign}{minutes // 60}:{minutes % 60:02d}"


@dataclass(frozen=True, slots=True)
class Line:
    """One entry."""

    entry: TimeEntry
    spent: str
    was: str
    who: str
    may_correct: bool
    url: str


def line(entry: TimeEntry, *, user_id: int | None, may_correct_others: bool) -> Line:
    counted = entry.counted
    return Line(
        entry=entry,
        spent=clock_of(counted),
        was=clock_of(entry.seconds) if counted != entry.seconds else "",
        who=entry.user.full_name if entry.user else entry.written_by,
        may_correct=may_correct_others or (entry.user_id is not None and entry.user_id == user_id),
        url=reverse("console:time_correct", args=[entry.public_id]),
    )


@dataclass(frozen=True, slots=True)
class Worked:
    """One entry of a week."""

    entry: TimeEntry
    spent: str


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a week."""

    date: dt.date
    worked: list[Worked]
    spent: str
    seconds: int


def days(monday: dt.date, entries: Iterable[TimeEntry], zone: dt.tzinfo) -> list[Day]:
    """The seven days from ``monday``, each with what was begun on it there."""
    by_date: dict[dt.date, list[TimeEntry]] = {}
    for entry in entries:
        by_date.setdefault(entry.started_at.astimezone(zone).date(), []).append(entry)
    week = [monday + dt.timedelta(days=number) for number in range(7)]
    return [_day(date, by_date.get(date, [])) for date in week]


def _day(date: dt.date, entries: Sequence[TimeEntry]) -> Day:
    worked = [Worked(entry, clock_of(entry.counted)) for entry in entries]
    seconds = seconds_of(entries)
    return Day(date, worked, clock_of(seconds), seconds)
