"""Starting and reversing charges."""

from __future__ import annotations

from decimal import Decimal

from boss.core import audit, clock
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from catalog import pricing
from catalog import selectors as catalog
from catalog.choices import PriceKind
from subscribers.choices import ChargeState
from subscribers.models import Charge, Order, OrderItem


@service
def start(*, actor: Actor, order: Order) -> list[Charge]:
    """Start the monthly and one-time charges of everything the order adds, from today.

    Idempotent: a charge of the order that runs already is given back, never doubled.
    """
    # The order's row serialises two starts of the same order.
    order = Order.objects.select_for_update().get(pk=order.pk)

    require(actor, "subscribers.change_account", order.account)

    running = {
        (charge.subscription_id, charge.code): charge
        for charge in Charge.objects.filter(order=order, state=ChargeState.ACTIVE)
    }

    new = []
    for item in OrderItem.objects.filter(order=order).order_by("id"):
        version = catalog.get_version(item.plan_version_id)
        choices = [pricing.OptionChoice(key, quantity) for key, quantity in item.options.items()]
        for line in pricing.quote(version, choices).lines:
            if line.kind == PriceKind.USAGE or not line.total or (item.subscription_id, line.code) in running:
                continue
            new.append(
                Charge(
                    account_id=order.account_id,
                    subscription_id=item.subscription_id,
                    order=order,
                    kind=line.kind,
                    code=line.code,
                    title=line.label,
                    quantity=line.quantity,
                    amount=line.amount,
                    total=line.total,
                    currency=version.currency,
                    starts_on=clock.today(),
                )
            )
    charges = Charge.objects.bulk_create(new)

    if new:
        audit.record(
            actor=actor,
            action="charges.started",
            subject=order,
            after={charge.code: str(charge.total) for charge in new},
        )
    return [*running.values(), *charges]


@service
def reverse(*, actor: Actor, order: Order) -> Decimal:
    """Take back every charge the order started, as if it had never been. Returns their sum."""
    order = Order.objects.select_for_update().get(pk=order.pk)
    charges = list(Charge.objects.select_for_update().filter(order=order, state=ChargeState.ACTIVE).order_by("id"))

    require(actor, "subscribers.change_account", order.account)

    for charge in charges:
        charge.reverse()
        charge.reversed_at = clock.now()
        charge.save(update_fields=["state", "reversed_at"])

    total = sum((charge.total for charge in charges), Decimal("0.00"))
    if charges:
        audit.record(actor=actor, action="charges.reversed", subject=order, before={"total": str(total)})
    return total
