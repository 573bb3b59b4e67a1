"""Accounts open, change and close; charges and card holds begin and are taken back without a trace in effect."""

from __future__ import annotations

from decimal import Decimal

import pytest

from boss.core import audit
from boss.core.actors import Actor, Grant
from boss.core.models import Fact
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from subscribers import selectors
from subscribers.adapters.sandbox import SandboxCredit, SandboxPayment
from subscribers.contact import ContactDetails
from subscribers.errors import AccountInUse, PortUnreachable, UnknownAccount
from subscribers.models import Account
from subscribers.services import accounts, portal_users
from tests.cast import actor_of, make_user
from tests.subscribers.conftest import MARIA


def test_bob_opens_an_account_and_it_gets_a_number(alpha, bob):
    first = accounts.open(actor=bob, contact=MARIA)
    second = accounts.open(actor=bob, contact=MARIA)
    assert (first.number, second.number, first.state) == ("A-10001", "A-10002", "pending")
    assert (first.email, first.phone) == ("maria@home.example", "+15555550100")
    assert audit.list_for(first).get().action == "account.opened"


@pytest.mark.parametrize(
    ("contact", "fields"),
    [
        (ContactDetails("", "", ""), {"full_name", "email", "phone"}),
        (ContactDetails("Maria", "maria@", "+15555550100"), {"email"}),
        (ContactDetails("Maria", "maria@home.example", "call me"), {"phone"}),
        (ContactDetails("Maria", "maria@home.example", "12345"), {"phone"}),
        (ContactDetails("Maria", "maria@home.example", "1234567890123456"), {"phone"}),
        (ContactDetails("M" * 121, "maria@home.example", "+15555550100"), {"full_name"}),
        (ContactDetails(" - ", "maria@home.example", "+15555550100"), {"full_name"}),
    ],
)
def test_wrong_details_are_told_beside_their_field_and_nothing_is_written(alpha, bob, contact, fields):
    with pytest.raises(InvalidInput) as refused:
        accounts.open(actor=bob, contact=contact)
    assert set(refused.value.fields) == fields
    assert not Account.objects.exists()


def test_a_technician_opens_no_account(cast, alpha):
    technician = actor_of(make_user(cast.alpha, "tech@alpha.example", "Tech", "field_technician"))
    with pytest.raises(PermissionDenied):
        accounts.open(actor=technician, contact=MARIA)
    assert not Account.objects.exists()


def test_a_pin_proves_the_caller_and_is_not_readable(customer, bob):
    account = accounts.set_pin(actor=bob, account=customer("Maria Ortiz"), pin="4711")
    assert accounts.pin_is_right(account, "4711")
    assert not accounts.pin_is_right(account, "0000")
    assert "4711" not in account.pin_hash
    with pytest.raises(InvalidInput):
        accounts.set_pin(actor=bob, account=account, pin="abc")


def test_activating_twice_is_activating_once(customer, bob):
    account = customer("Maria Ortiz")
    assert accounts.activate(actor=bob, account=account) is True
    assert accounts.activate(actor=bob, account=account) is False
    assert Fact.objects.filter(name="subscribers.account_activated").count() == 1


def test_an_account_with_service_is_not_closed(customer, site, plan, alice):
    account = customer("Maria Ortiz", at=site, plan=plan)
    with pytest.raises(AccountInUse):
        accounts.close(actor=alice, account=account)
    assert Account.objects.get(pk=account.pk).state == "pending"


def test_an_account_without_service_is_closed_once(customer, alice):
    account = accounts.close(actor=alice, account=customer("Maria Ortiz"))
    assert (account.state, account.closed_at is not None) == ("closed", True)
    assert accounts.close(actor=alice, account=account).closed_at == account.closed_at


def test_charlie_sees_no_account_of_alpha(customer, charlie, in_beta):
    account = customer("Maria Ortiz")
    with in_beta():
        assert list(selectors.list_accounts(charlie)) == []
        with pytest.raises(UnknownAccount):
            selectors.get_account(charlie, account.public_id)


def test_a_subscriber_sees_her_own_account_and_no_other(customer, system, cast):
    mine, other = customer("Maria Ortiz", email="maria@home.example"), customer("Ben Other")
    user, made = portal_users.ensure(actor=system, account=mine)
    actor = actor_of(user)
    assert made
    assert [account.pk for account in selectors.list_accounts(actor)] == [mine.pk]
    assert selectors.find_my_account(actor).pk == mine.pk
    with pytest.raises(UnknownAccount):
        selectors.get_account(actor, other.public_id)


def test_staff_have_no_account_of_their_own(customer, bob):
    customer("Maria Ortiz")
    assert selectors.find_my_account(bob) is None
    assert list(selectors.list_my_orders(bob)) == []


def test_the_people_of_an_account_are_shown_to_those_who_may_see_contacts(customer, bob, system, alpha):
    account = customer("Ortiz Hardware")
    hanna = ContactDetails("Hanna Berg", "hanna@x.example", "5555551212")
    row = accounts.add_contact(actor=system, account=account, contact=hanna)
    assert selectors.account_360(bob, account).contacts == [row]
    rights = frozenset({"subscribers.view_account"})
    without = Actor(alpha.pk, "user", "Tom", 1, (Grant(rights, "realm"),))
    assert selectors.account_360(without, account).contacts == []
    elsewhere = Grant(frozenset({"subscribers.view_accountcontact"}), "organization", 987_654)
    narrow = Actor(alpha.pk, "user", "Olga", 1, (Grant(rights, "realm"), elsewhere))
    assert selectors.account_360(narrow, account).contacts == []


def test_an_account_s_page_is_few_statements(customer, site, plan, bob, django_assert_max_num_queries):
    account = customer("Maria Ortiz", at=site, plan=plan)
    with django_assert_max_num_queries(6):
        picture = selectors.account_360(bob, account)
    assert len(picture.subscriptions) == 1
    assert picture.monthly == {}


def test_the_sandbox_answers_a_repeated_key_with_the_first_answer():
    payment = SandboxPayment()
    ask = {"token": "tok_ok", "amount": Decimal("1.00"), "currency": "USD"}
    assert payment.preauthorize(**ask, key="k") == payment.preauthorize(**ask, key="k")
    assert payment.preauthorize(**ask, key="k") != payment.preauthorize(**ask, key="other")
    assert not payment.preauthorize(**{**ask, "token": "tok_declined"}, key="k").approved
    with pytest.raises(PortUnreachable):
        payment.preauthorize(**{**ask, "token": "tok_down"}, key="k")


def test_the_sandbox_bureau_refuses_people_named_declined():
    bureau = SandboxCredit()
    ask = {"email": "x@home.example", "address": "412 Elm", "key": "k"}
    assert bureau.check(full_name="Maria Ortiz", **ask).approved
    assert not bureau.check(full_name="Dan Declined", **ask).approved
