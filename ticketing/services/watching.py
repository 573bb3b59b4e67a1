"""Watching a ticket: somebody of the staff wants to hear of it without having it."""

from __future__ import annotations

from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.scoping import ScopedQuerySet
from boss.core.services import service
from boss.tenancy.models import User
from ticketing.choices import ParticipantRole, ParticipantState
from ticketing.errors import OnlyPeopleWatch
from ticketing.mail.neutral import Address
from ticketing.models import Participant, Ticket
from ticketing.services.mail import participants
from ticketing.services.tickets import journal


@service
def watch(*, actor: Actor, ticket: Ticket) -> Ticket:
    """Tell the actor of what happens on a ticket, by the row of the matrix for those who watch. Twice is once.

    Raises :class:`OnlyPeopleWatch` for whoever is no signed-in person of the staff.
    """
    ticket = journal.locked(ticket)

    require(actor, "ticketing.view_ticket", ticket)
    user: User | None = User.objects.filter(pk=actor.user_id, kind=User.Kind.STAFF).first()
    if actor.kind != "user" or user is None:
        raise OnlyPeopleWatch

    if not watches(actor, ticket):
        address = Address(user.email.lower(), user.full_name)
        participants.join(ticket, address, actor=actor, role=ParticipantRole.WATCHER, user=user)
        journal.write(ticket, actor=actor, event="watched", after={"who": user.full_name})
    return ticket


@service
def unwatch(*, actor: Actor, ticket: Ticket) -> Ticket:
    """Tell the actor no more."""
    ticket = journal.locked(ticket)

    require(actor, "ticketing.view_ticket", ticket)

    mine = _of(actor, ticket).select_for_update().first()
    if mine is not None:
        mine.state = ParticipantState.REMOVED
        mine.save(update_fields=["state"])
        journal.write(ticket, actor=actor, event="unwatched", after={"who": actor.label})
    return ticket


def watches(actor: Actor, ticket: Ticket) -> bool:
    """Whether the actor hears of this ticket as one who watches it, or takes part in it by mail."""
    return bool(_of(actor, ticket).exists())


def _of(actor: Actor, ticket: Ticket) -> ScopedQuerySet:
    rows: ScopedQuerySet = Participant.objects.filter(
        ticket=ticket, user_id=actor.user_id or 0, state=ParticipantState.ACCEPTED,
        role__in=[ParticipantRole.WATCHER, ParticipantRole.STAFF],
    )  # fmt: skip
    return rows
