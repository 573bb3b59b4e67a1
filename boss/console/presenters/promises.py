"""Promised times as the console shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from boss.look.marks import Mark, Tone
from ticketing.sla.kinds import ClockState
from ticketing.why import Why

_MARKS: dict[ClockState, tuple[str, Tone]] = {
    ClockState.RUNNING: ("clock", "busy"),
    ClockState.PAUSED: ("hourglass", "wait"),
    ClockState.MET: ("circle-check", "ok"),
    ClockState.MISSED: ("alert-triangle", "bad"),
    ClockState.VOID: ("circle-minus", "idle"),
}


@dataclass(frozen=True, slots=True)
class Promise:
    why: Why
    mark: Mark


def of(told: Iterable[Why]) -> list[Promise]:
    return [Promise(each, _mark(each)) for each in told]


def _mark(why: Why) -> Mark:
    if why.is_late and why.stopped_at is None:
        return Mark(_("Late"), "alert-triangle", "bad")
    icon, tone = _MARKS[ClockState(why.state)]
    return Mark(why.state_label, icon, tone)
