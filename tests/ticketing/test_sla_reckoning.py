"""When a promise is due equals a slow count, minute by minute, over time zones, changing clocks, holidays, pauses and
changed terms."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from hypothesis import event, given, settings
from hypothesis import strategies as some

from boss.core.calendars import ALWAYS, BusinessCalendar
from ticketing.sla.kinds import ClockState
from ticketing.sla.reckoning import Pause, Recorded, Term, reckon

MINUTE = dt.timedelta(minutes=1)
SEARCHED_DAYS = 6

# Zones with the days around which their clocks change: by an hour, by half an hour, at midnight, and never.
CHANGES = {
    "America/Chicago": (dt.date(2026, 3, 8), dt.date(2026, 11, 1)),
    "Europe/Berlin": (dt.date(2026, 3, 29), dt.date(2026, 10, 25)),
    "Australia/Lord_Howe": (dt.date(2026, 4, 5), dt.date(2026, 10, 4)),
    "America/Havana": (dt.date(2026, 3, 8), dt.date(2026, 11, 1)),
    "Asia/Kathmandu": (dt.date(2026, 5, 5),),
}
DAYS = [
    (dt.time(8), dt.time(17)),
    (dt.time(0), dt.time.max),
    (dt.time(1, 30), dt.time(2, 45)),
    (dt.time(2, 15), dt.time(6)),
]


@some.composite
def calendars(draw, zone: str, near: dt.date) -> BusinessCalendar:
    weekly = {day: [draw(some.sampled_from(DAYS))] for day in range(7) if draw(some.booleans())} or {
        near.weekday(): [DAYS[1]]
    }
    if draw(some.booleans()):
        weekly[near.weekday()] = [(dt.time(8), dt.time(12)), (dt.time(12, 45), dt.time(23, 10))]
    closed = [near + dt.timedelta(days=draw(some.integers(-1, 3)))] if draw(some.booleans()) else []
    return BusinessCalendar(zone, weekly, frozenset(closed))


@some.composite
def clocks(draw) -> Recorded:
    zone = draw(some.sampled_from(sorted(CHANGES)))
    near = draw(some.sampled_from(CHANGES[zone]))
    midnight = dt.datetime.combine(near, dt.time(0), dt.UTC)
    started = midnight + draw(some.integers(-2200, 600)) * MINUTE
    hours = calendars(zone, near)
    terms = [Term(started, draw(some.integers(1, 1500)) * MINUTE, draw(hours))]
    pauses, at = [], started
    for _more in range(draw(some.integers(0, 3))):
        began = at + draw(some.integers(0, 500)) * MINUTE
        at = began + draw(some.integers(0, 500)) * MINUTE
        pauses.append(Pause(began, at))
    if pauses and draw(some.booleans()):
        pauses[-1] = Pause(pauses[-1].began)
    for _more in range(draw(some.integers(0, 2))):
        since = started if draw(some.booleans()) else max(term.since for term in terms) + draw(
            some.integers(0, 600)
        ) * MINUTE  # fmt: skip
        terms.append(Term(since, draw(some.integers(1, 1500)) * MINUTE, draw(hours)))
    return Recorded(started, terms, pauses)


class Slow:
    """The same question answered the dull way: is this minute open, paused, whose hours hold; and then the next one."""

    def __init__(self, clock: Recorded) -> None:
        self.clock = clock
        self.edges: dict[int, list[tuple[dt.datetime, dt.datetime]]] = {}
        self.shown: dict[dt.datetime, dt.datetime] = {}

    def due_at(self) -> dt.datetime | None:
        agreed, counted = self.clock.terms[-1], dt.timedelta()
        minute = self.clock.started
        while minute < self.clock.started + dt.timedelta(days=SEARCHED_DAYS):
            if self._counts(minute):
                counted += MINUTE
                if counted == agreed.target:
                    return max(minute + MINUTE, agreed.since)
            minute += MINUTE
        return None

    def used(self, until: dt.datetime) -> dt.timedelta:
        minutes, at = 0, self.clock.started
        while at < until:
            minutes += self._counts(at)
            at += MINUTE
        return minutes * MINUTE

    def _counts(self, minute: dt.datetime) -> bool:
        if any(each.began <= minute and (each.ended is None or minute < each.ended) for each in self.clock.pauses):
            return False
        holds = [index for index, term in enumerate(self.clock.terms) if term.since <= minute][-1]
        return any(opens <= minute < closes for opens, closes in self._edges(holds))

    def _edges(self, index: int) -> list[tuple[dt.datetime, dt.datetime]]:
        if index not in self.edges:
            self.edges[index] = list(self._walked(self.clock.terms[index].hours))
        return self.edges[index]

    def _shown(self, name: str) -> dict[dt.datetime, dt.datetime]:
        """What the wall clock of the zone (one for a clock) shows, and when it does so first: all minutes in turn."""
        zone, at = ZoneInfo(name), self.clock.started - dt.timedelta(days=2)
        if self.shown:
            return self.shown
        while at < self.clock.started + dt.timedelta(days=SEARCHED_DAYS + 2):
            self.shown.setdefault(at.astimezone(zone).replace(tzinfo=None, fold=0), at)
            at += MINUTE
        return self.shown

    def _walked(self, hours: BusinessCalendar):
        """The instants at which a wall clock there shows the edges. A time shown twice is the first of the two; one
        that is skipped is read by the clock as it went before (RFC 5545, 3.3.5)."""
        zone, first = ZoneInfo(hours.zone), self._shown(hours.zone)
        day = (self.clock.started - dt.timedelta(days=1)).astimezone(zone).date()

        def instant(on: dt.date, time: dt.time) -> dt.datetime:
            wall = dt.datetime.combine(on, time)
            if wall in first:
                return first[wall]
            before = max(shown for shown in first if shown < wall)
            return (wall - first[before].astimezone(zone).utcoffset()).replace(tzinfo=dt.UTC)

        for _day in range(SEARCHED_DAYS + 3):  # from the day before to that after the last one searched
            for opens, closes in hours.weekly.get(day.weekday(), []) if day not in hours.holidays else []:
                next_day = closes == dt.time.max
                end = instant(day + dt.timedelta(days=1), dt.time(0)) if next_day else instant(day, closes)
                yield instant(day, opens), end
            day += dt.timedelta(days=1)


@settings(max_examples=30, deadline=None)
@given(clocks())
def test_a_due_time_equals_a_count_minute_by_minute(clock: Recorded) -> None:
    slow = Slow(clock)
    counted = slow.due_at()
    told = reckon(clock, clock.started)
    if counted is None and told.due_at is not None:  # beyond what was searched, never within
        assert told.due_at > clock.started + dt.timedelta(days=SEARCHED_DAYS)
    else:
        assert told.due_at == counted
    event("due" if counted else "paused or far")
    now = clock.started + dt.timedelta(minutes=1000)
    then = reckon(clock, now)
    assert then.used == slow.used(now)
    if then.due_at is not None and then.due_at >= clock.terms[-1].since:
        assert then.is_breached == (then.due_at < now)


def at(hour: int, minute: int = 0, day: int = 1) -> dt.datetime:
    return dt.datetime(2026, 6, day, hour, minute, tzinfo=dt.UTC)


def two_hours(**more) -> Recorded:
    return Recorded(at(8), [Term(at(8), dt.timedelta(hours=2), ALWAYS)], **more)


def test_a_round_the_clock_promise_loses_nothing_at_midnight():
    clock = Recorded(at(8), [Term(at(8), dt.timedelta(days=30), ALWAYS)])
    assert reckon(clock, at(8)).due_at == at(8) + dt.timedelta(days=30)


def test_a_promise_is_kept_at_the_instant_it_is_due_and_missed_after_it():
    assert reckon(two_hours(stopped=at(10)), at(12)).state == ClockState.MET
    assert reckon(two_hours(stopped=at(10, 1)), at(12)).state == ClockState.MISSED
    late = reckon(two_hours(), at(10, 30))
    assert (late.state, late.is_breached, late.left) == (ClockState.RUNNING, True, dt.timedelta(minutes=-30))


def test_a_clock_that_stands_still_is_due_at_no_known_time_and_one_already_late_stays_late():
    standing = reckon(two_hours(pauses=[Pause(at(9))]), at(20))
    assert (standing.state, standing.due_at, standing.left) == (ClockState.PAUSED, None, dt.timedelta(hours=1))
    late = reckon(two_hours(pauses=[Pause(at(11))]), at(20))
    assert (late.state, late.due_at, late.is_breached) == (ClockState.PAUSED, at(10), True)


def test_terms_as_old_as_the_clock_replace_what_was_and_later_ones_leave_what_has_passed():
    short = dt.timedelta(minutes=30)
    replaced = Recorded(at(8), [*two_hours().terms, Term(at(8), short, ALWAYS)])
    assert reckon(replaced, at(9)).due_at == at(8, 30)
    # From now on: nobody is late for the hour before it was agreed.
    later = Recorded(at(8), [*two_hours().terms, Term(at(9), short, ALWAYS)])
    assert reckon(later, at(9)).due_at == at(9)


def test_an_instant_that_was_promised_by_hand_stands_whatever_the_pauses():
    clock = Recorded(at(8), [Term(at(8), dt.timedelta(), ALWAYS, fixed_at=at(15))], [Pause(at(9), at(12))])
    assert reckon(clock, at(10)).due_at == at(15)
    assert reckon(clock, at(16)).is_breached


def test_a_void_clock_is_neither_kept_nor_missed():
    ended = reckon(two_hours(stopped=at(20), void=True), at(21))
    assert (ended.state, ended.is_breached) == (ClockState.VOID, False)
