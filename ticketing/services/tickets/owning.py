"""Who works on a ticket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from boss.core import permissions
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy.models import User
from ticketing.choices import TicketState
from ticketing.errors import AlreadyClaimed, NotInPool, OnlyPeopleClaim
from ticketing.models import PoolMember, TalentPool, Ticket
from ticketing.services import clocks
from ticketing.services.tickets import journal, waiting


@service
def assign(*, actor: Actor, ticket: Ticket, user: User, expected_version: int | None = None) -> Ticket:
    """Give an open ticket to a person of the staff, whoever had it before."""
    ticket = journal.locked(ticket, expected_version=expected_version)

    require(actor, "ticketing.assign_ticket", ticket)

    journal.refuse_unless_open(ticket)
    if user.realm_id != ticket.realm_id or user.kind != User.Kind.STAFF or not user.is_active:
        raise InvalidInput(fields={"user": [_("Choose somebody of the staff.")]})
    if ticket.assignee_id == user.pk:
        return ticket

    hand_over(ticket, user, actor=actor, event="assigned")
    return ticket


@service
def claim(*, actor: Actor, ticket: Ticket, expected_version: int | None = None) -> Ticket:
    """Take an open ticket that nobody has, from a pool one belongs to. Claiming one's own again changes nothing.

    Whoever may assign tickets may also take them from pools he is not in.
    Raises :class:`AlreadyClaimed`, :class:`NotInPool`, :class:`OnlyPeopleClaim`.
    """
    ticket = journal.locked(ticket, expected_version=expected_version)

    require(actor, "ticketing.claim_ticket", ticket)
    if actor.kind != "user" or actor.user_id is None:
        raise OnlyPeopleClaim
    if ticket.pool is not None and not _may_take_from(ticket.pool, actor):
        raise NotInPool(pool=ticket.pool.key)

    journal.refuse_unless_open(ticket)
    if ticket.assignee_id == actor.user_id:
        return ticket
    if ticket.assignee is not None:
        raise AlreadyClaimed(_("%(name)s has already taken this ticket.") % {"name": ticket.assignee.full_name})

    hand_over(ticket, User.objects.get(pk=actor.user_id), actor=actor, event="claimed")
    return ticket


@service
def release(*, actor: Actor, ticket: Ticket, expected_version: int | None = None) -> Ticket:
    """Put a ticket back into its pool: one's own, or anybody's for those who may assign."""
    ticket = journal.locked(ticket, expected_version=expected_version)

    mine = ticket.assignee_id is not None and ticket.assignee_id == actor.user_id
    require(actor, "ticketing.claim_ticket" if mine else "ticketing.assign_ticket", ticket)

    journal.refuse_unless_open(ticket)
    if ticket.assignee_id is None:
        return ticket

    hand_over(ticket, None, actor=actor, event="released")
    return ticket


def _may_take_from(pool: TalentPool, actor: Actor) -> bool:
    if permissions.may(actor, "ticketing.assign_ticket"):
        return True
    return bool(PoolMember.objects.filter(pool=pool, user_id=actor.user_id).exists())


def hand_over(
    ticket: Ticket, user: User | None, *, actor: Actor, event: str, told: Mapping[str, Any] | None = None
) -> None:
    """Give a locked open ticket to ``user``, or (None) back into its pool. ``told``: what the journal says besides."""
    before = {"assignee": ticket.assignee.full_name if ticket.assignee else None, "state": ticket.state}
    had = ticket.assignee_id
    ticket.assignee = user
    if user is not None and ticket.state == TicketState.NEW:
        ticket.take_up()
    after: dict[str, Any] = {"assignee": user.full_name if user else None, "state": ticket.state}
    changes = clocks.owned(ticket) if user is not None else {}
    after |= {**({"clocks": changes} if changes else {}), **(told or {})}
    journal.write(ticket, actor=actor, event=event, before=before, after=after)
    waiting.handed_over(ticket, had=had)
