"""Behind row-level security every search still goes by an index: asked of the planner, at fifty thousand rows a table.

Half of them are one realm's. Nothing is switched off: what is seen is the plan that the application role gets.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from boss.core import audit_trail, scoping
from boss.core.actors import Actor, Grant
from boss.platform.testing import databases
from boss.tenancy import policies
from boss.tenancy import selectors as tenancy
from subscribers import selectors as subscribers
from subscribers.account_search import search_accounts
from tests.tenancy.planting import ALPHA, Planter
from ticketing import selectors as ticketing

ROWS = 50_000
BIG = (
    "tenancy_site", "tenancy_user", "subscribers_account", "subscribers_accountcontact", "subscribers_subscription",
    "subscribers_order", "subscribers_nameword", "ticketing_ticket", "core_auditentry",
)  # fmt: skip
STAFF = Actor(ALPHA, "user", "Alice", 1, (Grant(policies.BUILT_IN["realm_admin"].permissions, "realm"),))

NAME = "(ARRAY['maria','mario','zoe','uwe','ben','alma','nora','kurt'])[1 + n % 8] || ' ' || chr(97 + n % 26) || n"
BACK = "chr(97 + n % 26) || n || ' ' || (ARRAY['maria','mario','zoe','uwe','ben','alma','nora','kurt'])[1 + n % 8]"


@pytest.fixture(scope="module")
def crowd(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), databases.fresh_database():
        planter = Planter(indexes=True)
        planter.many("tenancy_site", ROWS, street="n || ' Elm Street'", address_norm="n || ' elm st lake'")
        planter.many(
            "tenancy_user", ROWS, email="'p' || n || '@mail.example'", email_norm="'p' || n || '@mail.example'",
            full_name=NAME, kind="'subscriber'", site_id="n", organization_id="NULL", login_key="gen_random_uuid()",
        )  # fmt: skip
        keys = {"name_key": NAME, "name_key_back": BACK, "email_key": "'p' || n || '@mail.example'"}
        phone = {"phone_key": "(15550000000 + n)::text", "phone_key_back": "reverse((15550000000 + n)::text)"}
        planter.many(
            "subscribers_account", ROWS, number="'A-' || n", name=NAME, state="'active'", site_id="n", user_id="n",
            organization_id="1 + n / 100", **keys, **phone,
        )  # fmt: skip
        planter.many(
            "subscribers_accountcontact", ROWS // 2, account_id="n", **keys, phone_key_back=phone["phone_key_back"]
        )
        planter.many(
            "subscribers_subscription", ROWS, account_id="n", site_id="n", address_key="n || ' elm st'",
            street_key="'elm st ' || n", state="'active'",
        )  # fmt: skip
        planter.many(
            "subscribers_order", ROWS // 2, account_id="n", site_id="n", number="'O-' || n", submission_key="n"
        )
        planter.many("subscribers_nameword", ROWS // 2, form="'w' || n", word="'w' || n || 'x'")
        planter.many(
            "ticketing_ticket", ROWS, number="'T-' || n", site_id="n", requester_id="n", organization_id="1 + n / 100",
            state="'new'", dedupe_key="''",
        )  # fmt: skip
        planter.many("core_auditentry", ROWS // 2, at="now() - n * interval '1 minute'", actor_id="n", subject_id="n")
        yield


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from steps(below)


def whole_tables_read(
    search: Callable[[Actor], Any], actor: Actor, *, as_customer: bool = False
) -> tuple[int, list[str]]:
    """How many statements it asked, and the big tables that any of them reads from end to end."""
    read, asked = [], 0

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal asked
        if sql.lstrip("( ").startswith("SELECT") and any(table in sql for table in BIG):
            asked += 1
            with context["connection"].connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
                plan = cursor.fetchone()[0]
            plan = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
            read.extend(
                f"{step['Relation Name']}: {sql[:200]}"
                for step in steps(plan)
                if step["Node Type"] in ("Seq Scan", "Parallel Seq Scan") and step["Relation Name"] in BIG
            )
        return execute(sql, params, many, context)

    with scoping.realm_transaction(ALPHA, "test"), connection.execute_wrapper(explain):
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user, current_setting('enable_seqscan')")
            assert cursor.fetchone() == ("boss_app", "on")
        if as_customer:
            with scoping.as_customer(actor):
                search(actor)
        else:
            search(actor)
    return asked, read


SEARCHES: dict[str, Callable[[Actor], Any]] = {
    "an account by its number": lambda actor: search_accounts(actor, "a-4000"),
    "an account by digits": lambda actor: search_accounts(actor, "1555000"),
    "an account by its phone from behind": lambda actor: search_accounts(actor, "5550004000"),
    "an account by its e-mail": lambda actor: search_accounts(actor, "p4000@"),
    "an account by its address": lambda actor: search_accounts(actor, "4000 Elm Street"),
    "an account by its street": lambda actor: search_accounts(actor, "elm street"),
    "an account by a name": lambda actor: search_accounts(actor, "maria"),
    "an account by a whole name": lambda actor: search_accounts(actor, "maria c4000"),
    "an account by a mistyped name": lambda actor: search_accounts(actor, "mxaria w40000y"),
    "a ticket by its number": lambda actor: ticketing.find_by_number(actor, "T-4000"),
    "an order by its number": lambda actor: list(subscribers.list_orders(actor).filter(number="O-4000")[:1]),
    "an address at sign-up": lambda actor: tenancy.suggest_sites(actor, "4000 elm"),
    "the newest tickets": lambda actor: list(ticketing.list_tickets(actor)[:50]),
    "the newest people": lambda actor: list(tenancy.list_people(actor).order_by("-id")[:50]),
    "somebody by part of a name": lambda actor: list(
        tenancy.list_people(actor).filter(tenancy.people_called("a40000")).order_by("-id")[:50]
    ),
    "somebody by the beginning of his e-mail": lambda actor: list(
        tenancy.list_people(actor).filter(tenancy.people_called("p4000")).order_by("-id")[:50]
    ),
    "the trail since a day": lambda actor: list(
        audit_trail.find(actor, audit_trail.Wanted(since="2026-01-01")).order_by("-id")[:50]
    ),
}


@pytest.mark.parametrize("what", SEARCHES)
def test_a_search_goes_by_an_index(crowd, what):
    asked, read = whole_tables_read(SEARCHES[what], STAFF)
    assert asked > 0
    assert read == []


CUSTOMERS: dict[str, Callable[[Actor], Any]] = {
    "his tickets": lambda actor: list(ticketing.list_tickets(actor)[:50]),
    "his accounts": lambda actor: list(subscribers.list_accounts(actor)[:50]),
    "his orders": lambda actor: list(subscribers.list_orders(actor)[:50]),
    "himself": lambda actor: list(tenancy.list_people(actor).order_by("-id")[:50]),
}


@pytest.mark.parametrize("what", CUSTOMERS)
def test_what_is_read_for_a_subscriber_goes_by_an_index(crowd, what):
    sam = Actor(ALPHA, "user", "Sam", 4000, (Grant(policies.BUILT_IN["subscriber"].permissions, "own"),))
    asked, read = whole_tables_read(CUSTOMERS[what], sam, as_customer=True)
    assert asked > 0
    assert read == []


OWNERS: dict[str, Callable[[Actor], Any]] = {
    "her tickets": CUSTOMERS["his tickets"],
    "her people": CUSTOMERS["himself"],
    "her buildings": lambda actor: subscribers.list_buildings(actor),
}


@pytest.mark.parametrize("what", OWNERS)
def test_what_is_read_for_an_owner_goes_by_an_index(crowd, what):
    olga = Actor(
        ALPHA, "user", "Olga", 4001, (Grant(policies.BUILT_IN["property_owner"].permissions, "organization", 41),)
    )
    asked, read = whole_tables_read(OWNERS[what], olga, as_customer=True)
    assert asked > 0
    assert read == []


SEARCH = "SELECT search_tenancy_user(%s, 1000)"


def test_a_search_function_reads_little_finds_its_realms_rows_alone_and_takes_letters_as_they_are(crowd):
    with scoping.realm_transaction(ALPHA, "test"), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {SEARCH}", ["a40000"])
        plan = cursor.fetchone()[0]
        plan = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 100  # the table has more than a thousand
        cursor.execute(SEARCH, ["zoe"])
        found = [row[0] for row in cursor.fetchall()]
        assert found == sorted(found, reverse=True) and len(found) == 1000
        assert all(number % 2 == 0 for number in found)  # alpha's; what beta has of the name is beta's
        for letters in ("%%%", "___", "\\\\\\", "a%0", "'; --"):
            cursor.execute(SEARCH, [letters])
            assert cursor.fetchall() == []
    with scoping.enter(None), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SEARCH, ["zoe"])
        assert cursor.fetchall() == []


def test_a_search_function_is_the_applications_alone(crowd):
    nobody = Actor(ALPHA, "user", "Nobody", 1)
    refused = pytest.raises(DatabaseError, match="permission denied for function")
    with refused, scoping.realm_transaction(ALPHA, "test"), scoping.as_customer(nobody), connection.cursor() as cursor:
        cursor.execute(SEARCH, ["zoe"])
