"""Who takes part in a ticket by mail."""

from __future__ import annotations

from collections.abc import Iterable

from boss.core import audit
from boss.core.actors import Actor
from boss.tenancy.models import User
from ticketing.choices import ParticipantRole, ParticipantState
from ticketing.mail.neutral import Address
from ticketing.models import Participant, Ticket

MOST = 30
"""Participants a ticket has at most: more is a mailing list."""


def join(
    ticket: Ticket,
    address: Address,
    *,
    actor: Actor,
    role: str,
    state: str = ParticipantState.ACCEPTED,
    user: User | None = None,
    is_first: bool = False,
) -> Participant:
    """Let somebody take part, or find who does already; whoever was held is let in by ``accepted``, never put back.

    With ``is_first`` the ticket was opened in this transaction, and nobody is looked for.
    """
    known: Participant | None = None
    if not is_first:
        known = Participant.objects.filter(ticket=ticket, email=address.email).first()
    if known is None:
        known = Participant.objects.create(
            ticket=ticket,
            role=role,
            state=state,
            user=user,
            email=address.email,
            name=address.name[:120],
            added_by=actor.label[:200],
        )
        after = {"ticket": ticket.number, "role": role, "state": state}
        audit.record(actor=actor, action="participant.added", subject=known, after=after)
    elif known.state != ParticipantState.ACCEPTED and state == ParticipantState.ACCEPTED:
        before = {"state": known.state}
        known.state = state
        known.save(update_fields=["state"])
        audit.record(actor=actor, action="participant.accepted", subject=known, before=before, after={"state": state})
    return known


def ensure_requester(ticket: Ticket, *, actor: Actor) -> None:
    """A ticket that was opened on a page has its requester among its participants once it is written about by mail."""
    requester = ticket.requester
    if requester is not None and requester.is_active and requester.kind == User.Kind.SUBSCRIBER:
        address = Address(requester.email.lower(), requester.full_name)
        join(ticket, address, actor=actor, role=ParticipantRole.REQUESTER, user=requester)


def add_copies(ticket: Ticket, copies: Iterable[Address], *, actor: Actor, without: Iterable[str]) -> list[Participant]:
    """E7: whom a customer puts in copy is held until staff let him in. Gives those that are new."""
    without = set(without)
    copies = [each for each in copies if each.email not in without]
    if not copies:
        return []
    known = set(Participant.objects.filter(ticket=ticket).values_list("email", flat=True))
    room = max(0, MOST - len(known))
    fresh = [each for each in dict.fromkeys(copies) if each.email not in known][:room]
    return [join(ticket, each, actor=actor, role=ParticipantRole.CC, state=ParticipantState.HELD) for each in fresh]


def offer(ticket: Ticket, address: Address, *, actor: Actor) -> Participant:
    """M7: who first wrote what staff forwarded. He is written to once somebody makes him the requester."""
    return join(
        ticket, address, actor=actor, role=ParticipantRole.REQUESTER, state=ParticipantState.HELD, is_first=True
    )


def accepted(ticket: Ticket) -> list[Participant]:
    """Who is written to, requester first."""
    rows = Participant.objects.filter(ticket=ticket, state=ParticipantState.ACCEPTED).select_related("user")
    return sorted(rows, key=lambda each: (each.role != ParticipantRole.REQUESTER, each.pk))
