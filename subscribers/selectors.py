"""Reads of accounts, orders and subscriptions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.core import signing
from django.db.models import Count, Prefetch, QuerySet, prefetch_related_objects

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.permissions import may, require
from boss.core.problems import NotFound
from boss.tenancy.models import Site
from subscribers.choices import (
    AccountState,
    ChargeKind,
    ChargeState,
    CollectionState,
    HoldState,
    LeaseState,
    SubscriptionState,
)
from subscribers.errors import UnknownAccount, UnknownOrder
from subscribers.models import (
    Account,
    AccountContact,
    CardHold,
    Charge,
    Collection,
    Lease,
    Order,
    OrderItem,
    Payment,
    Statement,
    Subscription,
)
from workflow import selectors as workflow

_PROGRESS_SALT = "subscribers.order_progress"
_PROGRESS_SECONDS = 30 * 24 * 3600


def list_accounts(actor: Actor) -> QuerySet[Account]:
    """Accounts the actor may see, with site and organization."""
    return whole_accounts().visible_to(actor)  # type: ignore[attr-defined, no-any-return]


def whole_accounts() -> QuerySet[Account]:
    """Accounts of the realm as they are shown; the caller narrows them to an actor."""
    accounts: QuerySet[Account] = Account.objects.select_related("site", "organization")
    return accounts


def with_places(accounts: list[Account]) -> list[Account]:
    """The same accounts with site and organization loaded, in two statements at most."""
    prefetch_related_objects(accounts, "site", "organization")
    return accounts


def get_account(actor: Actor, public_id: str) -> Account:
    """The account of this address. Raises :class:`UnknownAccount` also when it belongs to somebody else."""
    account: Account | None = list_accounts(actor).filter(public_id=public_id).first()
    if account is None:
        raise UnknownAccount(account=public_id)
    return account


def list_subscriptions(actor: Actor) -> QuerySet[Subscription]:
    """Subscriptions with account, site and plan."""
    return whole_subscriptions().visible_to(actor)  # type: ignore[attr-defined, no-any-return]


def get_subscription(actor: Actor, public_id: str) -> Subscription:
    """The subscription of this address. Raises :class:`boss.core.problems.NotFound` also for somebody else's."""
    found: Subscription | None = list_subscriptions(actor).filter(public_id=public_id).first()
    if found is None:
        raise NotFound
    return found


def whole_subscriptions() -> QuerySet[Subscription]:
    """Subscriptions of the realm as they are shown; the caller narrows them to an actor."""
    subscriptions: QuerySet[Subscription] = Subscription.objects.select_related("account", "site", "plan_version__plan")
    return subscriptions


def list_orders(actor: Actor) -> QuerySet[Order]:
    """Orders, newest first, with account, site and items: 2 statements for any number of rows."""
    return whole_orders().visible_to(actor).order_by("-id")  # type: ignore[attr-defined, no-any-return]


def whole_orders() -> QuerySet[Order]:
    """Orders of the realm as they are shown; the caller narrows them to an actor."""
    orders: QuerySet[Order] = Order.objects.select_related("account", "site").prefetch_related(_items())
    return orders


def get_order(actor: Actor, public_id: str) -> Order:
    """The order of this address. Raises :class:`UnknownOrder`."""
    order: Order | None = list_orders(actor).filter(public_id=public_id).first()
    if order is None:
        raise UnknownOrder(order=public_id)
    return order


def progress_token(order: Order) -> str:
    """What the visitor who placed the order keeps to follow it: signed, of this realm, good for 30 days."""
    return signing.dumps([order.realm_id, order.public_id], salt=_PROGRESS_SALT)


def get_order_by_progress_token(token: str) -> Order:
    """The order a visitor's token was made for. Raises :class:`UnknownOrder`."""
    try:
        realm_id, public_id = signing.loads(token, salt=_PROGRESS_SALT, max_age=_PROGRESS_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        raise UnknownOrder from None
    order: Order | None = whole_orders().filter(public_id=public_id).first()
    if order is None or realm_id != scoping.current_realm_id():
        raise UnknownOrder
    return order


@dataclass(frozen=True, slots=True)
class AccountPicture:
    """What an account's page shows of this room. ``monthly`` is the sum of its running monthly charges, by currency."""

    account: Account
    subscriptions: list[Subscription]
    orders: list[Order]
    charges: list[Charge]
    contacts: list[AccountContact]
    monthly: dict[str, Decimal]


def account_360(actor: Actor, account: Account) -> AccountPicture:
    """Everything this room knows of an account: 5 statements for those who see the whole realm's, else one more.

    Raises PermissionDenied.
    """
    if not may(actor, "subscribers.view_account"):
        require(actor, "subscribers.view_account", account)
    charges = list(Charge.objects.visible_to(actor).filter(account=account).order_by("-id")[:100])
    monthly: dict[str, Decimal] = {}
    for charge in charges:
        if charge.kind == ChargeKind.RECURRING and charge.state == ChargeState.ACTIVE:
            monthly[charge.currency] = monthly.get(charge.currency, Decimal("0.00")) + charge.total
    return AccountPicture(
        account=account,
        subscriptions=list(list_subscriptions(actor).filter(account=account).order_by("-id")),
        orders=list(list_orders(actor).filter(account=account)[:50]),
        charges=charges,
        contacts=list(AccountContact.objects.visible_to(actor).filter(account=account).order_by("id")),
        monthly=monthly,
    )


def addresses_of(actor: Actor, account: Account) -> list[str]:
    """The e-mail addresses an account's people are written to at. The caller has found ``account``."""
    contacts = AccountContact.objects.visible_to(actor).filter(account=account).exclude(email="").order_by("id")
    return [each for each in (account.email, *contacts.values_list("email", flat=True)) if each]


def find_my_account(actor: Actor) -> Account | None:
    """The account the signed-in subscriber is the user of; None for anybody else."""
    if actor.user_id is None:
        return None
    account: Account | None = (
        list_accounts(actor).filter(user_id=actor.user_id).exclude(state=AccountState.CLOSED).order_by("-id").first()
    )
    return account


def list_my_orders(actor: Actor) -> QuerySet[Order]:
    """The signed-in subscriber's own orders."""
    return list_orders(actor).filter(account__user_id=actor.user_id or 0)


def list_my_subscriptions(actor: Actor) -> QuerySet[Subscription]:
    """The signed-in subscriber's own subscriptions that have not ended."""
    mine = list_subscriptions(actor).filter(account__user_id=actor.user_id or 0)
    return mine.exclude(state=SubscriptionState.TERMINATED).order_by("-id")


def whole_statements() -> QuerySet[Statement]:
    """Statements of the realm; the caller narrows them to an actor."""
    statements: QuerySet[Statement] = Statement.objects.select_related("account")
    return statements


def whole_payments() -> QuerySet[Payment]:
    payments: QuerySet[Payment] = Payment.objects.select_related("account")
    return payments


def whole_collections() -> QuerySet[Collection]:
    collections: QuerySet[Collection] = Collection.objects.select_related("account")
    return collections


def list_statements(actor: Actor, account: Account) -> QuerySet[Statement]:
    """The account's statements, newest first."""
    return whole_statements().visible_to(actor).filter(account=account).order_by("-due_on", "-id")  # type: ignore[attr-defined, no-any-return]


def list_payments(actor: Actor, account: Account) -> QuerySet[Payment]:
    """What came in for the account, newest first."""
    return whole_payments().visible_to(actor).filter(account=account).order_by("-id")  # type: ignore[attr-defined, no-any-return]


def list_collections(actor: Actor, account: Account) -> QuerySet[Collection]:
    """The account's cases, newest first."""
    return whole_collections().visible_to(actor).filter(account=account).order_by("-id")  # type: ignore[attr-defined, no-any-return]


def whole_leases() -> QuerySet[Lease]:
    leases: QuerySet[Lease] = Lease.objects.select_related("organization", "site", "order")
    return leases


def accounts_everywhere() -> list[tuple[int, int]]:
    """Realm and row of every account that was ever served, for the clock."""
    with scoping.dispatch_transaction("billing"):
        served = Account.objects.exclude(state=AccountState.PENDING).order_by("realm_id", "id")
        return list(served.values_list("realm_id", "pk"))


def accounts_overdue_everywhere(due_before: dt.date) -> list[tuple[int, int]]:
    """Realm and row of accounts that may owe what was due by ``due_before`` and have no open case: who exactly, and
    how much, is for :func:`subscribers.services.billing.overdue` to say."""
    with scoping.dispatch_transaction("collections"):
        late = Account.objects.filter(statements__due_on__lte=due_before).exclude(state=AccountState.CLOSED)
        free = late.exclude(collections__state=CollectionState.OPEN).order_by("realm_id", "id")
        return list(free.values_list("realm_id", "pk").distinct())


def leases_begun_everywhere(today: dt.date) -> list[tuple[int, int]]:
    """Realm and row of announced leases whose first day has come and for which nothing is ordered yet."""
    with scoping.dispatch_transaction("leases"):
        begun = Lease.objects.filter(state=LeaseState.ANNOUNCED, order=None, starts_on__lte=today)
        return list(begun.order_by("realm_id", "id").values_list("realm_id", "pk"))


def snapshot(order: Order) -> dict[str, Any]:
    """What the order's run has brought about, comparable before and after: equal pictures mean a clean reversal.

    Says what is in effect (in service, able to sign in, charged, held on a card), not what history has been
    written; the order itself and its cancelled remains are history.
    """
    account = Account.objects.select_related("user").get(pk=order.account_id)
    in_service = (AccountState.ACTIVE, AccountState.SUSPENDED)
    subscriptions = Subscription.objects.filter(items__order=order).select_related("plan_version__plan").order_by("id")
    charges = Charge.objects.filter(order=order, state=ChargeState.ACTIVE).order_by("code")
    holds = CardHold.objects.filter(order=order, state__in=(HoldState.ASKED, HoldState.HELD)).order_by("id")
    return {
        "account": {
            "number": account.number,
            "in_service": account.state in in_service,
            "signs_in": account.user.email if account.user and account.user.is_active else "",
        },
        "subscriptions": [
            {
                "plan": subscription.plan_version.plan.key,
                "in_service": subscription.state in (SubscriptionState.ACTIVE, SubscriptionState.SUSPENDED),
            }
            for subscription in subscriptions
        ],
        "charges": [{"code": charge.code, "total": str(charge.total), "kind": charge.kind} for charge in charges],
        "card_holds": [{"state": hold.state, "amount": str(hold.amount)} for hold in holds],
    }


def _items() -> Prefetch[Any]:
    return Prefetch("items", OrderItem.objects.select_related("plan_version__plan", "subscription"))


FEWEST_UNITS = 3
"""Of fewer units, how many are connected would tell of the household in one of them."""


@dataclass(frozen=True, slots=True)
class Building:
    """The sites at one street address. ``connected`` units have a service; None where they are too few to say."""

    street: str
    city: str
    sites: list[Site]
    connected: int | None

    @property
    def units(self) -> int:
        """How many homes or offices: the sites with a unit, or the house itself."""
        return sum(bool(site.unit) for site in self.sites) or 1

    @property
    def public_id(self) -> str:
        return str(self.sites[0].public_id)


def list_buildings(actor: Actor) -> list[Building]:
    """The buildings whose sites the actor may see, for their owners: counts, and no subscriber's row (ADR 0020).

    Two statements. Owners hold no right to subscriptions, so these are counted here and only summed by building.
    """
    sites = Site.objects.visible_to(actor).order_by("street", "city", "unit", "id")
    by_place: dict[tuple[str, str], list[Site]] = {}
    for site in sites:
        by_place.setdefault((site.street, site.city), []).append(site)
    counted = (
        Subscription.objects.filter(
            site__in=Site.objects.visible_to(actor), state__in=[SubscriptionState.ACTIVE, SubscriptionState.SUSPENDED]
        )
        .order_by()
        .values("site__street", "site__city")
        .annotate(connected=Count("site_id", distinct=True))
    )
    with scoping.as_application():  # the database shows owners no subscription, and so none to count
        connected = {(row["site__street"], row["site__city"]): row["connected"] for row in counted}
    buildings = [Building(street, city, there, None) for (street, city), there in by_place.items()]
    return [
        replace(each, connected=connected.get((each.street, each.city), 0)) if each.units >= FEWEST_UNITS else each
        for each in buildings
    ]


def by_run(actor: Actor, run_public_ids: Iterable[str]) -> dict[str, Order]:
    """The orders that these runs fulfil, by the run's public id, as far as the actor may see them."""
    about = workflow.subjects_of_runs("subscribers.order", list(run_public_ids))
    orders = {order.pk: order for order in Order.objects.visible_to(actor).filter(pk__in=list(about.values()))}
    return {run: orders[pk] for run, pk in about.items() if pk in orders}
