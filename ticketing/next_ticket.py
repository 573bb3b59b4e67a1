"""Which ticket somebody should take next. The choice of candidates is here alone."""

from __future__ import annotations

from boss.core.actors import Actor
from boss.core.scoping import ScopedQuerySet
from ticketing import selectors
from ticketing.choices import TicketState
from ticketing.models import PoolMember

READY = (TicketState.NEW, TicketState.OPEN)
"""Work can be done on these at once; the others wait for somebody else."""


def next_for(actor: Actor) -> ScopedQuerySet:
    """Tickets the actor may take, the one to take first: nobody has them, they are in his pools, due ones before more
    urgent ones before older ones. None for a program."""
    rows = selectors.list_tickets(actor)
    if actor.user_id is None:
        return rows.none()
    pools = PoolMember.objects.filter(user_id=actor.user_id).values("pool_id")
    ready: ScopedQuerySet = rows.filter(pool_id__in=pools, assignee=None, state__in=READY)
    return ready.order_by(*selectors.DUE_FIRST)
