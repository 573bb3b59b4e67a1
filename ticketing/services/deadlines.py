"""What happens to a ticket by itself: its pool hears that nobody has it, its customer is reminded, it is resolved, it
is closed.

``follow`` reckons from the ticket as it stands what is to happen and when; whoever fires one reckons again under the
ticket's lock and does it only if it is still so. What happens and the mark that it has are one transaction: of two
workers one finds the lock taken, and what a killed one had begun is rolled back and done by the next.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.translation import gettext as _

from boss.core import clock as time
from boss.core import scoping
from boss.core.actors import Actor
from boss.core.problems import Problem
from boss.core.services import service
from boss.tenancy import selectors as tenancy
from ticketing import closing, policies
from ticketing.choices import DeadlinePurpose, MessageKind, TicketState
from ticketing.closing import ClosingRules
from ticketing.models import Message, PoolWait, Ticket, TicketDeadline, TicketEvent
from ticketing.services import obstacles, recipients, telling, tickets
from ticketing.services.tickets import journal
from ticketing.telling import Event

MOST_AT_ONCE = 500
LABEL = "The desk"
REMINDERS = (DeadlinePurpose.REMIND_1, DeadlinePurpose.REMIND_2)


@dataclass(frozen=True, slots=True)
class Coming:
    """What will happen by itself, when, and what it is counted from."""

    purpose: str
    due_at: dt.datetime
    since: dt.datetime


def coming(ticket: Ticket) -> list[Coming]:
    """What happens to a ticket by itself as it stands now, soonest first; what has happened already included."""
    found = [*_unassigned(ticket), *of_closing(ticket, policies.closing_of(ticket.category_id))]
    return sorted(found, key=lambda each: each.due_at)


def follow(ticket: Ticket) -> None:
    """Put on record what is to happen now, and take back what is not to any more."""
    wanted = {each.purpose: each for each in coming(ticket)}
    held = {each.purpose: each for each in TicketDeadline.objects.select_for_update().filter(ticket=ticket)}
    for purpose, each in wanted.items():
        known = held.get(purpose)
        if known is None:
            new = TicketDeadline(ticket=ticket, purpose=purpose, since=each.since, due_at=each.due_at)
            TicketDeadline.objects.bulk_create([new], ignore_conflicts=True)
        elif known.since != each.since:
            known.since, known.due_at, known.fired_at, known.done = each.since, each.due_at, None, ""
            known.save(update_fields=["since", "due_at", "fired_at", "done"])
        elif known.fired_at is None and known.due_at != each.due_at:
            known.due_at = each.due_at
            known.save(update_fields=["due_at"])
    gone = [each.pk for purpose, each in held.items() if purpose not in wanted and each.due_at is not None]
    if gone:
        TicketDeadline.objects.filter(pk__in=gone).update(due_at=None)


def sweep(limit: int = MOST_AT_ONCE) -> int:
    """Do what is due in all realms. Returns how much was done. Any number of sweepers may run at once."""
    with scoping.dispatch_transaction("deadlines"):
        due = TicketDeadline.objects.filter(due_at__lte=time.now()).order_by("due_at", "pk")
        found = list(due.values_list("realm_id", "pk")[:limit])
    done = 0
    for realm_id, key in found:
        with scoping.realm_transaction(realm_id, "deadlines"):
            done += fire(actor=Actor.system(realm_id, _(LABEL)), deadline_id=key)
    return done


@service
def fire(*, actor: Actor, deadline_id: int) -> bool:
    """Let one thing happen if it is due and nobody else is at its ticket. False when it is not, or somebody is."""
    key = TicketDeadline.objects.filter(pk=deadline_id).values_list("ticket", flat=True).first()
    ticket: Ticket | None = Ticket.objects.select_for_update(skip_locked=True).filter(pk=key).first()
    if ticket is None:
        return False
    rows = TicketDeadline.objects.select_for_update(skip_locked=True, of=("self",))
    row: TicketDeadline | None = rows.filter(pk=deadline_id, due_at__lte=time.now()).first()
    if row is None:
        return False
    now = next((each for each in coming(ticket) if each.purpose == row.purpose), None)
    if now is None or now.since != row.since or now.due_at > time.now():
        follow(ticket)
        return False

    # First of all, so that what it does to the ticket finds it done.
    row.due_at, row.fired_at = None, time.now()
    row.save(update_fields=["due_at", "fired_at"])
    row.done = _do(ticket, row, actor)[:300]
    row.save(update_fields=["done"])
    return True


def _do(ticket: Ticket, row: TicketDeadline, actor: Actor) -> str:
    """What came of it, in words."""
    if row.purpose == DeadlinePurpose.UNASSIGNED:
        minutes = recipients.matrix_of(ticket).unassigned_after
        return _told(telling.lies_unassigned(ticket, minutes=minutes, since=row.since))
    if row.purpose in REMINDERS:
        number = REMINDERS.index(DeadlinePurpose(row.purpose)) + 1
        words = _told(telling.remind(ticket, number=number, since=row.since))
        fresh = journal.locked(ticket)
        journal.write(fresh, actor=actor, event="reminded", after={"number": number, "reason": words})
        return words
    held = obstacles.of(ticket) if row.purpose == DeadlinePurpose.RESOLVE else []
    if held:
        return _hold(ticket, actor, " ".join(each.text for each in held))
    try:
        if row.purpose == DeadlinePurpose.RESOLVE:
            tickets.resolve(actor=actor, ticket=ticket, note=_("No answer came from the customer."))
            return _("Resolved")
        tickets.close(actor=actor, ticket=ticket)
        return _("Closed")
    except Problem as problem:
        return _hold(ticket, actor, str(problem))


def _hold(ticket: Ticket, actor: Actor, why: str) -> str:
    """It does not end by itself: said once on the ticket, for people to look."""
    fresh = journal.locked(ticket)
    journal.write(fresh, actor=actor, event="not_ended", after={"reason": why})
    return _("Not done: %(why)s") % {"why": why}


def _told(plan: recipients.Plan) -> str:
    names = ", ".join(each.name for each in plan.told) or _("nobody")
    return _("Told: %(names)s") % {"names": names}


# What is to happen


def _unassigned(ticket: Ticket) -> list[Coming]:
    if not ticket.is_open or ticket.assignee_id is not None or ticket.pool_id is None:
        return []
    if ticket.state in (TicketState.WAITING_CUSTOMER, TicketState.WAITING_OTHER):
        return []
    matrix = recipients.matrix_of(ticket)
    if not matrix.of(Event.UNASSIGNED):
        return []
    waits = PoolWait.objects.filter(ticket=ticket, pool_id=ticket.pool_id).values_list("since", flat=True).first()
    since = waits or _last(ticket, after__has_key="assignee") or ticket.opened_at
    after = dt.timedelta(minutes=matrix.unassigned_after)
    return [Coming(DeadlinePurpose.UNASSIGNED, since + after, since)]


def of_closing(ticket: Ticket, rules: ClosingRules) -> list[Coming]:
    """What closing rules do to a ticket as it stands, in the order of time."""
    if ticket.state == TicketState.WAITING_CUSTOMER:
        return _while_waiting(ticket, rules)
    if ticket.state == TicketState.RESOLVED and rules.close_after and ticket.resolved_at is not None:
        due = ticket.resolved_at + dt.timedelta(hours=rules.close_after)
        return [Coming(DeadlinePurpose.CLOSE, due, ticket.resolved_at)]
    return []


def _while_waiting(ticket: Ticket, rules: ClosingRules) -> list[Coming]:
    """Counted from when the waiting began, or from the last that staff have written to the customer since."""
    if not rules.reminders and not rules.resolve_after:
        return []
    since = _last(ticket, after__state=TicketState.WAITING_CUSTOMER.value) or ticket.opened_at
    said = Message.objects.filter(
        ticket=ticket, kind=MessageKind.PUBLIC, from_customer=False, author_kind="user", at__gt=since
    )
    since = said.order_by("-at").values_list("at", flat=True).first() or since
    hours = tenancy.find_calendar(rules.hours) if rules.hours else None
    days = list(zip(REMINDERS, rules.reminders, strict=False))
    if rules.resolve_after:
        days.append((DeadlinePurpose.RESOLVE, rules.resolve_after))
    return [Coming(purpose, closing.after_days(hours, since, count), since) for purpose, count in days]


def _last(ticket: Ticket, **what: object) -> dt.datetime | None:
    rows = TicketEvent.objects.filter(ticket=ticket, **what).order_by("-seq")
    at: dt.datetime | None = rows.values_list("at", flat=True).first()
    return at
