"""Accounts, orders and subscriptions as the console shows them."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _

from boss.console.presenters.marks import ACCOUNT, CHARGE, NEEDS_PERSON, ORDER, SUBSCRIPTION, mark
from boss.console.presenters.words import label, plain
from boss.look.marks import Mark
from boss.look.templatetags.look import money
from subscribers.choices import SubscriptionState
from subscribers.models import Account, Charge, Order, OrderItem, Subscription
from workflow import selectors as workflow


def url_of(account: Account) -> str:
    return reverse("console:account", args=[account.public_id])


def order_url(order: Order) -> str:
    return reverse("console:order", args=[order.public_id])


def _since(day: date | None) -> str:
    return _("since %(day)s") % {"day": formats.date_format(day)} if day else ""


@dataclass(frozen=True, slots=True)
class AccountRow:
    number: str
    name: str
    url: str
    state: Mark
    place: str
    phone: str
    email: str


def row(account: Account) -> AccountRow:
    return AccountRow(
        number=account.number,
        name=account.name,
        url=url_of(account),
        state=mark(ACCOUNT, account.state),
        place=account.site.label if account.site else "",
        phone=account.phone,
        email=account.email,
    )


@dataclass(frozen=True, slots=True)
class OrderRow:
    number: str
    url: str
    state: Mark
    what: str
    account: str
    account_url: str
    place: str
    at: datetime
    run_url: str
    is_open: bool
    needs_person: bool


def order_state(order: Order, stuck: Container[int]) -> Mark:
    """The order's state; ``stuck`` are the runs that wait for a person because a task has failed."""
    return NEEDS_PERSON if _needs_person(order, stuck) else mark(ORDER, order.state)


def _needs_person(order: Order, stuck: Container[int]) -> bool:
    return not order.is_closed and order.run_id in stuck


def order_rows(orders: Iterable[Order]) -> list[OrderRow]:
    """Orders for a list: one more statement tells which of the open ones need a person."""
    shown = list(orders)
    stuck = workflow.find_needing_people(order.run_id for order in shown if order.run_id and not order.is_closed)
    return [_order_row(order, stuck) for order in shown]


def _order_row(order: Order, stuck: Container[int]) -> OrderRow:
    return OrderRow(
        number=order.number,
        url=order_url(order),
        state=order_state(order, stuck),
        what=", ".join(_item(item) for item in order.items.all()),
        account=order.account.name,
        account_url=url_of(order.account),
        place=order.site.label,
        at=order.submitted_at,
        run_url=reverse("console:run", args=[order.run_public_id]) if order.run_public_id else "",
        is_open=not order.is_closed,
        needs_person=_needs_person(order, stuck),
    )


def _item(item: OrderItem) -> str:
    return f"{item.get_action_display()} {item.plan_version.title}"


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One line of an order with its price and what was chosen."""

    action: str
    plan: str
    monthly: str
    once: str
    choices: list[tuple[str, str]]


def item_line(item: OrderItem) -> ItemLine:
    options = [(label(key), plain(value)) for key, value in item.options.items()]
    chosen = [
        (f"{label(feature)}: {label(key)}", plain(value))
        for feature, values in item.chosen.items()
        for key, value in (values.items() if isinstance(values, dict) else [("", values)])
    ]
    return ItemLine(
        action=item.get_action_display(),
        plan=item.plan_version.title,
        monthly=money(item.monthly, item.currency),
        once=money(item.once, item.currency),
        choices=options + chosen,
    )


@dataclass(frozen=True, slots=True)
class SubscriptionCard:
    """A subscription and the services that stand behind it."""

    title: str
    state: Mark
    place: str
    since: str
    services: list[Any]
    actions: list[tuple[str, str, str]]
    """Address, icon and word of what can be ordered for it."""


def subscription_cards(
    subscriptions: Iterable[Subscription], services: Iterable[Any], orders: Iterable[Order] = (), *, may_order: bool
) -> list[SubscriptionCard]:
    """``services`` are presented rows with a ``subscription_id``; while one of ``orders`` is at it, nothing else can
    be ordered for a subscription."""
    busy = {item.subscription_id for order in orders if not order.is_closed for item in order.items.all()}
    by_subscription: dict[int, list[Any]] = {}
    for service in services:
        by_subscription.setdefault(service.subscription_id, []).append(service)
    return [
        SubscriptionCard(
            title=subscription.plan_version.title,
            state=mark(SUBSCRIPTION, subscription.state),
            place=subscription.site.label,
            since=_since(subscription.active_from),
            services=by_subscription.get(subscription.pk, []),
            actions=_actions(subscription) if may_order and subscription.pk not in busy else [],
        )
        for subscription in subscriptions
    ]


def _actions(subscription: Subscription) -> list[tuple[str, str, str]]:
    wanted = []
    if subscription.state == SubscriptionState.ACTIVE:
        wanted.append(("subscription_change", "package", _("Change the plan…")))
        if any(feature["key"] == "voice.line" for feature in subscription.features):
            wanted.append(("subscription_bring_number", "device-landline-phone", _("Bring a number along…")))
    if subscription.state in (SubscriptionState.ACTIVE, SubscriptionState.SUSPENDED):
        wanted.append(("subscription_disconnect", "ban", _("End it…")))
    return [(reverse(f"console:{name}", args=[subscription.public_id]), icon, word) for name, icon, word in wanted]


@dataclass(frozen=True, slots=True)
class ChargeLine:
    title: str
    total: str
    how: str
    state: Mark


def charge_line(charge: Charge) -> ChargeLine:
    return ChargeLine(
        title=f"{charge.quantity} × {charge.title}" if charge.quantity > 1 else charge.title,
        total=money(charge.total, charge.currency),
        how=str(charge.get_kind_display()),
        state=mark(CHARGE, charge.state),
    )
