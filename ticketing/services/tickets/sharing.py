"""A resident lets the people of his building see a ticket of his, and takes it back."""

from __future__ import annotations

from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied, require
from boss.core.services import service
from ticketing.choices import ParticipantRole, ParticipantState
from ticketing.errors import NobodyToShareWith
from ticketing.models import Participant, Ticket
from ticketing.services.tickets import journal
from ticketing.sharing import is_requester, is_shared, looks_after


@service
def share(*, actor: Actor, ticket: Ticket) -> Ticket:
    """Show a ticket, with all that was and will be said publicly, to the people of the place's organization.

    It is the requester's to say, and nobody else's. Raises :class:`NobodyToShareWith` where the place belongs to no
    organization.
    """
    ticket = journal.locked(ticket)

    require(actor, "ticketing.add_message", ticket)
    if not is_requester(actor, ticket):
        raise PermissionDenied

    organization = looks_after(ticket)
    if organization is None:
        raise NobodyToShareWith
    if ticket.organization_id == organization.pk:
        return ticket

    ticket.organization = organization
    journal.write(ticket, actor=actor, event="shared", before={"with": None}, after={"with": organization.name})
    return ticket


@service
def stop_sharing(*, actor: Actor, ticket: Ticket) -> Ticket:
    """Hide a shared ticket from the organization again: by its requester, or by staff for him.

    A ticket that an organization opened itself is its own, and stays so.
    """
    ticket = journal.locked(ticket)

    if not is_requester(actor, ticket):
        require(actor, "ticketing.change_ticket", ticket)
    if not is_shared(ticket):
        return ticket

    # Who looks after the building is told nothing any more, and what he answers to older mails is held.
    Participant.objects.filter(ticket=ticket, role=ParticipantRole.SITE_OWNER).update(state=ParticipantState.HELD)
    before = {"with": ticket.organization.name if ticket.organization else None}
    ticket.organization = None
    journal.write(ticket, actor=actor, event="sharing_stopped", before=before, after={"with": None})
    return ticket
