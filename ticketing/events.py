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
    """``outcome`` is the key of the subject's outcome, "" for a free resolution."""

    ticket_id: int
    outcome: str


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
