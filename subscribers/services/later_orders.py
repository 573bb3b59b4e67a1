"""Orders about a subscription that is there already: another plan, a number brought along, the end.

Each is an order like any other: written together with its run, closed together with its run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit, clock, events, locks, numbers, permissions, schema
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.rehearsal import rehearsed
from boss.core.services import service
from catalog import configuration, pricing
from catalog import selectors as catalog
from catalog.choices import Process, ServiceFamily
from catalog.configuration import Chosen, Configuration
from catalog.models import PlanVersion
from catalog.pricing import OptionChoice, Quote
from subscribers import events as facts
from subscribers.choices import ItemAction, OrderReason, OrderState, SubscriptionState
from subscribers.errors import NothingToDeliver, NotUnderWay, OrderUnderWay, SubscriptionNotActive
from subscribers.models import Order, OrderItem, Subscription
from subscribers.services import orders
from subscribers.terms import Change, Terms, of_item
from workflow import selectors as workflow
from workflow.choices import RunState
from workflow.services import runs

_NEEDS_A_VISIT = (ServiceFamily.VOIP, ServiceFamily.IPTV, ServiceFamily.CPE)
_INSTALLED = ("cpe.router", "tv.stb", "voice.line", "voice.portin")
_SERVED = (SubscriptionState.ACTIVE, SubscriptionState.SUSPENDED)


@service
def change_plan(
    *,
    actor: Actor,
    subscription: Subscription,
    plan_version: PlanVersion,
    options: Sequence[OptionChoice] | None = None,
    chosen: Chosen | None = None,
    key: str | None = None,
    channel: str = "",
) -> Order:
    """Order another plan, or other options, for a subscription in service. Only what needs no visit.

    Without ``options`` those it has are kept as far as the new plan offers them; what was chosen before is kept as
    well. Raises :class:`InvalidInput`, :class:`SubscriptionNotActive`, :class:`OrderUnderWay`,
    :class:`NothingToDeliver` when the new plan names no workflow for changes.
    """
    if (first := _known(key)) is not None:
        return first
    row = _locked(subscription)
    version = catalog.get_version(plan_version.pk)

    _may(actor, row)

    _refuse_unless_free(row, (SubscriptionState.ACTIVE,))
    if options is None:
        options = [OptionChoice(name, count) for name, count in kept(row, version)[0].items()]
    merged = _still_chosen(row, version, options, chosen)
    if not permissions.acts_for_realm(actor, "subscribers.place_order"):
        _refuse_staff_only(chosen)
    configured = _checked(row, version, options, merged)
    definition_key = _workflow(version, Process.CHANGE)

    order = _write(row, key=key, channel=channel)
    choices = [OptionChoice(name, quantity) for name, quantity in configured.quantities.items()]
    item = _item(order, row, version, ItemAction.MODIFY, pricing.quote(version, choices))
    item.options, item.chosen = configured.quantities, orders.plain(merged)
    item.features = [feature.to_json() for feature in configured.features]
    item.save()
    _start(actor, order, definition_key, orders.run_inputs(order, row, configured))

    audit.record(
        actor=actor, action="order.submitted", subject=order,
        before={"plan": row.plan_version.plan.key}, after={"plan": version.plan.key},
    )  # fmt: skip
    return order


def preview_change(
    *,
    actor: Actor,
    subscription: Subscription,
    plan_version: PlanVersion,
    options: Sequence[OptionChoice] | None = None,
    chosen: Chosen | None = None,
) -> Change:
    """What :func:`change_plan` would change and cost. Nothing is written. Raises the same."""
    with rehearsed():
        order = change_plan(
            actor=actor, subscription=subscription, plan_version=plan_version, options=options, chosen=chosen
        )
        item: OrderItem = OrderItem.objects.select_related("plan_version__plan").get(order=order)
        after = of_item(item, item.features)
    choices = [OptionChoice(name, count) for name, count in subscription.options.items()]
    present = Terms(
        plan=subscription.plan_version.title,
        currency=subscription.plan_version.currency,
        monthly=pricing.quote(catalog.get_version(subscription.plan_version_id), choices).monthly,
        once=Decimal("0.00"),
        options=dict(subscription.options),
        chosen=dict(subscription.chosen),
        features={feature["key"]: feature for feature in subscription.features},
    )
    return Change(present, after)


def kept(row: Subscription, version: PlanVersion) -> tuple[dict[str, int], dict[str, dict[str, Any]]]:
    """What of a subscription's options and chosen values goes along to another plan version: for filling a form in."""
    offered = {option.key for option in version.options.all()}
    options = {name: count for name, count in row.options.items() if name in offered}
    choices = [OptionChoice(name, count) for name, count in options.items()]
    return options, _still_chosen(row, version, choices, None)


@service
def bring_number(
    *,
    actor: Actor,
    subscription: Subscription,
    number: str,
    losing_carrier: str,
    account_number: str,
    key: str | None = None,
    channel: str = "",
) -> Order:
    """Order that the customer's number at another provider be brought to a line in service.

    Raises :class:`InvalidInput` with the wrong fields, :class:`SubscriptionNotActive`, :class:`OrderUnderWay`,
    :class:`NothingToDeliver` when the plan has no line or names no workflow for it.
    """
    if (first := _known(key)) is not None:
        return first
    row = _locked(subscription)
    version = catalog.get_version(row.plan_version_id)

    _may(actor, row)

    _refuse_unless_free(row, (SubscriptionState.ACTIVE,))
    given = {"number": number, "losing_carrier": losing_carrier, "account_number": account_number}
    asked = catalog.get_feature(actor.system(actor.realm_id), "voice.portin").schema
    brought = schema.validate(asked, given)
    if "voice.line" not in {feature["key"] for feature in row.features}:
        raise NothingToDeliver(plan=version.plan.key)
    definition_key = _workflow(version, Process.PORT_IN)

    order = _write(row, key=key, channel=channel)
    item = _item(order, row, version, ItemAction.MODIFY, _nothing(version))
    item.options, item.features = row.options, row.features
    item.chosen = {**row.chosen, "voice.portin": brought}
    item.save()
    _start(actor, order, definition_key, {**_run_inputs(order, row), **brought, "port_in": True})

    audit.record(actor=actor, action="order.submitted", subject=order, after={"number": brought["number"]})
    return order


@service
def disconnect(
    *,
    actor: Actor,
    subscription: Subscription,
    wanted_on: dt.date | None = None,
    reason: str = "",
    key: str | None = None,
    channel: str = "",
) -> Order:
    """Order the end of a subscription on ``wanted_on`` (today when left out); its run also fetches the equipment.

    Raises :class:`InvalidInput`, :class:`SubscriptionNotActive`, :class:`OrderUnderWay`, :class:`NothingToDeliver`.
    """
    if (first := _known(key)) is not None:
        return first
    row = _locked(subscription)
    version = catalog.get_version(row.plan_version_id)

    _may(actor, row)

    _refuse_unless_free(row, _SERVED)
    day = wanted_on or clock.today()
    faults = {}
    if day < clock.today():
        faults["wanted_on"] = [_("This day has passed.")]
    if reason and reason not in OrderReason.values:
        faults["reason"] = [_("Choose one of these.")]
    if faults:
        raise InvalidInput(fields=faults)
    definition_key = _workflow(version, Process.DISCONNECT)

    order = _write(row, key=key, channel=channel, wanted_on=day, reason=reason)
    _item(order, row, version, ItemAction.DELETE, _nothing(version)).save()
    _start(actor, order, definition_key, _run_inputs(order, row))

    audit.record(
        actor=actor, action="order.submitted", subject=order, after={"ends": day.isoformat(), "reason": reason}
    )
    return order


@service
def win_back(*, actor: Actor, order: Order, reason: str = "") -> Order:
    """The customer stays after all: everything the order of the end has done so far is taken back.

    Raises :class:`NotUnderWay` when it is closed, or is no order of an end.
    """
    row: Order = Order.objects.select_related("account").get(pk=order.pk)

    require(actor, "subscribers.place_order", row.account)
    require(actor, "subscribers.view_account", row.account)

    leaving = OrderItem.objects.filter(order=row, action=ItemAction.DELETE).exists()
    run = workflow.find_run(row.run_id) if row.run_id is not None else None
    if not leaving or row.is_closed or run is None:
        raise NotUnderWay(order=row.number)
    if run.state == RunState.REVERSING:
        return row

    # The right to place and take back orders was asked for; turning its run round follows from it.
    runs.reverse(actor=Actor.system(actor.realm_id, actor.label), run=run, reason=reason or _("The customer stays."))

    audit.record(actor=actor, action="order.won_back", subject=row, after={"reason": reason})
    return row


def _known(key: str | None) -> Order | None:
    if key is None:
        return None
    locks.hold(f"subscribers.order:{key}")
    first: Order | None = Order.objects.filter(submission_key=key).first()
    return first


def _locked(subscription: Subscription) -> Subscription:
    rows = Subscription.objects.select_for_update(of=("self",))
    row: Subscription = rows.select_related("account", "site", "plan_version__plan").get(pk=subscription.pk)
    return row


def _may(actor: Actor, row: Subscription) -> None:
    require(actor, "subscribers.place_order", row.account)
    require(actor, "subscribers.view_account", row.account)


def _refuse_unless_free(row: Subscription, states: Sequence[str]) -> None:
    if row.state not in states:
        raise SubscriptionNotActive(state=row.state)
    if OrderItem.objects.filter(subscription=row, order__state=OrderState.IN_PROGRESS).exists():
        raise OrderUnderWay(subscription=row.public_id)


def _checked(row: Subscription, version: PlanVersion, options: Sequence[OptionChoice], chosen: Chosen) -> Configuration:
    faults: dict[str, list[str]] = {}
    if not catalog.is_on_sale(version) and version.pk != row.plan_version_id:
        faults["plan"] = [_("This plan is not on sale any more. Please choose another.")]
    elif not catalog.is_sold_at(version, row.site):
        faults["plan"] = [_("%(plan)s cannot be delivered at this address.") % {"plan": version.plan.title}]
    configured = Configuration((), {})
    try:
        configured = configuration.configure(version, options, chosen)
    except InvalidInput as error:
        faults.update(error.fields)
    if not faults and (more := _for_a_visit(row, configured)):
        faults["plan"] = [_("This needs a technician's visit: %(features)s.") % {"features": ", ".join(more)}]
    if faults:
        raise InvalidInput(fields=faults)
    return configured


def _refuse_staff_only(chosen: Chosen | None) -> None:
    """What only the provider's people may set is refused from a customer; what they set before is kept."""
    hidden = catalog.staff_only_keys()
    faults = {
        f"{feature}.{name}": [_("This cannot be chosen with this plan.")]
        for feature, values in (chosen or {}).items()
        for name in values
        if name in hidden.get(feature, frozenset())
    }
    if faults:
        raise InvalidInput(fields=faults)


def _for_a_visit(row: Subscription, configured: Configuration) -> list[str]:
    """What of the wish cannot be done from afar: lines, television or devices that are not there yet."""
    had = {feature["key"]: int(feature["quantity"]) for feature in row.features}
    families = {feature["driver_family"] for feature in row.features}
    return [
        feature.title
        for feature in configured.features
        if (feature.driver_family in _NEEDS_A_VISIT and feature.driver_family not in families)
        or (feature.key in _INSTALLED and feature.quantity > had.get(feature.key, 0))
    ]


def _still_chosen(
    row: Subscription, version: PlanVersion, options: Sequence[OptionChoice], chosen: Chosen | None
) -> dict[str, dict[str, Any]]:
    """What was chosen before, as far as the new plan asks for it, under what is chosen now."""
    asked = configuration.choosable(version, options)
    merged: dict[str, dict[str, Any]] = {}
    for feature, questions in asked.items():
        names = {question.key for question in questions}
        before: Mapping[str, Any] = row.chosen.get(feature, {})
        merged[feature] = {name: value for name, value in before.items() if name in names}
    for feature, values in (chosen or {}).items():
        merged[feature] = {**merged.get(feature, {}), **values}
    return {feature: values for feature, values in merged.items() if values}


def _workflow(version: PlanVersion, process: str) -> str:
    definition_key = str(version.workflows.get(process, ""))
    if not definition_key:
        raise NothingToDeliver(plan=version.plan.key)
    return definition_key


def _write(row: Subscription, *, key: str | None, channel: str, **more: Any) -> Order:
    """The order, with contact and way of paying as they are known."""
    first: Order = Order.objects.filter(items__subscription=row).order_by("id")[0]
    account = row.account
    order: Order = Order.objects.create(
        number=f"O-{numbers.draw('order', first=orders.FIRST_NUMBER)}",
        account=account,
        site=row.site,
        payment_method=first.payment_method,
        payer_id=first.payer_id,
        contact_name=account.name,
        contact_email=account.email,
        contact_phone=account.phone,
        submission_key=key,
        channel=channel,
        **more,
    )
    return order


def _item(order: Order, row: Subscription, version: PlanVersion, action: str, price: Quote) -> OrderItem:
    return OrderItem(
        order=order, action=action, plan_version=version, subscription=row, monthly=price.monthly, once=price.once,
        currency=version.currency,
    )  # fmt: skip


def _nothing(version: PlanVersion) -> Quote:
    return pricing.quote_sheet(pricing.PriceSheet(version.currency, ()), {})


def _run_inputs(order: Order, row: Subscription) -> dict[str, Any]:
    return {
        **orders.plain_inputs(order, row),
        "families": row.families,
        "features": [feature["key"] for feature in row.features],
        "options": row.options,
        "port_in": False,
    }


def _start(actor: Actor, order: Order, definition_key: str, inputs: dict[str, Any]) -> None:
    orders.start_run(actor, order, definition_key, inputs)
    events.publish(facts.OrderSubmitted(order_id=order.pk))
