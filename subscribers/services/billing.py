"""Statements and payments: what an account owes, since when, and what came in. Taxes and dunning letters of a
billing system are an integration's; this is what the non-pay workflow stands on.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from boss.core import audit, events, locks
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy import selectors as tenancy
from subscribers import events as facts
from subscribers.choices import ChargeKind, ChargeState, PaidBy
from subscribers.models import Account, Charge, Payment, Statement
from subscribers.services import collecting

CENT = Decimal("0.01")
NOTHING = Decimal("0.00")


@service
def issue(
    *, actor: Actor, account: Account, period_from: dt.date, period_to: dt.date, due_on: dt.date
) -> Statement | None:
    """Write the account's statement for ``[period_from, period_to)``; None when it owes nothing for these days.

    Monthly charges count by the days they ran, one-time charges once, on the day they began. The same period again
    gives the first statement. Raises :class:`InvalidInput`.
    """
    account = Account.objects.select_for_update(of=("self",)).get(pk=account.pk)

    require(actor, "subscribers.collect", account)

    if period_to <= period_from:
        raise InvalidInput(fields={"period_to": [_("The period ends before it begins.")]})
    first: Statement | None = Statement.objects.filter(account=account, period_from=period_from).first()
    if first is not None:
        return first
    lines = [(charge, _share(charge, period_from, period_to)) for charge in _owed(account, period_from, period_to)]
    lines = [(charge, amount) for charge, amount in lines if amount]
    if not lines:
        return None

    statement: Statement = Statement.objects.create(
        account=account,
        period_from=period_from,
        period_to=period_to,
        due_on=due_on,
        lines=[{"title": charge.title, "total": str(amount)} for charge, amount in lines],
        total=sum((amount for _charge, amount in lines), NOTHING),
        currency=tenancy.get_realm(actor.realm_id).currency,
    )

    audit.record(actor=actor, action="statement.issued", subject=account, after={"total": str(statement.total)})
    return statement


@service
def receive(
    *, actor: Actor, account: Account, amount: Decimal, paid_by: str, reference: str = "", key: str | None = None
) -> Payment:
    """Write down money that came in. When nothing is overdue any more, the account's case is settled: what the case
    has done so far is undone, whatever that is. The same ``key`` counts once. Raises :class:`InvalidInput`.
    """
    if key is not None:
        locks.hold(f"subscribers.payment:{key}")
        first: Payment | None = Payment.objects.filter(key=key).first()
        if first is not None:
            return first
    account = Account.objects.select_for_update(of=("self",)).get(pk=account.pk)

    require(actor, "subscribers.collect", account)

    faults = {}
    if amount <= 0:
        faults["amount"] = [_("Enter an amount above zero.")]
    if paid_by not in PaidBy.values:
        faults["paid_by"] = [_("Choose one of these.")]
    if faults:
        raise InvalidInput(fields=faults)

    payment: Payment = Payment.objects.create(
        account=account,
        amount=amount.quantize(CENT, ROUND_HALF_UP),
        currency=tenancy.get_realm(actor.realm_id).currency,
        paid_by=paid_by,
        reference=reference[:100],
        key=key,
    )

    audit.record(actor=actor, action="payment.received", subject=account, after={"amount": str(payment.amount)})
    events.publish(facts.PaymentReceived(payment_id=payment.pk))
    if overdue(account, _day_of(payment)) is None:
        collecting.settle(actor=actor, account=account)
    return payment


@dataclass(frozen=True, slots=True)
class Overdue:
    """``amount`` was due on ``since`` or later, and has not come."""

    since: dt.date
    amount: Decimal


def balance(account: Account) -> Decimal:
    """What the account owes by its statements; negative when it has paid ahead."""
    return _sum(Statement.objects.filter(account=account), "total") - _sum(
        Payment.objects.filter(account=account), "amount"
    )


def overdue(account: Account, today: dt.date) -> Overdue | None:
    """What should have been paid before ``today``. Payments cover the oldest statements first."""
    paid = _sum(Payment.objects.filter(account=account), "amount")
    since, amount = None, NOTHING
    for statement in Statement.objects.filter(account=account, due_on__lt=today).order_by("due_on", "id"):
        covered = min(paid, statement.total)
        paid -= covered
        if covered < statement.total:
            since = since or statement.due_on
            amount += statement.total - covered
    return Overdue(since, amount) if since is not None else None


def _owed(account: Account, period_from: dt.date, period_to: dt.date) -> list[Charge]:
    charges = Charge.objects.filter(account=account, starts_on__lt=period_to).exclude(state=ChargeState.REVERSED)
    running = Q(kind=ChargeKind.RECURRING) & (Q(ends_on=None) | Q(ends_on__gt=period_from))
    once = Q(kind=ChargeKind.ONE_TIME, starts_on__gte=period_from)
    return list(charges.filter(running | once).order_by("id"))


def _share(charge: Charge, period_from: dt.date, period_to: dt.date) -> Decimal:
    if charge.kind == ChargeKind.ONE_TIME:
        return charge.total
    begins, ends = max(charge.starts_on, period_from), min(charge.ends_on or period_to, period_to)
    share = charge.total * max(0, (ends - begins).days) / (period_to - period_from).days
    return share.quantize(CENT, ROUND_HALF_UP)


def _day_of(payment: Payment) -> dt.date:
    return payment.received_at.date()


def _sum(rows: object, column: str) -> Decimal:
    return rows.aggregate(all=Sum(column))["all"] or NOTHING  # type: ignore[attr-defined, no-any-return]
