"""What came by mail, put on a ticket. Whether its sender may is decided by the rules of mail, before."""

from __future__ import annotations

from typing import Any

from boss.core import events
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from ticketing.choices import MessageKind, TicketState
from ticketing.events import MessageAdded
from ticketing.models import Message, Ticket
from ticketing.services.tickets import journal, taking_up, talking


@service
def add_mail(
    *,
    actor: Actor,
    ticket: Ticket,
    author: Actor,
    body: str,
    kind: str,
    marks: journal.MailMarks,
    wakes: bool,
) -> Message:
    """Put a mail's words on a ticket in the name of ``author``. ``actor`` is the machine that read it.

    With ``wakes`` it counts as its author's word, as on the page: a customer's wakes the ticket, staff's keeps the
    promise of a first reply. Without, it is only kept: what no person wrote moves nothing (rule L3).
    Raises :class:`OutcomeIsFinal`.
    """
    ticket = journal.locked_survivor(ticket)

    require(actor, "ticketing.add_message", ticket)

    before = ticket.state
    after: dict[str, Any] = {"kind": kind, "channel": "mail"}
    if wakes and kind == MessageKind.PUBLIC:
        changes = talking.wake(ticket) if journal.is_customer(author) else talking.answered(ticket)
        after |= {"clocks": changes} if changes else {}
    if before != ticket.state:
        after["state"] = ticket.state
    journal.write(ticket, actor=author, event="mail_added", before={"state": before}, after=after)
    message = journal.say(ticket, actor=author, body=body, kind=kind, marks=marks)

    if wakes:
        events.publish(MessageAdded(ticket_id=ticket.pk, message_id=message.pk))
    return message


def is_final(ticket: Ticket) -> bool:
    """Whether nothing is said on it any more: an answer opens a follow-up."""
    ended = ticket.state in (TicketState.CLOSED, TicketState.CANCELLED)
    return (ended and not taking_up.may_be(ticket)) or (ticket.state == TicketState.RESOLVED and bool(ticket.outcome))
