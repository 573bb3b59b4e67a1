"""When a promise is due: a pure function of what is on record about its clock.

Nothing is counted up in place. A clock is recorded as its start, the terms that were agreed for it, its pauses and its
end; :func:`reckon` says from these alone when it is due, how much of it is used and whether it was kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from boss.core.calendars import BusinessCalendar
from ticketing.sla.kinds import ClockState

_NOTHING = dt.timedelta()


@dataclass(frozen=True, slots=True)
class Term:
    """What holds from ``since`` on, over all terms written down before it: so much open time of these hours.

    A term as old as the clock replaces everything agreed before; a later one leaves what has passed as it was counted.
    With ``fixed_at`` an instant was promised, whatever the hours and the pauses.
    """

    since: dt.datetime
    target: dt.timedelta
    hours: BusinessCalendar
    fixed_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Time that does not count, in ``[began, ended)``; still going on without ``ended``."""

    began: dt.datetime
    ended: dt.datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """All that is on record about one clock. ``terms`` in the order they were written down; at least one."""

    started: dt.datetime
    terms: Sequence[Term]
    pauses: Sequence[Pause] = ()
    stopped: dt.datetime | None = None
    void: bool = False


@dataclass(frozen=True, slots=True)
class Reckoned:
    """``due_at`` is None while nobody can know it: the clock stands still with time left. ``left`` is below zero when
    late by open time. ``paused`` is wall time."""

    state: ClockState
    due_at: dt.datetime | None
    used: dt.timedelta
    target: dt.timedelta
    left: dt.timedelta
    paused: dt.timedelta

    @property
    def is_breached(self) -> bool:
        """Missed, or running and late at the moment asked about."""
        return self.state == ClockState.MISSED or (self.state != ClockState.VOID and self.left < _NOTHING)


def reckon(clock: Recorded, now: dt.datetime) -> Reckoned:
    """The clock as it stands at ``now`` (aware). A target is kept until the instant it is due, and at it."""
    agreed = clock.terms[-1]
    end = clock.stopped or now
    pauses = _in_order(clock.pauses)
    used = sum((piece.hours.between(piece.begin, min(piece.end or end, end)) for piece in _pieces(clock, pauses)
                if piece.begin < end), _NOTHING)  # fmt: skip
    due_at = agreed.fixed_at or _due(clock, pauses, agreed)
    late = due_at is not None and due_at < end
    if clock.void:
        state = ClockState.VOID
    elif clock.stopped is not None:
        state = ClockState.MISSED if late else ClockState.MET
    elif pauses and pauses[-1].ended is None and agreed.fixed_at is None:
        state = ClockState.PAUSED
    else:
        state = ClockState.RUNNING
    left = agreed.fixed_at - end if agreed.fixed_at else agreed.target - used
    if late and left >= _NOTHING:  # a closed office: nothing of the next day is used up yet, and still it is late
        left = -dt.timedelta.resolution
    paused = sum((max(_NOTHING, min(pause.ended or end, end) - pause.began) for pause in pauses), _NOTHING)
    return Reckoned(state, due_at, used, agreed.target, left, paused)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch in which the clock runs by the same hours. Without ``end`` it goes on until it is due."""

    begin: dt.datetime
    end: dt.datetime | None
    hours: BusinessCalendar


def _due(clock: Recorded, pauses: Sequence[Pause], agreed: Term) -> dt.datetime | None:
    left = agreed.target
    for piece in _pieces(clock, pauses):
        if piece.end is None:
            return max(piece.hours.add(piece.begin, left), agreed.since)
        worked = piece.hours.between(piece.begin, piece.end)
        if worked >= left:
            # A term that came later makes nobody late for what was over before it was agreed.
            return max(piece.hours.add(piece.begin, left), agreed.since)
        left -= worked
    return None


def _pieces(clock: Recorded, pauses: Sequence[Pause]) -> Iterator[_Piece]:
    """From the start on, cut where pauses begin and end and where other hours begin to hold."""
    holding = _holding(clock)
    for begin, end in _awake(clock.started, pauses):
        for index, term in enumerate(holding):
            until = holding[index + 1].since if index + 1 < len(holding) else None
            first = max(begin, term.since) if index else begin
            last = until if end is None else end if until is None else min(until, end)
            if last is None or first < last:
                yield _Piece(first, last, term.hours)


def _holding(clock: Recorded) -> list[Term]:
    """The terms that hold, by time: each one written down later takes over from its ``since`` on."""
    found: list[Term] = []
    for term in clock.terms:
        found = [earlier for earlier in found if earlier.since < term.since]
        found.append(term)
    return found


def _awake(started: dt.datetime, pauses: Sequence[Pause]) -> Iterator[tuple[dt.datetime, dt.datetime | None]]:
    begin: dt.datetime = started
    for pause in pauses:
        if pause.began > begin:
            yield begin, pause.began
        if pause.ended is None:
            return
        begin = max(begin, pause.ended)
    yield begin, None


def _in_order(pauses: Sequence[Pause]) -> list[Pause]:
    return sorted(pauses, key=lambda pause: pause.began)
