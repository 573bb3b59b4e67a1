"""Whom a ticket's requester may show it to besides, and whether he does."""

from __future__ import annotations

from boss.core import permissions
from boss.core.actors import Actor
from boss.tenancy.models import Organization
from ticketing.models import Ticket


def looks_after(ticket: Ticket) -> Organization | None:
    """The organization a ticket may be shared with: whose place it is about. None where there is none."""
    return ticket.site.organization if ticket.site is not None else None


def is_shared(ticket: Ticket) -> bool:
    """Whether somebody who is not of the organization lets it see this ticket."""
    if ticket.organization_id is None or ticket.requester is None:
        return False
    return bool(ticket.requester.organization_id != ticket.organization_id)


def may_share(actor: Actor, ticket: Ticket) -> bool:
    """Whether it is his to say who else sees it."""
    if ticket.organization_id is not None and not is_shared(ticket):
        return False  # it is the organization's own
    return is_requester(actor, ticket) and permissions.may(actor, "ticketing.add_message", ticket)


def is_requester(actor: Actor, ticket: Ticket) -> bool:
    return actor.user_id is not None and actor.user_id == ticket.requester_id
