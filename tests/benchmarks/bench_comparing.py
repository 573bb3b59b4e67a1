"""Comparisons of 1,000 to 100,000 services at a simulated server, and of host names in one zone of a real PowerDNS.

``make bench ARGS="-k comparing"``; ``BOSS_BENCH_COMPARED`` and ``BOSS_BENCH_NAMES`` change the numbers (several with
commas). One subscription an account; everything is as sold but one service in a thousand, which was changed past BOSS.
Beside each measure stands the bare minimum: the server's own list read through its driver once, and the services'
rows read once. Memory is what the process grew by at its highest, above what it had before.
"""

from __future__ import annotations

import copy
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from boss.core import scoping
from ipservices.drivers.dns_powerdns import lab as dns_powerdns
from ipservices.labs import Names, SqlServer
from ipservices.models import Binding, Comparison, Finding, Service, SimulatedObject, SimulatedServer
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
CHUNK = 5000
ZONE = "subs.bench.example"


@pytest.fixture
def network(real_db: str, cast: Any) -> Network:
    """A realm with one subscription in service, committed."""
    with scoping.realm_transaction(cast.alpha.pk):
        made, plan_version = furnish(cast.alpha)
        found = Network(cast.alpha, made, subscribe(cast.alpha, plan_version), plan=plan_version)
    served(found)
    return found


def multiply(network: Network, family: str, count: int, binding: Binding, name: str, **desired: Any) -> None:
    """The account, its subscription and its service of ``family``, ``count`` times; names have the number in them."""
    with scoping.realm_transaction(network.realm.pk):
        sold = Subscription.objects.select_related("account").get(pk=network.subscription.pk)
        template = Service.objects.get(family=family, state="active")
        for start in range(0, count, CHUNK):
            numbers = range(start, min(count, start + CHUNK))
            accounts = [another(sold.account, number=f"B{number}") for number in numbers]
            type(sold.account).objects.bulk_create(accounts)
            subscriptions = [another(sold, account=account) for account in accounts]
            Subscription.objects.bulk_create(subscriptions)
            Service.objects.bulk_create(
                another(
                    template, account=subscription.account, subscription=subscription, binding=binding,
                    name=name.format(number),
                    desired={**template.desired, **{key: value.format(number) for key, value in desired.items()}},
                )
                for number, subscription in zip(numbers, subscriptions, strict=True)
            )  # fmt: skip
    settle()


def another(row: Any, **different: Any) -> Any:
    """A new row like this one."""
    new = copy.copy(row)
    new._state = copy.copy(row._state)
    new._state.adding = True
    new._state.fields_cache = dict(row._state.fields_cache)
    new.pk, new.public_id = None, str(row._meta.get_field("public_id").get_default())
    for name, value in different.items():
        setattr(new, name, value)
    return new


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
    multiply(network, "mail", count, binding, "m{0}@alpha.example", address="m{0}@alpha.example")
    with scoping.realm_transaction(network.realm.pk):
        rows = Service.objects.filter(binding=binding).order_by("pk")
        for start in range(0, count, CHUNK):
            SimulatedObject.objects.bulk_create(
                SimulatedObject(
                    server=server, full_kind=row.full_kind, name=row.name, service_ref=row.service_ref,
                    attributes={**row.desired, **({"quota_mb": 1} if wrong(number) else {})},
                )
                for number, row in enumerate(rows[start : start + CHUNK], start)
            )  # fmt: skip
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
    multiply(network, "dns", count, binding, f"h{{0}}.{ZONE}", zone=ZONE)
    fill(network, binding, labs.sql)
    compare("powerdns", network, binding, count)
    drop(labs.sql)


def fill(network: Network, binding: Binding, sql: SqlServer) -> None:
    """What the services want, straight into the server's tables; the first makes the zone in the usual way."""
    with scoping.realm_transaction(network.realm.pk):
        rows = list(Service.objects.filter(binding=binding).select_related("binding").order_by("pk"))
        connection, first = calls.connection_of(binding), calls.desired_of(rows[0])
    with calls.open_driver(binding, connection) as driver:
        driver.establish(first, key="bench")
    others = list(enumerate(rows[1:], 1))
    with sql.connect(dns_powerdns.DATABASE) as database, database.cursor() as cursor:
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


def drop(sql: SqlServer) -> None:
    """The zone goes at once: its names one by one would take as long as all the rest."""
    with sql.connect(dns_powerdns.DATABASE) as database, database.cursor() as cursor:
        for table in ("records", "comments"):
            cursor.execute(
                f"DELETE FROM {table} WHERE domain_id IN (SELECT id FROM domains WHERE name = %s)",  # noqa: S608
                (ZONE,),
            )
        cursor.execute("DELETE FROM domains WHERE name = %s", (ZONE,))
        database.commit()
