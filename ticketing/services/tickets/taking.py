"""The next piece of work, whoever asks at the same time."""

from __future__ import annotations

from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from ticketing import next_ticket
from ticketing.errors import OnlyPeopleClaim
from ticketing.models import Ticket
from ticketing.services.tickets import owning


@service
def take_next(*, actor: Actor) -> Ticket | None:
    """Take the first ticket of :func:`ticketing.next_ticket.next_for`; None when nothing waits.

    A ticket that somebody else is at is passed over and not waited for, so that two people who ask at once never get
    the same one. Raises :class:`OnlyPeopleClaim`.
    """
    require(actor, "ticketing.claim_ticket")
    if actor.kind != "user" or actor.user_id is None:
        raise OnlyPeopleClaim

    # Of the ticket alone: its category and its pool are not locked for it.
    free = next_ticket.next_for(actor).select_for_update(skip_locked=True, of=("self",))
    ticket: Ticket | None = free.first()
    return owning.claim(actor=actor, ticket=ticket) if ticket is not None else None
