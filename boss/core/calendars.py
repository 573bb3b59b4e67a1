"""Business hours: when work is expected to be done. Pure functions over an IANA zone and weekly intervals."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

_LONGEST_DAYS = 3660


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """``weekly`` maps a weekday (0 is Monday) to local (opens, closes) times; ``holidays`` are closed days."""

    zone: str
    weekly: dict[int, list[tuple[dt.time, dt.time]]]
    holidays: frozenset[dt.date] = field(default_factory=frozenset)

    def add(self, start: dt.datetime, working: dt.timedelta) -> dt.datetime:
        """The instant at which ``working`` time of open hours has passed since ``start`` (aware; result UTC).

        Raises ValueError when the calendar is never open.
        """
        left = working
        instant = start.astimezone(dt.UTC)
        day = start.astimezone(ZoneInfo(self.zone)).date()
        for _day in range(_LONGEST_DAYS):
            for opens, closes in self._open(day):
                begin = max(opens, instant)
                if begin >= closes:
                    continue
                if begin + left <= closes:
                    return begin + left
                left -= closes - begin
            day += dt.timedelta(days=1)
        raise ValueError("the calendar has no open hours")

    def between(self, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
        """Open time in ``[start, end)``."""
        total = dt.timedelta()
        day = start.astimezone(ZoneInfo(self.zone)).date()
        last = end.astimezone(ZoneInfo(self.zone)).date()
        while day <= last:
            for opens, closes in self._open(day):
                total += max(dt.timedelta(), min(closes, end) - max(opens, start))
            day += dt.timedelta(days=1)
        return total

    def openings(self, start: dt.datetime, count: int) -> list[tuple[dt.datetime, dt.datetime]]:
        """The next ``count`` open intervals that end after ``start``, as UTC instants; fewer if there are no more."""
        found: list[tuple[dt.datetime, dt.datetime]] = []
        day = start.astimezone(ZoneInfo(self.zone)).date()
        for _day in range(_LONGEST_DAYS):
            found += [(opens, closes) for opens, closes in self._open(day) if closes > start]
            if len(found) >= count:
                break
            day += dt.timedelta(days=1)
        return found[:count]

    def as_zone(self) -> ZoneInfo:
        """The zone in which its days are counted."""
        return ZoneInfo(self.zone)

    def is_open_on(self, day: dt.date) -> bool:
        """Whether there are open hours on this local day."""
        return bool(self._open(day))

    def _open(self, day: dt.date) -> list[tuple[dt.datetime, dt.datetime]]:
        """The day's open intervals as UTC instants: on a day of changing clocks they are longer or shorter."""
        if day in self.holidays:
            return []
        zone = ZoneInfo(self.zone)
        return [
            (dt.datetime.combine(day, opens, zone).astimezone(dt.UTC), _closing(day, closes, zone))
            for opens, closes in self.weekly.get(day.weekday(), [])
        ]


def _closing(day: dt.date, closes: dt.time, zone: ZoneInfo) -> dt.datetime:
    """``time.max`` stands for 24:00, the midnight that follows: else a microsecond of every open night were lost."""
    if closes == dt.time.max:
        day, closes = day + dt.timedelta(days=1), dt.time(0)
    return dt.datetime.combine(day, closes, zone).astimezone(dt.UTC)


ALWAYS = BusinessCalendar("UTC", {day: [(dt.time(0), dt.time.max)] for day in range(7)})
