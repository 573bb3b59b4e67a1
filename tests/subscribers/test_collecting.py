"""What is overdue is found by the clock; what is owed is added up to the cent; a payment counts once."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from boss.core import clock, scoping
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.tenancy.services import sites
from catalog import preload
from catalog.services import plans
from subscribers import tasks
from subscribers.choices import ChargeKind
from subscribers.models import Account, Charge, Collection, Order, Statement, Subscription
from subscribers.services import accounts, billing, collecting
from tests.catalog.conftest import small
from tests.subscribers.conftest import MARIA
from workflow.models import Run
from workflow.services import definitions

JUNE, JULY, DUE = dt.date(2026, 6, 1), dt.date(2026, 7, 1), dt.date(2026, 7, 15)
WAIT = {"key": "wait", "title": "Wait", "kind": "wait", "until": {"var": "inputs.wall_at"}}
NON_PAY = {
    "key": "non-pay", "title": "Non-pay", "inputs": [{"key": "wall_at", "type": "datetime"}], "tasks": [WAIT],
}  # fmt: skip


def furnish(realm_id: int) -> Account:
    """An active account that pays 54.95 a month since the middle of June, and 14.95 once; call it in a transaction."""
    system = Actor.system(realm_id)
    preload.load(system)
    version = plans.publish_version(actor=system, key="internet-100", title="Internet 100", version=small())
    site = sites.create(actor=system, street="4 Elm", city="Lake", technology="hfc", access_node="n")
    account = accounts.open(actor=system, contact=MARIA, site=site)
    accounts.activate(actor=system, account=account)
    subscription = Subscription.objects.create(account=account, site=site, plan_version=version)
    order = Order.objects.create(
        number="O-1", account=account, site=site, payment_method="cash", contact_name="M", contact_email="m@x.example",
        contact_phone="1",
    )  # fmt: skip
    for kind, code, amount in ((ChargeKind.RECURRING, "plan:0", "54.95"), (ChargeKind.ONE_TIME, "kit:0", "14.95")):
        Charge.objects.create(
            account=account, subscription=subscription, order=order, kind=kind, code=code, title=code,
            amount=Decimal(amount), total=Decimal(amount), currency="USD", starts_on=dt.date(2026, 6, 16),
        )  # fmt: skip
    definitions.publish(actor=system, document=NON_PAY)
    return account


@pytest.fixture
def account(alpha, system) -> Account:
    return furnish(alpha.pk)


def issue(account: Account, actor: Actor) -> Statement:
    statement = billing.issue(actor=actor, account=account, period_from=JUNE, period_to=JULY, due_on=DUE)
    assert statement is not None
    return statement


def test_a_month_begun_in_the_middle_is_charged_by_the_day_and_written_once(account, system):
    statement = issue(account, system)
    # 15 of 30 days of 54.95, and 14.95 once.
    assert [line["total"] for line in statement.lines] == ["27.48", "14.95"]
    assert statement.total == Decimal("42.43") == billing.balance(account)
    assert issue(account, system) == statement
    july = billing.issue(
        actor=system, account=account, period_from=JULY, period_to=dt.date(2026, 8, 1), due_on=dt.date(2026, 8, 15)
    )
    assert [line["total"] for line in july.lines] == ["54.95"], "once is once"


def test_payments_cover_the_oldest_first_and_count_once(account, system):
    issue(account, system)
    for _twice in range(2):
        billing.receive(actor=system, account=account, amount=Decimal("40"), paid_by="bank", key="b-1")
    assert billing.overdue(account, DUE) is None, "it is due until the end of the day"
    assert billing.overdue(account, DUE + dt.timedelta(days=1)) == billing.Overdue(DUE, Decimal("2.43"))
    billing.receive(actor=system, account=account, amount=Decimal("2.43"), paid_by="cash")
    assert billing.overdue(account, dt.date(2027, 1, 1)) is None


@pytest.mark.parametrize(("wrong", "field"), [({"amount": Decimal("0")}, "amount"), ({"paid_by": "shells"}, "paid_by")])
def test_no_payment_is_taken_that_is_none(account, system, wrong, field):
    with pytest.raises(InvalidInput) as refused:
        billing.receive(**{"actor": system, "account": account, "amount": Decimal("1"), "paid_by": "cash", **wrong})
    assert set(refused.value.fields) == {field}


def test_bob_takes_no_money_and_charlie_sees_none(account, bob, charlie, system, in_beta):
    issue(account, system)
    with pytest.raises(PermissionDenied):
        billing.receive(actor=bob, account=account, amount=Decimal("1"), paid_by="cash")
    with in_beta():
        assert not Statement.objects.visible_to(charlie).exists()


def test_an_account_has_one_open_case(account, system):
    first = collecting.open(actor=system, account=account, overdue_since=DUE, amount=Decimal("42.43"))
    assert collecting.open(actor=system, account=account, overdue_since=DUE, amount=Decimal("42.43")) == first
    assert Run.objects.get().subject == ("subscribers.collection", first.pk)


def test_nobody_is_walled_in_on_the_day_he_is_warned(account, system):
    today = clock.today()
    collecting.open(actor=system, account=account, overdue_since=today - dt.timedelta(days=90), amount=Decimal("1"))
    inputs = Run.objects.get().inputs
    assert inputs["wall_at"][:10] == (today + dt.timedelta(days=10)).isoformat()
    assert inputs["disconnect_at"][:10] == (today + dt.timedelta(days=35)).isoformat()


def test_the_clock_opens_a_case_on_the_tenth_day_and_not_before(real_db, cast):
    realm_id = cast.alpha.pk
    today = clock.today()
    with scoping.realm_transaction(realm_id):
        account = furnish(realm_id)
        billing.issue(
            actor=Actor.system(realm_id), account=account, period_from=JUNE, period_to=JULY,
            due_on=today - dt.timedelta(days=9),
        )  # fmt: skip
    assert tasks.collect() == 0
    with clock.moved(dt.timedelta(days=1)):
        assert tasks.collect() == 1
        assert tasks.collect() == 0
    with scoping.realm_transaction(realm_id):
        case = Collection.objects.get()
        assert (case.state, case.amount) == ("open", Decimal("42.43"))
        billing.receive(actor=Actor.system(realm_id), account=account, amount=Decimal("42.43"), paid_by="cash")
        assert Run.objects.get(pk=case.run_id).state == "reversed"
        assert Collection.objects.get().state == "settled"


def test_the_clock_bills_last_month(real_db, cast):
    realm_id = cast.alpha.pk
    with scoping.realm_transaction(realm_id):
        account = furnish(realm_id)
        Charge.objects.update(starts_on=dt.date(2026, 1, 1))
    assert tasks.bill() == 1
    assert tasks.bill() == 1, "the same statement again"
    with scoping.realm_transaction(realm_id):
        statement = Statement.objects.get(account=account)
        assert statement.period_to == clock.today().replace(day=1)
        assert statement.total == Decimal("54.95")
