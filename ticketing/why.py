"""Why is it due then: every promise of a ticket in plain words, step by step, from what is on record."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from boss.core import clock as time
from boss.core.actors import Actor
from ticketing import policies
from ticketing.choices import TicketState
from ticketing.models import SlaClock, SlaPause, SlaTerm, Ticket
from ticketing.models.policies import recorded
from ticketing.sla import words
from ticketing.sla.kinds import ClockKind, ClockState
from ticketing.sla.reckoning import Reckoned, reckon


@dataclass(frozen=True, slots=True)
class Why:
    """One promise. ``sentence`` says it all in a line, ``steps`` how it comes about; ``due_at`` is None while the
    clock stands still with time left. Times in the texts are those of the hours it counts by."""

    kind: str
    label: str
    state: str
    state_label: str
    round: int
    started_at: dt.datetime
    stopped_at: dt.datetime | None
    due_at: dt.datetime | None
    is_late: bool
    is_internal: bool
    sentence: str
    steps: tuple[str, ...]


def explain(actor: Actor, ticket: Ticket) -> list[Why]:
    """All promises of a ticket, those that run first. Reckoned anew from the record, not read from what is cached."""
    now = time.now()
    return [_why(clock, now) for clock in policies.list_clocks(actor, ticket)]


def _why(clock: SlaClock, now: dt.datetime) -> Why:
    terms, pauses = list(clock.terms.all()), list(clock.pauses.all())
    told = reckon(recorded(clock, terms, pauses), now)
    agreed = terms[-1]
    zone = ZoneInfo(agreed.calendar.time_zone) if agreed.calendar is not None else timezone.get_current_timezone()
    label = str(ClockKind(clock.kind).label)
    return Why(
        kind=clock.kind,
        label=label,
        state=told.state,
        state_label=str(ClockState(told.state).label),
        round=clock.round,
        started_at=clock.started_at,
        stopped_at=clock.stopped_at,
        due_at=told.due_at,
        is_late=told.is_breached,
        is_internal=clock.is_internal,
        sentence=_sentence(label, told, agreed, pauses, zone),
        steps=tuple(_steps(clock, told, terms, pauses, zone, now)),
    )


def _sentence(label: str, told: Reckoned, agreed: SlaTerm, pauses: list[SlaPause], zone: dt.tzinfo) -> str:
    if told.due_at is not None:
        head = _("%(what)s due %(at)s") % {"what": label, "at": _at(told.due_at, zone)}
    else:
        head = _("%(what)s: stands still, %(left)s left") % {"what": label, "left": words.written(told.left)}
    by = [_policy(agreed), _hours(agreed)]
    if told.paused:
        whys = ", ".join(dict.fromkeys(_pause_word(pause) for pause in pauses))
        by.append(_("paused %(time)s (%(why)s)") % {"time": words.clocked(told.paused), "why": whys})
    return f"{head} — {', '.join(part for part in by if part)}"


def _steps(
    clock: SlaClock, told: Reckoned, terms: list[SlaTerm], pauses: list[SlaPause], zone: dt.tzinfo, now: dt.datetime
) -> list[str]:
    steps = [_("It began %(at)s.") % {"at": _at(clock.started_at, zone)}]
    for index, term in enumerate(terms):
        if index and term.since > clock.started_at:
            opening = _("From %(at)s on: ") % {"at": _at(term.since, zone)}
        elif index:
            opening = _("Agreed anew, from the beginning on: ")
        else:
            opening = ""
        reason = f" ({term.reason})" if term.reason else ""
        steps.append(f"{opening}{_agreed(term, zone)}{reason}.")
    for pause in pauses:
        between = {"from": _at(pause.began_at, zone), "why": _pause_word(pause)}
        if pause.ended_at is None:
            steps.append(_("It stands still since %(from)s: %(why)s.") % between)
        else:
            steps.append(
                _("It stood still from %(from)s to %(to)s: %(why)s.") % {**between, "to": _at(pause.ended_at, zone)}
            )
    if terms[-1].fixed_at is None:
        steps.append(
            _("Of %(target)s, %(used)s are used.")
            % {"target": words.written(told.target), "used": words.clocked(told.used)}
        )
    if told.due_at is not None:
        steps.append(_("So it is due %(at)s.") % {"at": _at(told.due_at, zone)})
    if clock.stopped_at is not None:
        state = str(ClockState(told.state).label)
        steps.append(_("It ended %(at)s: %(state)s.") % {"at": _at(clock.stopped_at, zone), "state": state.lower()})
    elif told.is_breached:
        steps.append(_("It is late."))
    return steps


def _agreed(term: SlaTerm, zone: dt.tzinfo) -> str:
    if term.fixed_at is not None:
        return _("Promised by hand for %(at)s") % {"at": _at(term.fixed_at, zone)}
    return _("%(target)s by %(policy)s, counted %(hours)s") % {
        "target": words.written(term.target), "policy": _policy(term), "hours": _hours(term),
    }  # fmt: skip


def _policy(term: SlaTerm) -> str:
    if term.fixed_at is not None:
        return str(_("promised by hand"))
    if term.policy_version is None:
        return str(_("the category's own targets"))
    return f"{term.policy_version.policy.name} v{term.policy_version.number}"


def _hours(term: SlaTerm) -> str:
    if term.fixed_at is not None:
        return ""
    if term.calendar is None:
        return str(_("around the clock"))
    return f"{term.calendar.name} {words.hours(term.calendar.as_hours())} ({term.calendar.time_zone})"


def _pause_word(pause: SlaPause) -> str:
    return str(TicketState(pause.state).label).lower()


def _at(moment: dt.datetime, zone: dt.tzinfo) -> str:
    return formats.date_format(moment.astimezone(zone), "D, j M, H:i")
