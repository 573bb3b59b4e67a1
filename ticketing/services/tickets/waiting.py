"""Facts about who has room and what waits, said by the verbs that change it."""

from __future__ import annotations

from boss.core import clock, events, locks
from ticketing.events import RoomMade, TicketWaits
from ticketing.models import PoolWait, TalentPool, Ticket


def hold_lock() -> None:
    """The lock under which people are counted and given work, to the end of the transaction. Before any ticket's."""
    locks.hold("ticketing.assigning")


def handed_over(ticket: Ticket, *, had: int | None) -> None:
    """A written ticket has gone from ``had`` to whom it has now, who may be nobody."""
    if ticket.assignee_id is None and ticket.is_open and ticket.pool is not None and ticket.pool.is_automatic:
        _begin(ticket, ticket.pool, had)
        events.publish(TicketWaits(ticket_id=ticket.pk))
    if had is not None and had != ticket.assignee_id:
        events.publish(RoomMade(user_id=had))


def moved(ticket: Ticket, *, was_open: bool) -> None:
    """A written ticket may have ended, or be open again."""
    if ticket.is_open and not was_open:
        handed_over(ticket, had=ticket.assignee_id)
    elif was_open and not ticket.is_open and ticket.assignee_id is not None and ticket.pool_id is not None:
        events.publish(RoomMade(user_id=ticket.assignee_id))


def _begin(ticket: Ticket, pool: TalentPool, had: int | None) -> None:
    """Its waiting begins anew. In the same pool it is still refused by those who put it back before.

    Written with the verb, not by who hears of the fact: of two tickets put back at once a look at the first would give
    the second to the very person who has just put it back.
    """
    wait: PoolWait | None = PoolWait.objects.filter(ticket=ticket).first()
    refused = list(wait.put_back_by) if wait is not None and wait.pool_id == pool.pk else []
    if had is not None and had not in refused:
        refused.append(had)
    PoolWait.objects.update_or_create(
        ticket=ticket, defaults={"pool": pool, "since": clock.now(), "put_back_by": refused, "told_at": None}
    )
