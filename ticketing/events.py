"""Facts of the desk, for notifications, timelines, counters and webhooks."""

from __future__ import annotations

from dataclasses import dataclass

from boss.core.events import fact


@fact("ticketing.ticket_opened")
@dataclass(frozen=True)
class TicketOpened:
    ticket_id: int


@fact("ticketing.ticket_resolved")
@dataclass(frozen=True)
class TicketResolved:
    """``outcome`` is the key of the subject's outcome, "" for a free resolution. ``told``: the requester hears of it in
    another way, so no mail of the desk follows."""

    ticket_id: int
    outcome: str
    told: bool = False


@fact("ticketing.message_added")
@dataclass(frozen=True)
class MessageAdded:
    ticket_id: int
    message_id: int


@fact("ticketing.category_published")
@dataclass(frozen=True)
class CategoryPublished:
    """A category has a new version of its fields and statuses."""

    category_id: int
    version: int


@fact("ticketing.ticket_changed")
@dataclass(frozen=True)
class TicketChanged:
    """Something that rules wait for happened to a ticket. ``rule_run_id``: whose doing it is, if a rule's."""

    ticket_id: int
    event_id: int
    rule_run_id: int | None


@fact("ticketing.ticket_waits")
@dataclass(frozen=True)
class TicketWaits:
    """An open ticket has come into a pool that gives tickets out, or back into it, and nobody has it."""

    ticket_id: int


@fact("ticketing.room_made")
@dataclass(frozen=True)
class RoomMade:
    """Somebody has room for more work: is available now, or a ticket of his has ended or gone to another."""

    user_id: int


@fact("ticketing.ticket_moved")
@dataclass(frozen=True)
class TicketMoved:
    """A ticket has another state or another owner. What it was is in the journal under ``seq``."""

    ticket_id: int
    seq: int
