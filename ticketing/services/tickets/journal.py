"""What every verb does at its start and end: lock the ticket, and write down what was done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit, events
from boss.core.actors import Actor
from ticketing import selectors, statuses
from ticketing.choices import MessageChannel, MessageKind
from ticketing.errors import TicketChanged, TicketNotFound, TicketWrongState
from ticketing.events import TicketMoved
from ticketing.models import Message, Ticket, TicketEvent
from ticketing.registry import subject_kinds
from ticketing.services.tickets import rousing

SAID = frozenset({"opened", "message_added", "mail_added"})
MOVES = ("state", "assignee")
NONE = object()


def locked(ticket: Ticket, *, expected_version: int | None = None, with_subject: bool = False) -> Ticket:
    """A fresh copy of ``ticket``, locked to the end of the transaction.

    Lock order, for everybody: subject, then ticket. ``with_subject`` is for the verbs that end a ticket, which
    call its subject. Raises :class:`TicketChanged` when ``expected_version`` is not the present one.
    """
    if with_subject and ticket.subject_kind and ticket.subject_id is not None:
        subject_kinds.get(ticket.subject_kind).lock(ticket.subject_id)
    # No joins: after waiting for the lock Postgres reads the ticket anew but not the rows joined to it, so a joined
    # assignee would be the one from before the wait.
    fresh: Ticket | None = Ticket.objects.select_for_update().filter(pk=ticket.pk).first()
    if fresh is None:
        raise TicketNotFound
    if expected_version is not None and fresh.version != expected_version:
        raise TicketChanged(version=fresh.version)
    return fresh


def locked_all(tickets: Iterable[Ticket]) -> dict[int, Ticket]:
    """Fresh copies of several tickets by id, locked in the order of their ids, as everybody locks more than one."""
    wanted = sorted({ticket.pk for ticket in tickets})
    rows = {row.pk: row for row in Ticket.objects.select_for_update().filter(pk__in=wanted).order_by("pk")}
    if len(rows) < len(wanted):
        raise TicketNotFound
    return rows


def locked_survivor(ticket: Ticket, *, expected_version: int | None = None) -> Ticket:
    """The ticket, or the one it was merged into: what is said to a merged ticket is said to that which goes on.

    ``expected_version`` is that of the ticket named.
    """
    named = Ticket.objects.filter(pk=ticket.pk).values_list("merged_into", "version").first()
    goes_on, version = named or (None, 0)
    if goes_on is not None and expected_version is not None and version != expected_version:
        raise TicketChanged(version=version)
    fresh = locked(Ticket(pk=goes_on)) if goes_on else locked(ticket, expected_version=expected_version)
    if fresh.merged_into_id is not None:  # merged while we waited for it; undoing a merge waits for this lock as well
        fresh = locked(Ticket(pk=fresh.merged_into_id))
    return fresh


def refuse_unless_open(ticket: Ticket) -> None:
    if not ticket.is_open:
        raise TicketWrongState(_("This ticket is already %(state)s.") % {"state": ticket.get_state_display().lower()})


def is_customer(actor: Actor) -> bool:
    """On the customer's side of the desk: whoever does not write internal notes."""
    return not actor.holds("ticketing.add_internal_message")


def write(
    ticket: Ticket,
    *,
    actor: Actor,
    event: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Save the locked ticket one version on, with its event and its audit row. Where its state has moved and nobody
    chose a status, it has the first of the new state."""
    if ticket.status != ticket.state:
        known = selectors.statuses_of(ticket)
        now = statuses.find(known, ticket.status)
        if now is None or now.state != ticket.state:
            ticket.status = statuses.first_of(known, ticket.state).key
    ticket.version += 1
    ticket.save()
    happened = TicketEvent.objects.create(
        ticket=ticket,
        seq=ticket.version,
        type=event,
        actor_kind=actor.kind,
        actor_id=actor.user_id,
        actor_label=actor.label[:200],
        before=before or {},
        after=after or {},
    )
    audit.record(actor=actor, action=f"ticket.{event}", subject=ticket, before=before, after=after)
    rousing.rouse(ticket, happened)
    # What was said is told by the fact of the message, which comes with it.
    if event not in SAID and any((before or {}).get(name, NONE) != (after or {}).get(name, NONE) for name in MOVES):
        events.publish(TicketMoved(ticket_id=ticket.pk, seq=ticket.version))


@dataclass(frozen=True, slots=True)
class MailMarks:
    """What a message that came by mail carries, beside its words."""

    message_id: str = ""
    in_reply_to: str = ""
    trust: str = ""
    mail_class: str = ""


@dataclass(frozen=True, slots=True)
class Mailed:
    """The mail a ticket begins with: whose words they are, and how they stand on it."""

    author: Actor
    body: str
    kind: str
    marks: MailMarks


def say(ticket: Ticket, *, actor: Actor, body: str, kind: str, marks: MailMarks | None = None) -> Message:
    """Add a message under the version that :func:`write` has just made. With ``marks`` it came by mail."""
    by_mail = {} if marks is None else {"channel": MessageChannel.MAIL, **asdict(marks)}
    message: Message = Message.objects.create(
        ticket=ticket,
        seq=ticket.version,
        kind=kind,
        body=body,
        author_kind=actor.kind,
        author_id=actor.user_id,
        author_label=actor.label[:200],
        from_customer=kind == MessageKind.PUBLIC and is_customer(actor),
        **by_mail,
    )
    return message
