"""Who comes to an outage after it was opened: by a ticket, by hand, or because he asks to be told."""

from __future__ import annotations

from django.utils import translation
from django.utils.translation import gettext as _

from boss.core import audit, clock
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied, require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ipservices import outages
from ipservices.choices import CameBy
from ipservices.errors import OutageIsOver, OutageNotFound
from ipservices.models import Outage, OutageMember, OutageTicket
from ipservices.services.outages import leaving
from ipservices.services.outages.telling import LABEL, locked
from subscribers.models import Account
from ticketing.choices import LinkType
from ticketing.models import Ticket
from ticketing.services import tickets

MOST_TICKETS = 100_000
_ADD = "ipservices.add_to_outage"


@service
def add_ticket(*, actor: Actor, outage: Outage, ticket: Ticket) -> OutageTicket:
    """Make a ticket a child of the outage, and whoever it belongs to a member. Said twice, it is there once.

    What is known is said on the ticket at once. Raises :class:`OutageIsOver`, :class:`InvalidInput` with field
    ``ticket`` or ``other`` (it has another parent).
    """
    outage = locked(outage)

    require(actor, _ADD)
    require(actor, "ticketing.change_ticket", ticket)

    if not outage.is_open:
        raise OutageIsOver
    rows = OutageTicket.objects.select_related("member__outage", "ticket")
    known: OutageTicket | None = rows.filter(ticket=ticket).first()
    if known is not None and known.member.outage_id == outage.pk:
        return known
    if known is not None and known.member.outage.is_false_alarm:
        leaving.detach([known], actor=actor)  # there it was left as it was; here it has a cause
        known = None
    if known is not None:
        raise InvalidInput(fields={"ticket": [_("It belongs to another outage.")]})
    if not ticket.is_open:
        raise InvalidInput(fields={"ticket": [_("Only an open ticket can be added.")]})
    assert outage.ticket is not None

    tickets.link(actor=actor, ticket=outage.ticket, type=LinkType.PARENT_OF, other=ticket, most=MOST_TICKETS)
    account = outages.account_of(ticket)
    member = _member(outage, account, CameBy.TICKET) if account else _nobodys(outage, ticket)
    _has_reported(member)
    place: OutageTicket = OutageTicket.objects.create(member=member, ticket=ticket)

    audit.record(actor=actor, action="outage.ticket_added", subject=outage, after={"ticket": ticket.number})
    language = account.language if account else None
    with translation.override(language or None):
        text = _("This belongs to an outage we know of and are working on. %(text)s") % {"text": outage.public_text}
    tickets.add_message(actor=Actor.system(actor.realm_id, LABEL), ticket=ticket, body=text, kind="public")
    return place


@service
def add_account(*, actor: Actor, outage: Outage, account: Account) -> OutageMember:
    """Make an account a member by hand, as after a call. Said twice, it is there once; who was taken out is back."""
    outage = locked(outage)

    require(actor, _ADD)
    require(actor, "subscribers.view_account", account)

    if not outage.is_open:
        raise OutageIsOver
    member = _member(outage, account, CameBy.ACCOUNT)
    if member.reported_at is None:
        _has_reported(member)
        audit.record(actor=actor, action="outage.account_added", subject=outage, after={"account": account.number})
    return member


@service
def ask_to_be_told(*, actor: Actor, public_id: str) -> OutageMember:
    """A subscriber says that an outage concerns him and that he wants to hear of it. Only where it does.

    Raises :class:`OutageNotFound` for one that does not concern him, whether it is there or not.
    """
    if public_id not in {each.public_id for each in outages.known_to(actor)}:
        raise OutageNotFound
    accounts = outages.my_accounts(actor)
    if not accounts:
        raise PermissionDenied(permission="subscribers.view_account")
    outage = locked(Outage.objects.get(public_id=public_id))

    if not outage.is_open:
        raise OutageIsOver
    known = OutageMember.objects.filter(outage=outage, account__in=accounts).select_related("account").first()
    account = known.account if known is not None and known.account is not None else accounts[0]
    member = _member(outage, account, CameBy.PORTAL)
    if member.reported_at is None:
        _has_reported(member)
        audit.record(actor=actor, action="outage.reported", subject=outage, after={"account": account.number})
    return member


def _member(outage: Outage, account: Account, came_by: str) -> OutageMember:
    member: OutageMember
    member, _made = OutageMember.objects.get_or_create(
        outage=outage,
        account=account,
        defaults={"site_id": account.site_id, "came_by": came_by, "joined_at": clock.now()},
    )
    if member.taken_out_at is not None:  # by hand he went, by hand he comes back
        member.taken_out_at = member.reported_at = None
        member.save(update_fields=["taken_out_at", "reported_at"])
    return member


def _nobodys(outage: Outage, ticket: Ticket) -> OutageMember:
    """For a ticket that belongs to no account: whoever asked in it is told."""
    member: OutageMember = OutageMember.objects.create(
        outage=outage, site_id=ticket.site_id, came_by=CameBy.TICKET, joined_at=clock.now()
    )
    return member


def _has_reported(member: OutageMember) -> None:
    if member.reported_at is None:
        member.reported_at = clock.now()
        member.save(update_fields=["reported_at"])
