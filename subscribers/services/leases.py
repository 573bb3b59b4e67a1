"""The lease feed of a building's owner: who moves in where becomes an order on the day, paid by the owner."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from boss.core import audit, clock, locks
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Organization, Site
from catalog import selectors as catalog
from subscribers.choices import AccountState, LeaseState, PaymentMethod, SubscriptionState
from subscribers.contact import ContactDetails, PaymentChoice, tidied
from subscribers.errors import UnitOccupied
from subscribers.models import Account, Lease, Subscription
from subscribers.services import orders


@service
def receive(
    *,
    actor: Actor,
    organization: Organization,
    reference: str,
    site: Site,
    resident: ContactDetails,
    starts_on: dt.date,
    ends_on: dt.date | None = None,
) -> Lease:
    """Take a line of an owner's lease feed. On its first day the resident's service is ordered, maybe at once.

    The same ``reference`` gives the first lease. Raises :class:`InvalidInput` with the wrong fields.
    """
    locks.hold(f"subscribers.lease:{organization.pk}:{reference}")
    known: Lease | None = Lease.objects.filter(organization=organization, reference=reference).first()

    require(actor, "subscribers.announce_lease", organization)

    if known is not None:
        return known
    faults = {}
    if not reference.strip():
        faults["reference"] = [_("Please fill this in.")]
    if site.organization_id != organization.pk:
        faults["site"] = [_("This unit is not the owner's.")]
    if ends_on is not None and ends_on <= starts_on:
        faults["ends_on"] = [_("The lease ends before it begins.")]
    if faults:
        raise InvalidInput(fields=faults)
    person = tidied(resident)

    lease: Lease = Lease.objects.create(
        organization=organization,
        reference=reference.strip()[:60],
        site=site,
        starts_on=starts_on,
        ends_on=ends_on,
        resident_name=person.full_name,
        resident_email=person.email,
        resident_phone=person.phone,
    )

    audit.record(actor=actor, action="lease.received", subject=lease, after={"starts": starts_on.isoformat()})
    if starts_on <= clock.today():
        # The owner may announce leases; that one becomes an order is the house's rule, not a right of his.
        return move_in(actor=Actor.system(actor.realm_id, actor.label), lease=lease)
    return lease


@service
def move_in(*, actor: Actor, lease: Lease) -> Lease:
    """Order what the owner pays for the resident. Nothing happens when it was ordered already.

    Raises :class:`UnitOccupied` while somebody else is served there, and :class:`InvalidInput` when the owner has no
    account to charge or what he buys is not on sale.
    """
    lease = Lease.objects.select_for_update(of=("self",)).select_related("organization", "site").get(pk=lease.pk)

    require(actor, "subscribers.place_order")

    if lease.order_id is not None or lease.state != LeaseState.ANNOUNCED:
        return lease
    served = Subscription.objects.filter(site=lease.site).exclude(state=SubscriptionState.TERMINATED)
    if served.exists():
        raise UnitOccupied(unit=lease.site.label)
    payer = Account.objects.filter(organization=lease.organization, site=None).exclude(state=AccountState.CLOSED)
    owner: Account | None = payer.order_by("id").first()
    if owner is None:
        raise InvalidInput(fields={"organization": [_("The owner has no account to charge.")]})

    lease.order = orders.submit(
        actor=actor,
        site=lease.site,
        plan_version=catalog.get_plan_version(_plan_for(lease.organization)),
        contact=ContactDetails(lease.resident_name, lease.resident_email, lease.resident_phone),
        payment=PaymentChoice(PaymentMethod.OWNER),
        payer=owner,
        key=f"lease-{lease.public_id}",
        channel="lease feed",
    )
    lease.save(update_fields=["order"])

    audit.record(actor=actor, action="lease.ordered", subject=lease, after={"order": lease.order.number})
    return lease


@service
def close_with_order(*, actor: Actor, order_id: int, completed: bool) -> None:
    """The order of a lease is closed: the resident has moved in, or does not."""
    lease: Lease | None = Lease.objects.select_for_update(of=("self",)).filter(order_id=order_id).first()

    require(actor, "subscribers.place_order")

    if lease is None or lease.state != LeaseState.ANNOUNCED:
        return

    if completed:
        lease.move_in()
    else:
        lease.withdraw()
    lease.save(update_fields=["state"])

    audit.record(actor=actor, action=f"lease.{lease.state}", subject=lease)


def _plan_for(organization: Organization) -> str:
    """What the owner buys for each unit: the realm's setting ``move_in_plans``, by owner; ``""`` for all others."""
    chosen: dict[str, str] = tenancy.get_realm(organization.realm_id).settings.get("move_in_plans", {})
    return chosen.get(organization.name) or chosen.get("", "")
