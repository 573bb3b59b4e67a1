"""How accounts, orders and statements stand now, for the panel beside a ticket: each kind in a fixed number of
statements, and only what the viewer may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from boss.core import clock
from boss.core.actors import Actor
from subscribers.account_search import search_accounts
from subscribers.choices import AccountState, OrderState
from subscribers.models import Account, Order, Payment, Statement
from ticketing.contracts import LiveCard
from workflow import selectors as workflow

MOST_FOUND = 12
_NOTHING = Decimal("0.00")
_ACCOUNT_TONES: dict[str, Any] = {
    AccountState.PENDING: "busy", AccountState.ACTIVE: "ok", AccountState.SUSPENDED: "wait",
}  # fmt: skip
_ORDER_TONES: dict[str, Any] = {
    OrderState.ACKNOWLEDGED: "busy", OrderState.IN_PROGRESS: "busy", OrderState.COMPLETED: "ok",
}  # fmt: skip


def accounts(actor: Actor, account_ids: Sequence[int]) -> Mapping[int, LiveCard]:
    """State and balance, the balance for those who may see statements and payments. Three statements."""
    rows = list(Account.objects.visible_to(actor).filter(pk__in=account_ids).select_related("site"))
    told = _balances(actor, [account.pk for account in rows])
    return {account.pk: _account(account, told.get(account.pk, "")) for account in rows}


def found_accounts(actor: Actor, text: str) -> Sequence[LiveCard]:
    return [_account(account, "") for account in search_accounts(actor, text, MOST_FOUND)]


def identify_account(actor: Actor, public_id: str) -> int | None:
    return _identify(Account.objects.visible_to(actor), public_id)


def _account(account: Account, balance: str) -> LiveCard:
    return LiveCard(
        account.public_id,
        f"{account.number} {account.name}",
        f"/console/accounts/{account.public_id}/",
        str(account.get_state_display()),
        _ACCOUNT_TONES.get(account.state, "idle"),
        (balance,) if balance else (),
    )


def _balances(actor: Actor, account_ids: Sequence[int]) -> dict[int, str]:
    """What is open by account, in words; nothing for those who may not see it."""
    if not actor.is_system and not (
        actor.holds("subscribers.view_statement") and actor.holds("subscribers.view_payment")
    ):
        return {}
    owed = _summed(Statement.objects.visible_to(actor), "total", account_ids)
    paid = _summed(Payment.objects.visible_to(actor), "amount", account_ids)
    told = {}
    for account_id in {*owed, *paid}:
        currency = (owed.get(account_id) or paid[account_id])[1]
        open_ = owed.get(account_id, (_NOTHING, ""))[0] - paid.get(account_id, (_NOTHING, ""))[0]
        if open_ > 0:
            told[account_id] = _("%(amount)s %(currency)s open") % {"amount": open_, "currency": currency}
        elif open_ < 0:
            told[account_id] = _("%(amount)s %(currency)s paid ahead") % {"amount": -open_, "currency": currency}
        else:
            told[account_id] = _("Nothing open")
    return told


def _summed(rows: Any, field: str, account_ids: Sequence[int]) -> dict[int, tuple[Decimal, str]]:
    sums = rows.filter(account_id__in=account_ids).order_by().values_list("account_id", "currency")
    return {account_id: (total, currency) for account_id, currency, total in sums.annotate(all=Sum(field))}


def orders(actor: Actor, order_ids: Sequence[int]) -> Mapping[int, LiveCard]:
    """State, and whether a person is needed. Two statements."""
    return _orders(Order.objects.visible_to(actor).filter(pk__in=order_ids))


def found_orders(actor: Actor, text: str) -> Sequence[LiveCard]:
    """The order of this number, or the newest orders of the accounts that are meant."""
    seen = Order.objects.visible_to(actor)
    by_number = _orders(seen.filter(number=text.strip().upper()))
    if by_number:
        return list(by_number.values())
    meant = [account.pk for account in search_accounts(actor, text, MOST_FOUND)]
    return list(_orders(seen.filter(account_id__in=meant).order_by("-id")[:MOST_FOUND]).values())


def identify_order(actor: Actor, public_id: str) -> int | None:
    return _identify(Order.objects.visible_to(actor), public_id)


def _orders(found: Any) -> dict[int, LiveCard]:
    rows = list(found.select_related("site"))
    stuck = workflow.find_needing_people([order.run_id for order in rows if order.run_id and not order.is_closed])
    cards = {}
    for order in rows:
        needs = order.run_id in stuck
        cards[order.pk] = LiveCard(
            order.public_id,
            _("Order %(number)s") % {"number": order.number},
            f"/console/orders/{order.public_id}/",
            _("Needs a person") if needs else str(order.get_state_display()),
            "bad" if needs else _ORDER_TONES.get(order.state, "idle"),
            (order.site.label,),
        )
    return cards


def statements(actor: Actor, statement_ids: Sequence[int]) -> Mapping[int, LiveCard]:
    """Whether each is paid: payments cover the oldest first. Three statements."""
    return _statements(actor, Statement.objects.visible_to(actor).filter(pk__in=statement_ids))


def found_statements(actor: Actor, text: str) -> Sequence[LiveCard]:
    """The newest statements of the accounts that are meant."""
    meant = [account.pk for account in search_accounts(actor, text, MOST_FOUND)]
    rows = Statement.objects.visible_to(actor).filter(account_id__in=meant).order_by("-due_on", "-id")[:MOST_FOUND]
    return list(_statements(actor, rows).values())


def identify_statement(actor: Actor, public_id: str) -> int | None:
    return _identify(Statement.objects.visible_to(actor), public_id)


def describe_statement(statement_id: int) -> tuple[str, str]:
    """Label and address."""
    row: Statement | None = Statement.objects.select_related("account").filter(pk=statement_id).first()
    if row is None:
        return _("A statement that is gone"), ""
    return _label(row), f"/console/accounts/{row.account.public_id}/"


def account_of_statement(statement_id: int) -> int | None:
    found: int | None = Statement.objects.filter(pk=statement_id).values_list("account_id", flat=True).first()
    return found


def _label(statement: Statement) -> str:
    day = date_format(statement.period_from, "SHORT_DATE_FORMAT")
    return _("Statement from %(day)s: %(total)s %(currency)s") % {
        "day": day, "total": statement.total, "currency": statement.currency,
    }  # fmt: skip


def _statements(actor: Actor, found: Any) -> dict[int, LiveCard]:
    rows = list(found.select_related("account"))
    accounts_ = {statement.account_id for statement in rows}
    covered = _covered(accounts_) if rows and actor.holds("subscribers.view_payment") else None
    today, cards = clock.now().date(), {}
    for statement in rows:
        due = _("due %(day)s") % {"day": date_format(statement.due_on, "SHORT_DATE_FORMAT")}
        state, tone = "", "idle"
        if covered is not None:
            late = statement.due_on < today
            state, tone = (
                (_("Paid"), "ok") if statement.pk in covered
                else (_("Overdue"), "bad") if late
                else (_("Open"), "wait")
            )  # fmt: skip
        cards[statement.pk] = LiveCard(
            statement.public_id, _label(statement), f"/console/accounts/{statement.account.public_id}/",
            state, tone, (str(statement.account), due),  # type: ignore[arg-type]
        )  # fmt: skip
    return cards


def _covered(account_ids: Iterable[int]) -> set[int]:
    """Ids of the statements of these accounts that payments cover."""
    ids = list(account_ids)
    left = {key: total for key, (total, _currency) in _summed(Payment.objects.all(), "amount", ids).items()}
    found = set()
    rows = Statement.objects.filter(account_id__in=ids).order_by("account_id", "due_on", "id")
    for pk, account_id, total in rows.values_list("pk", "account_id", "total"):
        left[account_id] = left.get(account_id, _NOTHING) - total
        if left[account_id] >= 0:
            found.add(pk)
    return found


def _identify(rows: Any, public_id: str) -> int | None:
    found: int | None = rows.filter(public_id=public_id).values_list("pk", flat=True).first()
    return found
