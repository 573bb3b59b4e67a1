"""What the second wall costs: the same statements with row-level security and without, at a million rows.

``python3 manage.py test tests/benchmarks/bench_walls.py -s``; ``BOSS_BENCH_ROWS`` changes the 1,000,000. The goal is
security.md's: at most 1.25 × per request. Both variants run in turn, statement by statement, on two connections of
one database: with the wall as ``boss_app``, without it as the owner, for whom the policies do not count. What is left
is the wall: the tables, indexes, plans' statistics and the machine's other work are the same for both.
"""

from __future__ import annotations

import functools
import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections, transaction

from boss.core import scoping
from boss.core.actors import Actor, Grant
from boss.core.scoping import Scope
from tests.benchmarks.frame import measure, median, milliseconds
from tests.tenancy.planting import ALPHA, Planter

ROWS = int(os.environ.get("BOSS_BENCH_ROWS", "1000000"))
ROUNDS = 300
SEED = 20261130
SMALL_REALMS = 99
"""The first realm has half of the rows, these the other half."""

STATEMENTS = {
    "by key": "SELECT * FROM ticketing_ticket WHERE realm_id = {realm} AND id = {id}",
    "the newest 50": "SELECT * FROM ticketing_ticket WHERE realm_id = {realm} ORDER BY id DESC LIMIT 50",
    "20 of a site": "SELECT * FROM ticketing_ticket WHERE realm_id = {realm} AND site_id = {site} LIMIT 20",
    "number": "SELECT * FROM ticketing_ticket WHERE realm_id = {realm} AND number = '{number}'",
    "count by state": "SELECT state, count(*) FROM ticketing_ticket WHERE realm_id = {realm} GROUP BY state",
}
HEAVY = ("count by state",)


class Rows:
    """A million tickets in a hundred realms, written past constraints that ask for a whole provider around each."""

    def __init__(self) -> None:
        self.realm = ALPHA
        Planter(indexes=True).many(
            "ticketing_ticket", ROWS,
            realm=f"CASE WHEN n % 2 = 0 THEN {ALPHA} ELSE {ALPHA} + 1 + n % {SMALL_REALMS} END",
            number="'T-' || n", site_id="1 + n / 20", requester_id="1 + n / 10", organization_id="1 + n / 1000",
            state="(ARRAY['new','assigned','done'])[1 + n % 3]", dedupe_key="''",
        )  # fmt: skip

    def question(self, chance: random.Random) -> dict[str, Any]:
        n = 2 * chance.randrange(1, ROWS // 2)
        return {"realm": self.realm, "id": n, "site": 1 + n // 20, "number": f"T-{n}"}


def asked(alias: str, statement: str) -> Callable[[], None]:
    def run() -> None:
        with connections[alias].cursor() as cursor:
            cursor.execute(statement)
            cursor.fetchall()

    return run


@pytest.mark.timeout(1800)
def test_the_second_wall_costs_little(real_db: str) -> None:
    rows, chance = Rows(), random.Random(SEED)
    walled = Scope(rows.realm, "bench")
    requests: dict[str, list[float]] = {"default": [], "owner": []}
    with scoping.realm_transaction(rows.realm, "bench"):
        for name, statement in STATEMENTS.items():
            spent: dict[str, list[float]] = {"default": [], "owner": []}
            for turn in range(20 if name in HEAVY else ROUNDS):
                sql = statement.format(**rows.question(chance))
                for alias in ("default", "owner") if turn % 2 else ("owner", "default"):
                    spent[alias].append(milliseconds(asked(alias, sql)))
            with_wall, without = median(spent["default"][5:]), median(spent["owner"][5:])
            measure(f"walls.{name}", with_wall, "ms", "the same without policies", with_wall / without)
    # A request: a transaction, the realm said first, eight reads; without the wall the same transaction and reads.
    reads = [STATEMENTS[name] for name in STATEMENTS if name not in HEAVY] * 2
    for turn in range(ROUNDS):
        question = rows.question(chance)
        for alias in ("default", "owner") if turn % 2 else ("owner", "default"):
            requests[alias].append(milliseconds(functools.partial(one_request, alias, walled, reads, question)))
    ratio = median(requests["default"][5:]) / median(requests["owner"][5:])
    measure("walls.request", median(requests["default"][5:]), "ms", "the same request without walls", ratio)
    customers_reading(rows, chance)
    owners_reading(rows, chance)
    assert ratio <= 1.25


def one_request(alias: str, scope: Scope, reads: list[str], question: dict[str, Any]) -> None:
    with scoping.enter(scope), transaction.atomic(using=alias):
        for statement in reads:
            asked(alias, statement.format(**question))()


def customers_reading(rows: Rows, chance: random.Random) -> None:
    """A customer's own tickets as ``boss_portal``, against the same statement as ``boss_app``."""
    narrowed(rows, chance, "customers_own", "requester_id", 10, lambda of: Actor(rows.realm, "user", "bench", of))


def owners_reading(rows: Rows, chance: random.Random) -> None:
    """The same for a contact with an organization's tickets."""

    def contact(of: int) -> Actor:
        may = frozenset({"ticketing.view_ticket"})
        return Actor(rows.realm, "user", "bench", 0, (Grant(may, "organization", of),))

    narrowed(rows, chance, "owners_organization", "organization_id", 1000, contact)


def narrowed(
    rows: Rows, chance: random.Random, name: str, column: str, each: int, actor: Callable[[int], Actor]
) -> None:
    spent: dict[bool, list[float]] = {True: [], False: []}
    statement = "SELECT * FROM ticketing_ticket WHERE realm_id = {realm} AND {column} = {of} ORDER BY id DESC LIMIT 20"
    with scoping.realm_transaction(rows.realm, "bench"):
        for turn in range(ROUNDS):
            of = 1 + rows.question(chance)["id"] // each
            sql = statement.format(realm=rows.realm, column=column, of=of)
            for as_customer in (True, False) if turn % 2 else (False, True):
                if as_customer:
                    with scoping.as_customer(actor(of)):
                        spent[True].append(milliseconds(asked("default", sql)))
                else:
                    spent[False].append(milliseconds(asked("default", sql)))
    with_role, without = median(spent[True][5:]), median(spent[False][5:])
    measure(f"walls.{name}", with_role, "ms", "the same as boss_app", with_role / without)
