"""What is said on a ticket, and waiting for an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from django.utils.translation import gettext as _

from boss.core import clock, events
from boss.core.actors import Actor
from boss.core.files import Source, Upload
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ticketing import statuses
from ticketing.choices import MessageKind, TicketState
from ticketing.errors import OutcomeIsFinal, TicketClosed
from ticketing.events import MessageAdded
from ticketing.models import Message, TextDraft, Ticket
from ticketing.services import attaching, clocks
from ticketing.services.tickets import entering, filling, journal, taking_up, waiting


@service
def add_message(
    *,
    actor: Actor,
    ticket: Ticket,
    body: str,
    kind: str = MessageKind.PUBLIC,
    files: Sequence[Source | Upload] = (),
    expected_version: int | None = None,
    clears_draft: bool = True,
) -> Message:
    """Say something. ``kind``: "public" (the customer reads it), "internal" or "system" (staff only). With ``files``
    it needs no words.

    A public answer by a person of the staff takes a new ticket up and keeps the promise of a first reply. A
    customer's message wakes a ticket that waits for him and reopens a resolved one, and a closed one as long as the
    closing rules say. On a ticket that was merged it goes
    to the one it was merged into. What this person had typed and not sent is thereby sent (``clears_draft``).
    Raises :class:`TicketClosed`, :class:`TicketChanged`; :class:`InvalidInput` with ``body``, ``kind``, ``files``.
    """
    named = ticket
    ticket = journal.locked_survivor(named, expected_version=expected_version)
    from_customer = journal.is_customer(actor)

    public = kind == MessageKind.PUBLIC
    uploads = attaching.wrapped(files)
    refuse(ticket, actor=actor, body=body, kind=kind, uploads=uploads)

    before, changes = ticket.state, clocks.Changes()
    if public and from_customer:
        changes = wake(ticket)
    elif public and actor.kind == "user":
        changes = answered(ticket)
    after = {"kind": kind} if before == ticket.state else {"kind": kind, "state": ticket.state}
    after |= {"clocks": changes} if changes else {}
    after |= {"files": len(uploads)} if uploads else {}
    journal.write(ticket, actor=actor, event="message_added", before={"state": before}, after=after)
    message = journal.say(ticket, actor=actor, body=body.strip(), kind=kind)
    attaching.keep(uploads, actor=actor, ticket=ticket, message=message)
    if clears_draft and actor.kind == "user" and not from_customer:
        TextDraft.objects.filter(user_id=actor.user_id, ticket__in=(named.pk, ticket.pk), kind=kind).delete()

    events.publish(MessageAdded(ticket_id=ticket.pk, message_id=message.pk))
    return message


def refuse(ticket: Ticket, *, actor: Actor, body: str, kind: str, uploads: Sequence[Upload]) -> None:
    """Raise what stands in the way of saying this on a locked ticket."""
    public = kind == MessageKind.PUBLIC
    require(actor, "ticketing.add_message" if public else "ticketing.add_internal_message", ticket)

    if kind not in MessageKind.values or (kind == MessageKind.SYSTEM and not actor.is_system):
        raise InvalidInput(fields={"kind": [_("Choose a message or an internal note.")]})
    if not body.strip() and not uploads:
        raise InvalidInput(fields={"body": [_("Please write something.")]})
    closed = public and ticket.state in (TicketState.CLOSED, TicketState.CANCELLED)
    if closed and not (journal.is_customer(actor) and taking_up.may_be(ticket)):
        raise TicketClosed
    attaching.check(uploads, realm_id=ticket.realm_id)


@service
def wait(
    *,
    actor: Actor,
    ticket: Ticket,
    waiting_for: Literal["customer", "other"],
    reason: str = "",
    expected_version: int | None = None,
) -> Ticket:
    """Put an open ticket aside until the customer, or somebody else, has moved."""
    ticket = journal.locked(ticket, expected_version=expected_version)

    require(actor, "ticketing.change_ticket", ticket)

    journal.refuse_unless_open(ticket)
    if waiting_for not in ("customer", "other"):
        raise InvalidInput(fields={"waiting_for": [_("Choose what the ticket waits for.")]})
    target = TicketState.WAITING_CUSTOMER if waiting_for == "customer" else TicketState.WAITING_OTHER
    if ticket.state == target:
        return ticket

    published = filling.upgrade(ticket)
    status = statuses.first_of(published.status_defs() if published else (), target)
    entering.prepare(ticket, published, actor=actor, target=status, data={})

    before = ticket.state
    ticket.wait_for_customer() if waiting_for == "customer" else ticket.wait_for_other()
    ticket.status = status.key
    changes = clocks.follow_state(ticket, reason=reason.strip())
    after = {"state": ticket.state, "reason": reason.strip()} | ({"clocks": changes} if changes else {})
    journal.write(ticket, actor=actor, event="waiting", before={"state": before}, after=after)
    return ticket


def wake(ticket: Ticket) -> clocks.Changes:
    """The customer has written: a ticket that waits for him goes on, a resolved one opens again."""
    changes = clocks.Changes()
    if ticket.state == TicketState.RESOLVED or taking_up.may_be(ticket):
        if ticket.outcome:
            raise OutcomeIsFinal
        ticket.reopen()
        ticket.reopen_count += 1
        ticket.resolved_at, ticket.resolved_by, ticket.closed_at, ticket.resolution_code = None, "", None, ""
        changes = clocks.reopened(ticket)
        waiting.moved(ticket, was_open=False)
    elif ticket.state == TicketState.WAITING_CUSTOMER:
        ticket.take_up()
    return changes | clocks.asked(ticket, reason=_("The customer has answered"))


def answered(ticket: Ticket) -> clocks.Changes:
    """A person of the staff has written to the customer: the promise of a first reply is kept."""
    if ticket.first_response_at is None:
        ticket.first_response_at = clock.now()
    if ticket.state == TicketState.NEW:
        ticket.take_up()
    return clocks.answered(ticket)
