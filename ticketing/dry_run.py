"""What would this policy do to the newest tickets where it holds: told before it is published, changing nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch
from django.utils.translation import gettext as _

from boss.core import clock as time
from boss.core.actors import Actor
from boss.core.calendars import ALWAYS
from boss.core.scoping import ScopedQuerySet
from boss.tenancy import selectors as tenancy
from ticketing import policies, rule_trial
from ticketing import selectors as desk
from ticketing.audiences import Audiences
from ticketing.choices import MessageKind
from ticketing.models import Message, Policy, SlaClock, SlaPause, SlaTerm, Ticket
from ticketing.models.policies import recorded
from ticketing.services import trials
from ticketing.sla import ladders
from ticketing.sla import rules as sla
from ticketing.sla.kinds import ClockKind, ClockState, PolicyKind
from ticketing.sla.reckoning import Recorded, Term, reckon

TICKETS = 20
LOOKED_INTO = 5
_LOOKED_INTO = (PolicyKind.NOTIFICATION, PolicyKind.CLOSING)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing the policy would do to a ticket: what, as it is, as it would be, and whether it would be missed."""

    what: str
    now: str
    then: str
    due_at: dt.datetime | None
    would_be_late: bool


@dataclass(frozen=True, slots=True)
class Trial:
    ticket: Ticket
    lines: tuple[Line, ...]


def of(actor: Actor, policy: Policy, rules: Mapping[str, Any], number: str = "") -> list[Trial]:
    """The policy's rules tried on the ticket of this number, or on the newest of the categories where it holds (of all,
    when it holds nowhere yet). As many statements for twenty as for one where nobody is told; kinds that look at people
    and what is on each ticket are tried on five."""
    if policy.kind == PolicyKind.AUTOMATION:
        return _automation(actor, policy, rules, number)
    tickets = _tickets(actor, policy, number)
    if policy.kind in _LOOKED_INTO:
        tickets = tickets[:LOOKED_INTO]
    if policy.kind in _LOOKED_INTO:
        would = trials.of_matrix if policy.kind == PolicyKind.NOTIFICATION else trials.of_closing
        return [
            Trial(ticket, tuple(Line(what, "", then, at, False) for what, then, at in would(ticket, rules)))
            for ticket, _clocks in tickets
        ]
    if policy.kind == PolicyKind.ESCALATION:
        ladder = ladders.read(rules)
        return [Trial(ticket, _steps(ticket, clocks, ladder)) for ticket, clocks in tickets]
    told = sla.read(rules)
    hours = {row.calendar: tenancy.find_calendar(row.calendar) or ALWAYS for row in told.rows if row.calendar}
    facts = policies.facts_of_all([ticket for ticket, _clocks in tickets], told.asks())
    rows = [told.row_for(each) for each in facts]
    return [
        Trial(ticket, _due(ticket, clocks, row, hours)) for (ticket, clocks), row in zip(tickets, rows, strict=True)
    ]


def _automation(actor: Actor, policy: Policy, rules: Mapping[str, Any], number: str) -> list[Trial]:
    """What the rules would have done with the last hundred tickets, event by event; those of which there is something
    to tell."""
    rows = list(_chosen(desk.list_tickets(actor), policy, number)[: rule_trial.TICKETS])
    told = rule_trial.of(actor, rows, rules)
    return [
        Trial(
            ticket,
            tuple(
                Line(f"{one.rule}: {one.what}", "", one.done or one.why_not, one.event.at, False)
                for one in told[ticket.pk]
            ),
        )
        for ticket in rows
        if told[ticket.pk] or number
    ]


def _chosen(rows: ScopedQuerySet, policy: Policy, number: str) -> ScopedQuerySet:
    if number:
        rows = rows.filter(number=number.strip().upper())
    elif holds := policies.where_it_holds(policy):
        rows = rows.filter(category__in=holds)
    return rows


def _tickets(actor: Actor, policy: Policy, number: str) -> list[tuple[Ticket, list[SlaClock]]]:
    terms = SlaTerm.objects.select_related("calendar").order_by("pk")
    clocks = SlaClock.objects.order_by("kind", "-round").prefetch_related(
        Prefetch("terms", terms), Prefetch("pauses", SlaPause.objects.order_by("pk"))
    )
    said = Message.objects.filter(ticket=OuterRef("pk"), kind=MessageKind.PUBLIC)
    rows = desk.list_tickets(actor).annotate(was_said=Exists(said)).prefetch_related(Prefetch("clocks", clocks))
    return [(ticket, list(ticket.clocks.all())) for ticket in _chosen(rows, policy, number)[:TICKETS]]


def _due(ticket: Ticket, clocks: Sequence[SlaClock], row: sla.Row | None, hours: Mapping[str, Any]) -> tuple[Line, ...]:
    now = time.now()
    lines = []
    for kind in ClockKind.values:
        clock = next((each for each in clocks if each.kind == kind), None)
        target = row.targets.get(kind) if row is not None else None
        if clock is None and (target is None or kind == ClockKind.NEXT):
            continue
        nobody_waits = kind == ClockKind.FIRST and not getattr(ticket, "was_said", True)
        if clock is None and nobody_waits:
            continue
        held = recorded(clock, clock.terms.all(), clock.pauses.all()) if clock else None
        present = reckon(held, now) if held else None
        if target is None or row is None:
            if present is not None:
                lines.append(Line(_label(kind), _state(present), _("not promised"), None, False))
            continue
        begun = held or Recorded(ticket.opened_at, (), stopped=ticket.first_response_at or ticket.resolved_at)
        term = Term(begun.started, target, hours.get(row.calendar, ALWAYS))
        if held is not None and held.terms[-1].fixed_at is not None:
            term = held.terms[-1]
        would = reckon(replace(begun, terms=[term]), now)
        was = _state(present) if present is not None else _("not promised")
        lines.append(Line(_label(kind), was, _state(would), would.due_at, would.is_breached))
    return tuple(lines)


def _steps(ticket: Ticket, clocks: Sequence[SlaClock], ladder: ladders.Ladder) -> tuple[Line, ...]:
    now, audiences = time.now(), Audiences(ticket)
    lines = []
    for step in ladder.steps:
        clock = next((each for each in clocks if each.kind == step.clock), None)
        if clock is None:
            continue
        moment = step.instant(recorded(clock, clock.terms.all(), clock.pauses.all()), now)
        never = clock.stopped_at is not None and (moment is None or clock.stopped_at <= moment)
        acts = [_act(act, audiences) for act in step.acts]
        when = _("it would not have come to this") if never else "; ".join(acts)
        lines.append(Line(step.words(), "", when, None if never else moment, False))
    return tuple(lines)


def _act(act: ladders.Act, audiences: Audiences) -> str:
    if act.act == "notify":
        people = ", ".join(person.full_name for person in audiences.people(act.to)) or _("nobody")
        return _("tell %(names)s") % {"names": people}
    if act.act == "raise_priority":
        return str(_("raise the priority"))
    if act.act == "move":
        return _("move to %(pool)s") % {"pool": act.to}
    return str(_("write a note"))


def _label(kind: str) -> str:
    return str(ClockKind(kind).label)


def _state(told: Any) -> str:
    if told.is_breached and told.state == ClockState.RUNNING:
        return str(_("Late"))
    return str(ClockState(told.state).label)
