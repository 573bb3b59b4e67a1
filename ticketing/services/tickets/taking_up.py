"""Whether a closed ticket is taken up again by what its customer says."""

from __future__ import annotations

import datetime as dt

from boss.core import clock
from ticketing import policies
from ticketing.choices import TicketState
from ticketing.models import Ticket


def until(ticket: Ticket) -> dt.datetime | None:
    """Until when a customer's message opens this closed ticket again, by the closing rules of its category. None when
    it never does: what ended by an outcome has had its effect."""
    if ticket.state != TicketState.CLOSED or ticket.outcome or ticket.closed_at is None:
        return None
    days = policies.closing_of(ticket.category_id).reopen_within
    return ticket.closed_at + dt.timedelta(days=days) if days else None


def may_be(ticket: Ticket) -> bool:
    """Whether it is not too late."""
    last = until(ticket)
    return last is not None and clock.now() < last
