"""Who is taken out of an outage again: it did not concern him after all."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from boss.core import audit, clock
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ipservices.errors import OutageIsOver
from ipservices.models import Outage, OutageMember, OutageTicket, OutageUpdate
from ipservices.services.outages.telling import locked
from subscribers.models import Account
from ticketing.choices import LinkType
from ticketing.models import Ticket, TicketRelation
from ticketing.services import tickets

_ADD = "ipservices.add_to_outage"


@service
def take_out_ticket(*, actor: Actor, outage: Outage, ticket: Ticket) -> None:
    """Make a ticket one like others: no child of the outage, told nothing more, and open as it is.

    Its account stays a member. Whoever belongs to the outage by this ticket alone, without an account, goes with it.
    Taken out twice, it is gone once. Raises :class:`OutageIsOver`; :class:`InvalidInput` with field ``ticket`` when it
    belongs to another outage.
    """
    outage = _held(outage)

    require(actor, _ADD)
    require(actor, "ticketing.change_ticket", ticket)

    if not outage.is_open:
        raise OutageIsOver
    place: OutageTicket | None = OutageTicket.objects.select_related("member").filter(ticket=ticket).first()
    if place is None:
        return
    if place.member.outage_id != outage.pk:
        raise InvalidInput(fields={"ticket": [_("It belongs to another outage.")]})

    detach([place], actor=actor)
    if place.member.account_id is None:
        _leaves(place.member)

    audit.record(actor=actor, action="outage.ticket_taken_out", subject=outage, after={"ticket": ticket.number})


@service
def take_out_account(*, actor: Actor, outage: Outage, account: Account) -> OutageMember:
    """Strike an account off by hand: it is told nothing more, its portal says nothing of the outage, and its tickets
    are tickets like others. It does not come back by lying in what is out; only by being added by hand again.

    Taken out twice, it is out once. Raises :class:`OutageIsOver`; :class:`InvalidInput` with field ``account`` when
    it is no member.
    """
    outage = _held(outage)

    require(actor, _ADD)
    require(actor, "subscribers.view_account", account)

    if not outage.is_open:
        raise OutageIsOver
    member: OutageMember | None = OutageMember.objects.filter(outage=outage, account=account).first()
    if member is None:
        raise InvalidInput(fields={"account": [_("It does not belong to this outage.")]})
    if member.taken_out_at is not None:
        return member
    places = list(OutageTicket.objects.filter(member=member).select_related("ticket", "member"))
    for place in places:
        require(actor, "ticketing.change_ticket", place.ticket)

    _leaves(member)
    detach(places, actor=actor)

    after = {"account": account.number, "tickets": [place.ticket.number for place in places]}
    audit.record(actor=actor, action="outage.account_taken_out", subject=outage, after=after)
    return member


def _held(outage: Outage) -> Outage:
    """The outage locked, and no page of its members being told: whoever is out afterwards is told nothing more."""
    fresh = locked(outage)
    running = OutageUpdate.objects.select_for_update(of=("self",)).filter(outage=fresh, finished_at=None)
    list(running.order_by("seq").values_list("pk", flat=True))
    return fresh


def _leaves(member: OutageMember) -> None:
    member.taken_out_at = clock.now()
    member.save(update_fields=["taken_out_at"])


def detach(places: Iterable[OutageTicket], *, actor: Actor) -> None:
    """Take tickets from under the ticket of their outage. In the caller's transaction, the outage locked."""
    for place in places:
        above = TicketRelation.objects.filter(
            ticket__outage=place.member.outage_id, type=LinkType.PARENT_OF, other=place.ticket_id
        ).select_related("ticket", "other")
        for relation in above:
            tickets.unlink(actor=actor, relation=relation)
        place.delete()
