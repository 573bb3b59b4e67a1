"""What a ticket's panel says of accounts, orders and statements: as they stand, and only to who may see them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from subscribers import live
from subscribers.models import Account, Order
from subscribers.services import billing
from tests.cast import actor_of, make_user
from tests.subscribers.test_collecting import furnish, issue
from ticketing.registry import subject_kinds


@pytest.fixture
def account(alpha, system) -> Account:
    return furnish(alpha.pk)


@pytest.fixture
def dana(cast):
    """A subscriber, of no account here."""
    return actor_of(make_user(cast.alpha, "dana@home.example", "Dana", "subscriber", kind="subscriber", own=True))


def test_an_account_says_its_state_and_what_is_open(account, system, bob):
    assert live.accounts(bob, [account.pk])[account.pk].lines == ()
    statement = issue(account, system)
    card = live.accounts(bob, [account.pk])[account.pk]
    assert (str(card.state), card.tone, card.lines) == ("Active", "ok", ("42.43 USD open",))
    assert card.public_id == account.public_id and account.name in card.label

    overdue = live.statements(bob, [statement.pk])[statement.pk]
    assert (str(overdue.state), overdue.tone) == ("Overdue", "bad")
    billing.receive(actor=system, account=account, amount=Decimal("50"), paid_by="bank", key="b-1")
    assert live.accounts(bob, [account.pk])[account.pk].lines == ("7.57 USD paid ahead",)
    assert str(live.statements(bob, [statement.pk])[statement.pk].state) == "Paid"


def test_payments_cover_the_oldest_statement_first(account, system, bob):
    june = issue(account, system)
    july = billing.issue(
        actor=system, account=account, period_from=dt.date(2026, 7, 1), period_to=dt.date(2026, 8, 1),
        due_on=dt.date(2026, 8, 15),
    )  # fmt: skip
    billing.receive(actor=system, account=account, amount=june.total, paid_by="bank", key="b-1")
    told = {pk: str(card.state) for pk, card in live.statements(bob, [june.pk, july.pk]).items()}
    assert told == {june.pk: "Paid", july.pk: "Overdue"}


def test_who_may_not_see_a_thing_is_not_told_its_name(account, system, dana, charlie):
    statement, order = issue(account, system), Order.objects.get()
    for actor in (dana, charlie):
        assert live.accounts(actor, [account.pk]) == {} and live.orders(actor, [order.pk]) == {}
        assert live.statements(actor, [statement.pk]) == {}
        assert live.found_accounts(actor, account.number) == [] and live.found_orders(actor, order.number) == []
        assert live.identify_account(actor, account.public_id) is None
        assert live.identify_order(actor, order.public_id) is None
        assert live.identify_statement(actor, statement.public_id) is None


def test_orders_and_statements_are_found_by_number_and_by_account(account, system, bob):
    statement, order = issue(account, system), Order.objects.get()
    for typed in (order.number, account.number):
        assert [card.public_id for card in live.found_orders(bob, typed)] == [order.public_id]
    assert [card.public_id for card in live.found_statements(bob, account.number)] == [statement.public_id]
    assert [card.public_id for card in live.found_accounts(bob, account.number)] == [account.public_id]
    assert str(live.orders(bob, [order.pk])[order.pk].state) == "Received"


def test_many_cost_as_much_as_one(account, customer, site, bob, django_assert_num_queries):
    others = [customer(f"Somebody {number}", at=site) for number in range(3)]
    with django_assert_num_queries(3):
        live.accounts(bob, [account.pk])
    with django_assert_num_queries(3):
        assert len(live.accounts(bob, [account.pk, *(each.pk for each in others)])) == 4


def test_every_kind_that_is_offered_can_be_looked_for_and_shown(alpha, bob):
    for key, kind in subject_kinds:
        if kind.is_linkable and not key.startswith("tests."):
            assert kind.identify(bob, "nosuchthing0") is None and kind.live(bob, [0]) == {}, key
            assert list(kind.search(bob, "no such thing")) == [], key
