"""A comparison of 100,000 services at a simulated server, and of 20,000 host names in one zone of a real PowerDNS.

``make bench ARGS="-k comparing"``; ``BOSS_BENCH_COMPARED`` and ``BOSS_BENCH_NAMES`` change the numbers. Everything is
as sold but one service in a thousand, which was changed past BOSS. Beside each measure stands the server asked for one
object at a time, as every driver can. Memory is what the process grew by at its highest, above what it had before.
"""

from __future__ import annotations

import copy
import os
import time
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
from tests.benchmarks.frame import measure
from tests.ipservices.comparing import served
from tests.ipservices.conftest import Network, furnish, subscribe
from tests.labs import Labs

COMPARED = int(os.environ.get("BOSS_BENCH_COMPARED", "100000"))
NAMES = int(os.environ.get("BOSS_BENCH_NAMES", "20000"))
ONE_BY_ONE = 30
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
    """The subscription and its service of ``family``, ``count`` times; names and values have the number in them."""
    with scoping.realm_transaction(network.realm.pk):
        sold = Subscription.objects.get(pk=network.subscription.pk)
        template = Service.objects.get(family=family, state="active")
        for start in range(0, count, CHUNK):
            numbers = range(start, min(count, start + CHUNK))
            subscriptions = []
            for number in numbers:
                row = copy.copy(sold)
                row.pk, row.public_id = None, _new_public_id(row)
                row.address_key = f"bench {family} {number}"
                row._state = copy.copy(sold._state)
                row._state.adding = True
                subscriptions.append(row)
            Subscription.objects.bulk_create(subscriptions)
            services = []
            for number, subscription in zip(numbers, subscriptions, strict=True):
                one = copy.copy(template)
                one.pk, one.public_id = None, _new_public_id(one)
                one._state = copy.copy(template._state)
                one._state.adding = True
                one.subscription, one.binding, one.name = subscription, binding, name.format(number)
                one.desired = {**template.desired, **{key: _in(value, number) for key, value in desired.items()}}
                services.append(one)
            Service.objects.bulk_create(services)


def _new_public_id(row: Any) -> str:
    return str(row._meta.get_field("public_id").get_default())


def _in(value: Any, number: int) -> Any:
    return value.format(number) if isinstance(value, str) else value


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


def compare(title: str, network: Network, binding: Binding, count: int) -> None:
    with scoping.realm_transaction(network.realm.pk):
        rows = list(Service.objects.filter(binding=binding).select_related("binding").order_by("pk")[:ONE_BY_ONE])
        connection, wanted = calls.connection_of(binding), [calls.desired_of(row) for row in rows]
    with calls.open_driver(binding, connection) as driver:
        started = time.perf_counter()
        for desired in wanted:
            driver.deadline.restart()
            driver.observe(desired)
        single = len(wanted) / (time.perf_counter() - started)
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
        assert (done.error, done.counts["services"]) == ("", count), done.counts
        assert found == sum(map(wrong, range(count))), done.counts
    measure(f"comparing_{title}", count / spent, "1/s", "the server asked one by one", count / spent / single)
    measure(f"comparing_{title}_seconds", spent, "s", "turns", turns)
    measure(f"comparing_{title}_longest_turn", longest, "s", "a turn's time", longest / 20)
    measure(f"comparing_{title}_memory", grown, "MB", "per 1,000 services", grown / count * 1000)
    measure(f"comparing_{title}_statements", statements, "", "per 1,000 services", statements / count * 1000)


@pytest.mark.timeout(3600)
def test_comparing_many_at_a_simulated_server(network: Network) -> None:
    with scoping.realm_transaction(network.realm.pk):
        binding = bindings.create(
            actor=network.system, family="mail", driver_key="simulator", name="bench", settings={"server": "bench"}
        )
        server = SimulatedServer.objects.create(name="bench")
    multiply(network, "mail", COMPARED, binding, "m{0}@alpha.example", address="m{0}@alpha.example")
    with scoping.realm_transaction(network.realm.pk):
        rows = Service.objects.filter(binding=binding).order_by("pk")
        for start in range(0, COMPARED, CHUNK):
            SimulatedObject.objects.bulk_create(
                SimulatedObject(
                    server=server, full_kind=row.full_kind, name=row.name, service_ref=row.service_ref,
                    attributes={**row.desired, **({"quota_mb": 1} if wrong(number) else {})},
                )
                for number, row in enumerate(rows[start : start + CHUNK], start)
            )  # fmt: skip
    compare("simulated", network, binding, COMPARED)


@pytest.mark.timeout(3600)
def test_comparing_one_zone_of_a_real_powerdns(network: Network, labs: Labs) -> None:
    lab = labs.of("dns_powerdns")
    [bound] = dns_powerdns.bindings(lab.facts(), Names(ZONE, "bench.example", "sip.bench.example"))
    with scoping.realm_transaction(network.realm.pk):
        binding = bindings.create(
            actor=network.system, family="dns", driver_key=bound.driver_key, name="bench PowerDNS",
            settings=bound.settings, secrets=bound.secrets,
        )  # fmt: skip
    multiply(network, "dns", NAMES, binding, f"h{{0}}.{ZONE}", zone=ZONE)
    fill(network, binding, labs.sql)
    compare("powerdns", network, binding, NAMES)


def fill(network: Network, binding: Binding, sql: SqlServer) -> None:
    """What the services want, straight into the server's tables; the first makes the zone in the usual way."""
    with scoping.realm_transaction(network.realm.pk):
        rows = list(Service.objects.filter(binding=binding).select_related("binding").order_by("pk"))
        connection, first = calls.connection_of(binding), calls.desired_of(rows[0])
    with calls.open_driver(binding, connection) as driver:
        driver.establish(first, key="bench")
    with sql.connect(dns_powerdns.DATABASE) as database, database.cursor() as cursor:
        cursor.execute("SELECT id FROM domains WHERE name = %s", (ZONE,))
        (zone,) = cursor.fetchone() or (0,)
        for number, row in enumerate(rows[1:], 1):
            address = "192.0.2.66" if wrong(number) else row.desired["addresses"][0]
            cursor.execute(
                "INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled, auth)"
                " VALUES (%s, %s, 'A', %s, %s, 0, false, true)",
                (zone, row.name, address, row.desired.get("ttl", 300)),
            )
            cursor.execute(
                "INSERT INTO comments (domain_id, name, type, modified_at, account, comment)"
                " VALUES (%s, %s, 'A', 0, %s, 'boss')",
                (zone, row.name, row.service_ref),
            )
        database.commit()
