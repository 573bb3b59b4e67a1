"""What follows from the facts of the desk: people hear of it by the notification matrix (``services.telling``), what
happens by itself is counted from it (``services.deadlines``), and tickets are given to people.

Every mail and notice is keyed by what it tells, so a fact delivered twice is told once.
"""

from __future__ import annotations

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.files import FileScanned
from ticketing.events import (
    CategoryPublished,
    MessageAdded,
    RoomMade,
    TicketChanged,
    TicketMoved,
    TicketOpened,
    TicketResolved,
    TicketWaits,
)
from ticketing.models import Category, Message, Ticket
from ticketing.services import assigning, attaching, automation, deadlines, telling
from ticketing.services.tickets import projecting


def acknowledge(happened: TicketOpened) -> None:
    """Whoever is to be told of a new ticket is told; the requester hears its number."""
    ticket = _ticket(happened.ticket_id)
    telling.opened(ticket)
    deadlines.follow(ticket)


def pass_on_answer(happened: MessageAdded) -> None:
    """What was said goes to whom it is for."""
    ticket = _ticket(happened.ticket_id)
    telling.said(ticket, Message.objects.get(pk=happened.message_id))
    deadlines.follow(ticket)


def tell_resolved(happened: TicketResolved) -> None:
    """Whoever is to hear that it is solved does, unless it was reopened in the meantime or whoever resolved it said so
    himself."""
    ticket = _ticket(happened.ticket_id)
    if not happened.told:
        telling.resolved(ticket)
    deadlines.follow(ticket)


def tell_moved(happened: TicketMoved) -> None:
    """It has another state or owner: told, and what is to happen by itself begins anew."""
    ticket = _ticket(happened.ticket_id)
    telling.moved(ticket, happened.seq)
    deadlines.follow(ticket)


def copy_values(happened: CategoryPublished) -> None:
    """The marks of fields may have changed: the typed copy of the category's tickets is made anew."""
    projecting.copy_all(Category.objects.get(pk=happened.category_id))


def place_new(happened: TicketOpened) -> None:
    """A new ticket is given to somebody of its pool, if the pool gives tickets out."""
    assigning.arrived(actor=_assigner(), ticket_id=happened.ticket_id)


def place_waiting(happened: TicketWaits) -> None:
    """So is one that came into another pool, or back."""
    assigning.arrived(actor=_assigner(), ticket_id=happened.ticket_id)


def use_room(happened: RoomMade) -> None:
    """Somebody can have more: what waits in his pools is looked at."""
    assigning.use_room(actor=_assigner(), user_id=happened.user_id)


def obey_rules(happened: TicketChanged) -> None:
    """The rules that wait for this look at it."""
    automation.look(
        actor=Actor.system(scoping.current_realm_id(), "Automation"), ticket_id=happened.ticket_id,
        event_id=happened.event_id, cause_id=happened.rule_run_id,
    )  # fmt: skip


def note_scan(happened: FileScanned) -> None:
    """What the scanner said of a file is said of the attachments that are it."""
    attaching.note_scan(happened.file_id)


def _assigner() -> Actor:
    return Actor.system(scoping.current_realm_id(), assigning.LABEL)


def _ticket(ticket_id: int) -> Ticket:
    ticket: Ticket = Ticket.objects.select_related("requester", "category__parent", "pool", "assignee").get(
        pk=ticket_id
    )
    return ticket
