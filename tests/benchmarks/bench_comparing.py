"""Comparisons of 1,000 to 100,000 services at a simulated server, and of host names in one zone of a real PowerDNS.

``make bench ARGS="-k comparing"``; ``BOSS_BENCH_COMPARED`` and ``BOSS_BENCH_NAMES`` change the numbers (several with
commas). One subscription an account; everything is as sold but one service in a thousand, which was changed past BOSS.
Beside each measure stands the bare minimum: the server's own list read through its driver once, and the services'
rows read once. Memory is what the process grew by at its highest, above what it had before.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections
from psycopg import sql

from boss.core import scoping
from boss.platform import addresses
from ipservices.drivers.dns_powerdns import lab as dns_powerdns
from ipservices.labs import Names, SqlServer
from ipservices.models import Binding, Comparison, Finding, Service, SimulatedServer
from ipservices.services import bindings, calls, comparing
from subscribers.models import Subscription
from tests.benchmarks.bench_engine import settle
from tests.benchmarks.frame import measure
from tests.ipservices.comparing import served
from tests.ipservices.conftest import Network, furnish, subscribe
from tests.labs import Labs

COMPARED = [int(one) for one in os.environ.get("BOSS_BENCH_COMPARED", "1000,10000,100000").split(",")]
NAMES = [int(one) for one in os.environ.get("BOSS_BENCH_NAMES", "1000,10000").split(",")]
ONE_WRONG_IN = 1000
ZONE = "subs.bench.example"


@pytest.fixture
def network(real_db: str, cast: Any) -> Network:
    """A realm with one subscription in service, committed."""
    with scoping.realm_transaction(cast.alpha.pk):
        made, plan_version = furnish(cast.alpha)
        found = Network(cast.alpha, made, subscribe(cast.alpha, plan_version), plan=plan_version)
    served(found)
    return found


def multiply(network: Network, family: str, count: int, binding: Binding, name: str, **desired: str) -> None:
    """The account, its subscription and its service of ``family``, ``count`` times; # in a value is the number.

    Inside Postgres: 100,000 rows made in Python would take longer than a transaction may stand still.
    """
    with scoping.realm_transaction(network.realm.pk):
        sold = Subscription.objects.select_related("account").get(pk=network.subscription.pk)
        template = Service.objects.get(family=family, state="active")
    numbers = sql.SQL("generate_series(0, {}) AS numbers(nth)").format(sql.Literal(count - 1))
    public_id = sql.SQL("'b' || lpad(nth::text, 11, '0')")
    into(sold.account, numbers, number=sql.SQL("'B' || nth"), public_id=public_id)
    accounts = sql.SQL("{} JOIN subscribers_account account ON account.number = 'B' || nth").format(numbers)
    into(sold, accounts, account_id=sql.SQL("account.id"), public_id=public_id)
    subscriptions = sql.SQL("{} JOIN subscribers_subscription sold ON sold.account_id = account.id").format(accounts)
    changes = sql.SQL(", ").join(
        sql.SQL("{}, {}").format(sql.Literal(key), _in(value)) for key, value in desired.items()
    )
    into(
        template, subscriptions, account_id=sql.SQL("account.id"), subscription_id=sql.SQL("sold.id"),
        public_id=public_id, name=_in(name), binding_id=sql.Literal(binding.pk),
        desired=sql.SQL("template.desired || jsonb_build_object({})").format(changes),
    )  # fmt: skip
    settle()


def into(row: Any, numbers: sql.Composable, **different: sql.Composable) -> None:
    """New rows like this one, one a number."""
    names = [field.column for field in row._meta.concrete_fields if not field.primary_key]
    values = [different.get(name, sql.SQL("template.{}").format(sql.Identifier(name))) for name in names]
    table = sql.Identifier(row._meta.db_table)
    as_admin(
        sql.SQL("INSERT INTO {0} ({1}) SELECT {2} FROM {0} template CROSS JOIN {3} WHERE template.id = {4}").format(
            table, sql.SQL(", ").join(map(sql.Identifier, names)), sql.SQL(", ").join(values), numbers,
            sql.Literal(row.pk),
        )
    )  # fmt: skip


def as_admin(statement: sql.Composable) -> None:
    database = str(connections["owner"].settings_dict["NAME"])
    dsn = psycopg.conninfo.make_conninfo(addresses.admin_dsn(), dbname=database)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement)


def _in(value: str) -> sql.Composable:
    head, sign, tail = value.partition("#")
    if not sign:
        return sql.Literal(value)
    return sql.SQL("{} || nth || {}").format(sql.Literal(head), sql.Literal(tail))


def wrong(number: int) -> bool:
    return number % ONE_WRONG_IN == ONE_WRONG_IN // 2


class Memory:
    """The highest resident memory since it was made, in MB above what there was."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")
        self._before = self._field("VmRSS")

    def grown(self) -> float:
        return self._field("VmHWM") - self._before

    @staticmethod
    def _field(name: str) -> float:
        line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
        return int(line.split()[1]) / 1024


def bare(network: Network, binding: Binding, count: int) -> float:
    """Seconds for the least that has to be done: the server's list, and the rows of the services, each read once."""
    with scoping.realm_transaction(network.realm.pk):
        connection = replace(calls.connection_of(binding), deadline_seconds=comparing.LISTING_SECONDS)
    started = time.perf_counter()
    with calls.open_driver(binding, connection) as driver:
        listed = sum(1 for _held in driver.list_all())
    last, rows = 0, 0
    while True:
        with scoping.realm_transaction(network.realm.pk):
            batch = list(Service.objects.filter(binding=binding, pk__gt=last).order_by("pk")[: comparing.BATCH])
        if not batch:
            break
        last, rows = batch[-1].pk, rows + len(batch)
    spent = time.perf_counter() - started
    assert (listed, rows) == (count, count)
    return spent


def compare(title: str, network: Network, binding: Binding, count: int) -> None:
    with scoping.realm_transaction(network.realm.pk):
        comparison = comparing.start(actor=network.system, binding=binding)
    memory, turns, longest = Memory(), 0, 0.0
    statements = 0

    def count_it(execute: Any, *rest: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(*rest)

    with connections[scoping.alias()].execute_wrapper(count_it):
        started = time.perf_counter()
        over = False
        while not over:
            turn = time.perf_counter()
            over = comparing.go_on(realm_id=network.realm.pk, comparison_id=comparison.pk)
            turns, longest = turns + 1, max(longest, time.perf_counter() - turn)
        spent = time.perf_counter() - started
    grown = memory.grown()
    with scoping.realm_transaction(network.realm.pk):
        done = Comparison.objects.get(pk=comparison.pk)
        kinds = {"drift", "missing"}
        found = Finding.objects.filter(binding=binding, resolved_at=None, kind__in=kinds).count()
        assert (done.error, done.counts["services"], done.counts["held"]) == ("", count, count), done.counts
        assert found == sum(map(wrong, range(count))), done.counts
    least = bare(network, binding, count)
    measure(f"comparing_{title}_{count}", count / spent, "1/s", "a bare listing and reading", least / spent)
    measure(f"comparing_{title}_{count}_seconds", spent, "s", "turns", turns)
    measure(f"comparing_{title}_{count}_longest_turn", longest, "s", "a turn's time", longest / 20)
    measure(f"comparing_{title}_{count}_memory", grown, "MB", "per 1,000 services", grown / count * 1000)
    measure(f"comparing_{title}_{count}_statements", statements, "", "per batch", statements / count * comparing.BATCH)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("count", COMPARED)
def test_comparing_many_at_a_simulated_server(network: Network, count: int) -> None:
    with scoping.realm_transaction(network.realm.pk):
        binding = bindings.create(
            actor=network.system, family="mail", driver_key="simulator", name="bench", settings={"server": "bench"}
        )
        server = SimulatedServer.objects.create(name="bench")
    multiply(network, "mail", count, binding, "m#@alpha.example", address="m#@alpha.example")
    as_admin(
        sql.SQL(
            "INSERT INTO ipservices_simulatedobject (realm_id, server_id, full_kind, name, service_ref, attributes,"
            " restriction, switched_off, secret_digests, counters, sessions, changes)"
            " SELECT realm_id, {server}, family || '.' || kind, name, 'svc-' || public_id, desired || CASE"
            " WHEN substr(public_id, 2)::int % {many} = {many} / 2 THEN '{{\"quota_mb\": 1}}' ELSE '{{}}' END::jsonb,"
            " 'none', '{{}}', '{{}}', '{{}}', 0, 1 FROM ipservices_service WHERE binding_id = {binding}"
        ).format(server=sql.Literal(server.pk), many=sql.Literal(ONE_WRONG_IN), binding=sql.Literal(binding.pk))
    )
    settle()
    compare("simulated", network, binding, count)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("count", NAMES)
def test_comparing_one_zone_of_a_real_powerdns(network: Network, labs: Labs, count: int) -> None:
    lab = labs.empty("dns_powerdns")
    [bound] = dns_powerdns.bindings(lab.facts(), Names(ZONE, "bench.example", "sip.bench.example"))
    with scoping.realm_transaction(network.realm.pk):
        binding = bindings.create(
            actor=network.system, family="dns", driver_key=bound.driver_key, name="bench PowerDNS",
            settings=bound.settings, secrets=bound.secrets,
        )  # fmt: skip
    multiply(network, "dns", count, binding, f"h#.{ZONE}", zone=ZONE)
    fill(network, binding, labs.sql)
    compare("powerdns", network, binding, count)
    drop(labs.sql)


def fill(network: Network, binding: Binding, server: SqlServer) -> None:
    """What the services want, straight into the server's tables; the first makes the zone in the usual way."""
    with scoping.realm_transaction(network.realm.pk):
        rows = list(Service.objects.filter(binding=binding).select_related("binding").order_by("pk"))
        connection, first = calls.connection_of(binding), calls.desired_of(rows[0])
    with calls.open_driver(binding, connection) as driver:
        driver.establish(first, key="bench")
    others = list(enumerate(rows[1:], 1))
    with server.connect(dns_powerdns.DATABASE) as database, database.cursor() as cursor:
        cursor.execute("SELECT id FROM domains WHERE name = %s", (ZONE,))
        (zone,) = cursor.fetchone() or (0,)
        cursor.executemany(
            "INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled, auth)"
            " VALUES (%s, %s, 'A', %s, %s, 0, false, true)",
            [
                (zone, row.name, "192.0.2.66" if wrong(number) else row.desired["addresses"][0],
                 row.desired.get("ttl", 300))
                for number, row in others
            ],
        )  # fmt: skip
        cursor.executemany(
            "INSERT INTO comments (domain_id, name, type, modified_at, account, comment)"
            " VALUES (%s, %s, 'A', 0, %s, 'boss')",
            [(zone, row.name, row.service_ref) for _number, row in others],
        )
        database.commit()


def drop(server: SqlServer) -> None:
    """The zone goes at once: its names one by one would take as long as all the rest."""
    with server.connect(dns_powerdns.DATABASE) as database, database.cursor() as cursor:
        for table in ("records", "comments"):
            cursor.execute(
                f"DELETE FROM {table} WHERE domain_id IN (SELECT id FROM domains WHERE name = %s)",
                (ZONE,),
            )
        cursor.execute("DELETE FROM domains WHERE name = %s", (ZONE,))
        database.commit()
