"""The next piece of work, whoever asks at the same time."""

from __future__ import annotations

from boss.core import clock
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from ticketing import next_ticket, staffing
from ticketing.assignment.fitting import may_take
from ticketing.assignment.kinds import Because
from ticketing.assignment.values import Member
from ticketing.errors import NoRoom, OnlyPeopleClaim
from ticketing.models import Ticket
from ticketing.services.tickets import owning, waiting

LOOKED_AT = 100
"""Candidates that are looked at, first ones first: who is fit for none of them is given nothing."""


@service
def take_next(*, actor: Actor) -> Ticket | None:
    """Take the first ticket of :func:`ticketing.next_ticket.next_for` that the actor is fit for by skills, language
    and place; None when nothing waits for him. Hours and presence are not asked: he is here, and asks.

    A ticket that somebody else is at is passed over and not waited for, so that two people who ask at once never get
    the same one. Raises :class:`OnlyPeopleClaim`, and :class:`NoRoom` where work waits that he has no room for.
    """
    require(actor, "ticketing.claim_ticket")
    if actor.kind != "user" or actor.user_id is None:
        raise OnlyPeopleClaim

    waiting.hold_lock()
    fit = _fit(actor)
    if not fit:
        return None
    # Of the ticket alone: its category and its pool are not locked for it.
    free = next_ticket.next_for(actor).filter(pk__in=fit).select_for_update(skip_locked=True, of=("self",))
    ticket: Ticket | None = free.first()
    return owning.claim(actor=actor, ticket=ticket) if ticket is not None else None


def _fit(actor: Actor) -> list[int]:
    """Of the first candidates those he may have."""
    rows = list(next_ticket.next_for(actor).select_related("site")[:LOOKED_AT])
    asked, now = staffing.wanted(rows), clock.now()
    himself: dict[int, Member | None] = {}
    for pool in {row.pool for row in rows if row.pool is not None}:
        himself[pool.pk] = next(iter(staffing.roster(pool, now, only=actor.user_id)), None)
    fit, full = [], False
    for row in rows:
        member = himself.get(row.pool_id)
        refusal = may_take(member, asked[row.pk], by_oneself=True) if member is not None else None
        if member is not None and refusal is None:
            fit.append(row.pk)
        full |= refusal is not None and refusal.because == Because.FULL
    if full and not fit:
        raise NoRoom
    return fit
