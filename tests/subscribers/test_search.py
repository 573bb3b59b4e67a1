"""A CSR finds the account by whatever the caller has in hand."""

from __future__ import annotations

import copy

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from boss.core.actors import Actor, Grant
from boss.tenancy.services import sites
from subscribers.account_search import search_accounts
from subscribers.contact import ContactDetails
from subscribers.models import Account, NameWord, Subscription
from subscribers.normalise import address_keys, deletions, is_one_edit_away, name_keys, name_words, phone_digits
from subscribers.search import read
from subscribers.services import accounts, portal_users
from tests.cast import actor_of

WORDS = st.text("abcde", min_size=1, max_size=6)


@pytest.fixture
def people(customer, site, plan):
    return [
        customer("Maria Elena Ortiz", email="maria@home.example", phone="+1 555 555 0100", at=site, plan=plan),
        customer("Mario O'Ortiz", email="mario@work.example", phone="555-555-0199"),
        customer("Zoë Müller", email="zoe@home.example", phone="+49 30 5550 0123"),
        customer("Ortiz Hardware", email="shop@ortiz.example", phone="5555550177"),
    ]


def found(actor, text):
    return [account.name for account in search_accounts(actor, text)]


@pytest.mark.parametrize(
    ("typed", "shape", "text"),
    [
        ("a-10001", "number", "A-10001"),
        ("A10001", "number", "A-10001"),
        ("(555) 555-0100", "digits", "5555550100"),
        ("+1 555.555.0100", "digits", "15555550100"),
        ("Maria@home", "email", "maria@home"),
        ("412 Elm Street", "address", "412 elm st"),
        ("elm street 412", "address", "412 elm st"),
        ("  Ortiz,  María ", "name", "ortiz maria"),
        ("m", "nothing", ""),
        ("%", "nothing", ""),
        ("", "nothing", ""),
    ],
)
def test_the_shape_of_what_is_typed_says_what_is_meant(typed, shape, text):
    assert (read(typed).shape, read(typed).text) == (shape, text)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("maria", "Maria Elena Ortiz"),
        ("Maria Elena Or", "Maria Elena Ortiz"),
        ("Maria Ortiz", "Maria Elena Ortiz"),
        ("ortiz maria", "Maria Elena Ortiz"),
        ("muller", "Zoë Müller"),
        ("MÜLLER", "Zoë Müller"),
        ("zoe m", "Zoë Müller"),
        ("5555550100", "Maria Elena Ortiz"),
        ("+1 (555) 555-0100", "Maria Elena Ortiz"),
        ("555-0100", "Maria Elena Ortiz"),
        ("1 555 555 0199", "Mario O'Ortiz"),
        ("maria@", "Maria Elena Ortiz"),
        ("ZOE@home.example", "Zoë Müller"),
        ("412 elm", "Maria Elena Ortiz"),
        ("Elm Street 412", "Maria Elena Ortiz"),
        ("elm st", "Maria Elena Ortiz"),
    ],
)
def test_bob_finds_the_account_by(people, bob, typed, name):
    assert name in found(bob, typed)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("mraia ortiz", "Maria Elena Ortiz"),
        ("maria ortoz", "Maria Elena Ortiz"),
        ("muler", "Zoë Müller"),
        ("zoe mmuller", "Zoë Müller"),
        ("hardwaer ortiz", "Ortiz Hardware"),
    ],
)
def test_one_slip_in_a_name_is_forgiven(people, bob, typed, name):
    assert name in found(bob, typed)


def test_the_number_finds_exactly_one(people, bob):
    for account in people:
        assert [row.pk for row in search_accounts(bob, account.number)] == [account.pk]
        assert search_accounts(bob, account.number.removeprefix("A-"))[0].pk == account.pk


def test_a_last_name_finds_people_of_that_name_whichever_way_it_was_written(people, bob):
    assert set(found(bob, "ortiz")) == {"Maria Elena Ortiz", "Ortiz Hardware"}


def test_another_person_of_the_account_leads_to_it(people, bob, system):
    accounts.add_contact(
        actor=system, account=people[3], contact=ContactDetails("Hanna Berg", "hanna@x.example", "5555551212"), part="x"
    )
    assert found(bob, "hanna") == found(bob, "berg ha") == found(bob, "hanna@") == ["Ortiz Hardware"]
    assert found(bob, "555 555 1212") == ["Ortiz Hardware"]
    rights = frozenset({"subscribers.view_account"})
    without = Actor(bob.realm_id, "user", "Tom", 1, (Grant(rights, "realm"),))
    assert found(without, "hanna") == found(without, "hanna@") == found(without, "555 555 1212") == []


def test_a_changed_name_is_found_and_the_old_one_is_not(people, bob, alice):
    accounts.change(actor=alice, account=people[0], contact=ContactDetails("Maria Vega", "m@x.example", "5555551111"))
    assert found(bob, "vega") == ["Maria Vega"]
    assert "Maria Vega" not in found(bob, "ortiz")
    assert found(bob, "maria@") == []


def test_no_more_than_asked_for_and_each_account_once(customer, bob):
    for number in range(30):
        customer(f"Anna Anna{number:02}")
    names = [account.pk for account in search_accounts(bob, "anna", limit=20)]
    assert len(names) == len(set(names)) == 20


@pytest.mark.parametrize("typed", ["%", "_", "'", "\\", "a%", "';--", "%%%%", "x" * 500, "\U0001f600", "@", "+", "()"])
def test_odd_input_finds_nothing_and_breaks_nothing(people, bob, typed):
    assert search_accounts(bob, typed) == []


def test_charlie_finds_none_of_alpha_s_customers(people, charlie, in_beta):
    with in_beta():
        for typed in ("maria", "muler", "A-10001", "5555550100", "maria@", "412 elm"):
            assert search_accounts(charlie, typed) == []


def test_a_subscriber_finds_only_her_own_account(people, system):
    user, _made = portal_users.ensure(actor=system, account=people[0])
    maria = actor_of(user)
    assert found(maria, "ortiz") == ["Maria Elena Ortiz"]
    assert found(maria, "zoe") == found(maria, people[1].number) == []


def test_a_visitor_finds_nobody(people, visitor):
    assert search_accounts(visitor, "maria") == []


def test_a_search_costs_at_most_four_statements(people, bob):
    for typed in ("maria", "A-10001", "5555550100", "maria@", "412 elm", "mraia", "nobody at all"):
        with CaptureQueriesContext(connection) as queries:
            search_accounts(bob, typed)
        assert len(queries) <= 4, typed


def test_every_branch_is_answered_by_its_index_behind_the_wall(people, bob):
    # Of a handful of rows any index is as good as the other.
    base = Account.objects.get(pk=people[0].pk)
    many = [copy.copy(base) for _number in range(1500)]
    for number, one in enumerate(many):
        one.pk, one.user, one.number, one.public_id = None, None, f"Z-{number}", f"z{number:011d}"
    Account.objects.bulk_create(many)
    homes = [copy.copy(Subscription.objects.all()[0]) for _number in range(1500)]
    for number, home in enumerate(homes):
        home.pk, home.public_id, home.address_key = None, f"z{number:011d}", f"{number} pine st"
    Subscription.objects.bulk_create(homes)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        for typed, index in {
            "maria": "subs_account_name",
            "maria@": "subs_account_email",
            "5555550100": "subs_account_phone",
            "412 elm": "subs_subscription_address",
        }.items():
            with CaptureQueriesContext(connection) as queries:
                search_accounts(bob, typed)
            cursor.execute("EXPLAIN " + queries.captured_queries[0]["sql"])
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert index in plan, plan
            condition = [line for line in plan.splitlines() if "Index Cond" in line]
            assert any("_key)::text >=" in line for line in condition), plan


@given(WORDS, WORDS)
def test_two_words_one_edit_apart_share_a_form(left, right):
    if is_one_edit_away(left, right):
        assert deletions(left) & deletions(right)


@given(WORDS, st.integers(0, 5), st.sampled_from("abcdez"), st.sampled_from(["insert", "drop", "replace", "swap"]))
def test_every_single_slip_counts_as_one(word, at, letter, slip):
    at = min(at, len(word) - 1)
    wrong = {
        "insert": word[:at] + letter + word[at:],
        "drop": word[:at] + word[at + 1 :],
        "replace": word[:at] + letter + word[at + 1 :],
        "swap": word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :],
    }[slip]
    assert is_one_edit_away(word, wrong)
    assert is_one_edit_away(wrong, word)


def test_comparable_forms():
    assert name_words("O'Brien, María-José Straße") == ["obrien", "maria", "jose", "strasse"]
    assert name_keys("Maria Elena Ortiz") == ("maria elena ortiz", "ortiz maria elena")
    assert phone_digits("+1 (555) 010-0123") == "15550100123"
    assert address_keys("412 Elm Street", "Apt 3") == ("412 elm st #3", "elm st 412 #3")


def test_an_address_with_a_unit_is_found(customer, plan, system, bob):
    site = sites.create(
        actor=system, street="9 Lake Road", unit="3B", city="Lakeview", technology="hfc", access_node="n"
    )
    customer("Unit Person", at=site, plan=plan)
    assert found(bob, "9 lake road") == found(bob, "9 Lake Rd apt 3b") == ["Unit Person"]


def test_the_vocabulary_holds_each_word_once(customer):
    customer("Anna Berg")
    before = NameWord.objects.count()
    customer("Berg Anna")
    assert NameWord.objects.count() == before
    assert Account.objects.count() == 2
