"""Durations and hours as people write and read them: "30 min", "4 h", "2 d 12 h", "Mon–Fri 08:00–17:00"."""

from __future__ import annotations

import datetime as dt
import re

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _

from boss.core.calendars import BusinessCalendar

_UNITS = {"min": 60, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_PART = re.compile(r"(\d{1,5})\s*(min|m|h|d|w)\s*")
LONGEST = dt.timedelta(days=400)


def duration(text: str) -> dt.timedelta | None:
    """What "1 d 4 h", "90 min" or "2h30m" means. None for what is no duration between a minute and 400 days."""
    text = " ".join(text.lower().split())
    parts, at = dt.timedelta(), 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            return None
        parts += dt.timedelta(seconds=int(match[1]) * _UNITS[match[2]])
        at = match.end()
    return parts if dt.timedelta(minutes=1) <= parts <= LONGEST else None


def written(span: dt.timedelta) -> str:
    """As :func:`duration` reads it; whole minutes, a day being 24 hours of the time that counts."""
    minutes = max(0, int(span.total_seconds() // 60))
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24) if hours >= 48 or (hours == 24 and not minutes) else (0, hours)
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 min"


def clocked(span: dt.timedelta) -> str:
    """How long something took, like 0:35 or 27:10 (hours and minutes)."""
    minutes = int(span.total_seconds() // 60)
    return f"{minutes // 60}:{minutes % 60:02}"


def hours(calendar: BusinessCalendar) -> str:
    """The week in a line, days with the same hours together: "Mon–Fri 08:00–17:00, Sat 08:00–12:00"."""
    days: list[tuple[int, int, str]] = []
    for day in range(7):
        told = ", ".join(f"{opens:%H:%M}–{_end(closes)}" for opens, closes in calendar.weekly.get(day, []))
        if days and days[-1][2] == told and days[-1][1] == day - 1:
            days[-1] = (days[-1][0], day, told)
        else:
            days.append((day, day, told))
    if len(days) == 1 and days[0][2] == "00:00–24:00":
        return str(_("around the clock"))
    return ", ".join(f"{_days(first, last)} {told}" for first, last, told in days if told)


def _end(closes: dt.time) -> str:
    return "24:00" if closes == dt.time.max else f"{closes:%H:%M}"


def _days(first: int, last: int) -> str:
    names = str(WEEKDAYS_ABBR[first]), str(WEEKDAYS_ABBR[last])
    return names[0] if first == last else "–".join(names)
