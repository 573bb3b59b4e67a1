"""Starting, changing, ending and reversing charges. What a task ended carries the task's key, for undoing it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.db.models import QuerySet

from boss.core import audit, clock
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from catalog import pricing
from catalog import selectors as catalog
from catalog.choices import PriceKind
from subscribers.choices import ChargeKind, ChargeState, ItemAction
from subscribers.models import Charge, Order, OrderItem, Subscription


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

    new = [
        charge
        for item in OrderItem.objects.filter(order=order, action=ItemAction.ADD).order_by("id")
        for charge in _quoted(order, item, {})
        if (charge.subscription_id, charge.code) not in running
    ]
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
def change(*, actor: Actor, order: Order, key: str) -> list[Charge]:
    """End what the changed subscription paid each month and start what its new plan costs, both today.

    Options it had before are not paid for a second time. ``key`` marks what is ended. Idempotent.
    """
    order = Order.objects.select_for_update().get(pk=order.pk)
    item = OrderItem.objects.select_related("subscription").get(order=order, action=ItemAction.MODIFY)

    require(actor, "subscribers.change_account", order.account)

    present = list(Charge.objects.filter(order=order, state=ChargeState.ACTIVE))
    if present:
        return present
    _end(Charge.objects.filter(subscription=item.subscription, kind=ChargeKind.RECURRING), key)
    charges: list[Charge] = Charge.objects.bulk_create(_quoted(order, item, item.former.get("options", {})))

    audit.record(
        actor=actor, action="charges.changed", subject=order,
        after={charge.code: str(charge.total) for charge in charges},
    )  # fmt: skip
    return charges


@service
def end(*, actor: Actor, subscription: Subscription, key: str) -> int:
    """End every monthly charge of the subscription today; how many. ``key`` marks them."""
    require(actor, "subscribers.change_account", subscription.account)

    count = _end(Charge.objects.filter(subscription=subscription, kind=ChargeKind.RECURRING), key)

    if count:
        audit.record(actor=actor, action="charges.ended", subject=subscription, after={"charges": count})
    return count


@service
def run_again(*, actor: Actor, key: str) -> int:
    """Undo of an ending: the charges ended under ``key`` run on as if nothing had been; how many."""
    rows = Charge.objects.select_for_update(of=("self",)).select_related("account")
    ended = list(rows.filter(ended_by=key, state=ChargeState.ENDED).order_by("id"))

    for charge in ended:
        require(actor, "subscribers.change_account", charge.account)

        charge.run_again()
        charge.ends_on, charge.ended_by = None, ""
        charge.save(update_fields=["state", "ends_on", "ended_by"])

        audit.record(actor=actor, action="charge.end_undone", subject=charge)
    return len(ended)


@service
def add_once(
    *, actor: Actor, order: Order, subscription: Subscription, code: str, title: str, amount: Decimal
) -> Charge:
    """Charge an amount once, for instance an early end. The same ``code`` of an order is charged once."""
    order = Order.objects.select_for_update().get(pk=order.pk)

    require(actor, "subscribers.change_account", order.account)

    known = Charge.objects.filter(order=order, subscription=subscription, code=code)
    present: Charge | None = known.exclude(state=ChargeState.REVERSED).first()
    if present is not None:
        return present
    amount = amount.quantize(Decimal("0.01"))
    charge: Charge = Charge.objects.create(
        account_id=order.payer_id or order.account_id,
        subscription=subscription,
        order=order,
        kind=ChargeKind.ONE_TIME,
        code=code,
        title=title,
        amount=amount,
        total=amount,
        currency=subscription.plan_version.currency,
        starts_on=clock.today(),
    )

    audit.record(actor=actor, action="charge.added", subject=order, after={code: str(amount)})
    return charge


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


def _quoted(order: Order, item: OrderItem, had: Mapping[str, int]) -> list[Charge]:
    """What the item costs as charges from today; one-time prices of options the subscription ``had`` are left out."""
    version = catalog.get_version(item.plan_version_id)
    choices = [pricing.OptionChoice(key, quantity) for key, quantity in item.options.items()]
    paid_before = {f"{option}:" for option in had}
    return [
        Charge(
            account_id=order.payer_id or order.account_id,
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
        for line in pricing.quote(version, choices).lines
        if line.kind != PriceKind.USAGE
        and line.total
        and not (line.kind == PriceKind.ONE_TIME and line.code.startswith(tuple(paid_before)))
    ]


def _end(charges: QuerySet[Charge], key: str) -> int:
    running = list(charges.filter(state=ChargeState.ACTIVE).select_for_update().order_by("id"))
    for charge in running:
        charge.end()
        charge.ends_on, charge.ended_by = clock.today(), key
        charge.save(update_fields=["state", "ends_on", "ended_by"])
    return len(running)
