"""Accounts and orders as subjects: of tickets, and of the runs that fulfil orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.actors import Actor
from boss.core.permissions import may
from subscribers import live
from subscribers.account_search import search_accounts
from subscribers.models import Account, Collection, Order
from subscribers.services import collecting, leases, orders
from ticketing.contracts import ReferenceKind, SubjectCard, SubjectKind
from workflow import selectors as workflow
from workflow.contracts import RunEnd, RunSubjectKind

MOST_FOUND = 200


def _find_order(order_id: int) -> Order | None:
    order: Order | None = Order.objects.select_related("account", "site").filter(pk=order_id).first()
    return order


def _find_account(account_id: int) -> Account | None:
    account: Account | None = Account.objects.select_related("site").filter(pk=account_id).first()
    return account


def account_url(account: Account) -> str:
    return f"/console/accounts/{account.public_id}/"


def order_url(order: Order) -> str:
    return f"/console/orders/{order.public_id}/"


def describe_account(account_id: int) -> SubjectCard:
    account = _find_account(account_id)
    if account is None:
        return SubjectCard(label=_("An account that is gone"))
    site = (account.site.label,) if account.site else ()
    return SubjectCard(
        label=f"{account.number} {account.name}",
        url=account_url(account),
        lines=(str(account.get_state_display()), account.phone, *site),
    )


def describe_order(order_id: int) -> SubjectCard:
    order = _find_order(order_id)
    if order is None:
        return SubjectCard(label=_("An order that is gone"))
    return SubjectCard(
        label=_("Order %(number)s") % {"number": order.number},
        url=order_url(order),
        lines=(_state_of(order), str(order.account), order.site.label),
    )


def _state_of(order: Order) -> str:
    """Its state in a word; that of an order whose task has failed is not "in progress"."""
    if not order.is_closed and order.run_id and workflow.find_needing_people([order.run_id]):
        return _("Needs a person")
    return str(order.get_state_display())


def _account_of_order(order_id: int) -> int | None:
    order = _find_order(order_id)
    return order.account_id if order else None


def _may_link_account(actor: Actor, account_id: int) -> bool:
    account = _find_account(account_id)
    return account is not None and may(actor, "subscribers.view_account", account)


def _may_link_order(actor: Actor, order_id: int) -> bool:
    order = _find_order(order_id)
    return order is not None and may(actor, "subscribers.view_order", order)


def _order_label(order_id: int) -> str:
    """The number alone: it is shown beside the kind's title."""
    order = _find_order(order_id)
    return order.number if order else _("gone")


def _order_url(order_id: int) -> str:
    return describe_order(order_id).url


def _order_labels(order_ids: Sequence[int]) -> Mapping[int, str]:
    orders_ = Order.objects.filter(pk__in=order_ids).select_related("account")
    told = _("Order %(number)s · %(name)s")
    return {order.pk: told % {"number": order.number, "name": order.account.name} for order in orders_}


def _find_orders(actor: Actor, text: str) -> Sequence[int]:
    """The order of this number, or the orders of the accounts that people mean by ``text``."""
    seen = Order.objects.visible_to(actor)
    by_number = list(seen.filter(number=text.strip().upper()).values_list("pk", flat=True))
    if by_number or not actor.holds("subscribers.view_account"):
        return by_number
    accounts = [account.pk for account in search_accounts(actor, text)]
    return list(seen.filter(account_id__in=accounts).order_by("-id").values_list("pk", flat=True)[:MOST_FOUND])


def _order_closed(actor: Actor, run: Any, end: RunEnd) -> None:
    order = _find_order(run.subject_id)
    if order is not None:
        orders.close_with_run(actor=actor, order=order, end=end)
        leases.close_with_order(actor=actor, order_id=order.pk, completed=end == "completed")


def _find_case(case_id: int) -> Collection | None:
    case: Collection | None = Collection.objects.select_related("account__site").filter(pk=case_id).first()
    return case


def describe_case(case_id: int) -> SubjectCard:
    case = _find_case(case_id)
    if case is None:
        return SubjectCard(label=_("A collection case that is gone"))
    owed = _("%(amount)s %(currency)s since %(since)s") % {
        "amount": case.amount, "currency": case.currency, "since": case.overdue_since,
    }  # fmt: skip
    return SubjectCard(
        label=_("Overdue: %(account)s") % {"account": case.account},
        url=account_url(case.account),
        lines=(str(case.get_state_display()), owed),
    )


def _account_of_case(case_id: int) -> int | None:
    case = _find_case(case_id)
    return case.account_id if case else None


def _may_link_case(actor: Actor, case_id: int) -> bool:
    case = _find_case(case_id)
    return case is not None and may(actor, "subscribers.view_collection", case)


def _case_closed(actor: Actor, run: Any, end: RunEnd) -> None:
    case = _find_case(run.subject_id)
    if case is not None:
        collecting.close_with_run(actor=actor, case=case, end=end)


ACCOUNT_TICKETS = SubjectKind(
    key="subscribers.account",
    title=gettext_lazy("Account"),
    describe=describe_account,
    account_id=lambda account_id: account_id,
    may_link=_may_link_account,
    live=live.accounts,
    search=live.found_accounts,
    identify=live.identify_account,
)
ORDER_TICKETS = SubjectKind(
    key="subscribers.order",
    title=gettext_lazy("Order"),
    describe=describe_order,
    account_id=_account_of_order,
    may_link=_may_link_order,
    live=live.orders,
    search=live.found_orders,
    identify=live.identify_order,
)
STATEMENT_TICKETS = SubjectKind(
    key="subscribers.statement",
    title=gettext_lazy("Statement"),
    describe=lambda statement_id: SubjectCard(*live.describe_statement(statement_id)),
    account_id=live.account_of_statement,
    live=live.statements,
    search=live.found_statements,
    identify=live.identify_statement,
)
ORDER_RUNS = RunSubjectKind(
    key="subscribers.order",
    title=gettext_lazy("Order"),
    label=_order_label,
    url=_order_url,
    account_id=_account_of_order,
    closed=_order_closed,
    labels=_order_labels,
    find=_find_orders,
)
CASE_TICKETS = SubjectKind(
    key="subscribers.collection",
    title=gettext_lazy("Collection case"),
    describe=describe_case,
    account_id=_account_of_case,
    may_link=_may_link_case,
)
CASE_RUNS = RunSubjectKind(
    key="subscribers.collection",
    title=gettext_lazy("Collection case"),
    label=lambda case_id: describe_case(case_id).label,
    url=lambda case_id: describe_case(case_id).url,
    account_id=_account_of_case,
    closed=_case_closed,
)


def _named_account(actor: Actor, public_id: str) -> SubjectCard | None:
    account: Account | None = Account.objects.visible_to(actor).filter(public_id=public_id).first()
    return None if account is None else SubjectCard(f"{account.number} {account.name}", account_url(account))


ACCOUNT_REFERENCE = ReferenceKind(
    "account", gettext_lazy("Account"), _named_account, gettext_lazy("the account's id, the last part of its address")
)
