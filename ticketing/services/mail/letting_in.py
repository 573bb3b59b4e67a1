"""People decide who takes part in a ticket: whom a customer put in copy (E7), whose mail a colleague forwarded (M7)."""

from __future__ import annotations

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from boss.tenancy.models import User
from boss.tenancy.selectors import find_user_by_email
from ticketing.choices import ParticipantRole, ParticipantState
from ticketing.errors import ParticipantSettled
from ticketing.models import Participant, Ticket
from ticketing.services.tickets import journal

PERMISSION = "ticketing.settle_inboundmail"


@service
def let_in(*, actor: Actor, participant: Participant) -> Participant:
    """Write to somebody who was held, and take his answers. Nothing is sent to him by that.

    Who was offered as requester is the ticket's requester from now on, if he signs in with this address and the ticket
    has none. Raises :class:`ParticipantSettled`.
    """
    ticket, held = _locked(actor, participant)

    user = find_user_by_email(held.email)
    customer = user if user is not None and user.is_active and user.kind == User.Kind.SUBSCRIBER else None
    before = {"state": held.state}
    held.state, held.user = ParticipantState.ACCEPTED, customer
    held.save(update_fields=["state", "user"])
    if held.role == ParticipantRole.REQUESTER and customer is not None and ticket.requester_id is None:
        ticket.requester = customer

    audit.record(
        actor=actor, action="participant.accepted", subject=held, before=before, after={"state": held.state}
    )  # fmt: skip
    journal.write(ticket, actor=actor, event="let_in", after={"who": held.email, "role": held.role})
    return held


@service
def keep_out(*, actor: Actor, participant: Participant) -> Participant:
    """Do not write to somebody who was held. Raises :class:`ParticipantSettled`."""
    ticket, held = _locked(actor, participant)

    before = {"state": held.state}
    held.state = ParticipantState.REMOVED
    held.save(update_fields=["state"])

    audit.record(
        actor=actor, action="participant.removed", subject=held, before=before, after={"state": held.state}
    )  # fmt: skip
    journal.write(ticket, actor=actor, event="kept_out", after={"who": held.email})
    return held


def _locked(actor: Actor, participant: Participant) -> tuple[Ticket, Participant]:
    """The ticket first, as everywhere; then its participant, who must still be waiting."""
    ticket = journal.locked(participant.ticket)
    held: Participant = Participant.objects.select_for_update(of=("self",)).get(pk=participant.pk)

    require(actor, PERMISSION, ticket)

    if held.state != ParticipantState.HELD:
        raise ParticipantSettled
    return ticket, held
