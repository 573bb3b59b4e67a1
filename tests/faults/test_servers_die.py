"""Subscribers are switched on while what does it dies: a worker, a name server, the servers' PostgreSQL, BOSS's own.

The judge asks the servers themselves. Nothing may be missing, doubled, or left running in the books.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections

from boss.core import scoping
from boss.core.actors import Actor
from boss.platform import lab as platform_lab
from boss.platform.servers import Servers
from boss.platform.testing.processes import Workers
from ipservices.choices import CallOutcome, ServiceState
from ipservices.labs import Names
from ipservices.models import Binding, DriverCall, Service
from ipservices.services import addresses, bindings, calls, design, prefixes, provisioning
from tests.cast import Cast
from tests.faults.conftest import cut_connections, in_a_run_of_its_own
from tests.ipservices.conftest import furnish, subscribe
from tests.labs import Labs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SUBSCRIBERS = 20
FEWER = 10
NAMES = Names("subs.alpha.example", "alpha.example", "sip.alpha.example")
PATIENCE_SECONDS = 240


def bind(realm_id: int, labs: Labs, folder: str) -> Binding:
    lab = labs.empty(folder)
    bound = platform_lab.modules()[folder].bindings(lab.facts(), NAMES)[0]
    with scoping.realm_transaction(realm_id):
        made: Binding = bindings.create(
            actor=Actor.system(realm_id), family=bound.family, driver_key=bound.driver_key, name=bound.name,
            settings=bound.settings, secrets=bound.secrets, position=1, deadline_seconds=5,
        )  # fmt: skip
    return made


def held(binding: Binding) -> Counter[str]:
    """What the server itself lists, counted by our id."""
    with scoping.realm_transaction(binding.realm_id):
        connection = calls.connection_of(binding)
    with calls.open_driver(binding, connection) as driver:
        return Counter(one.service_ref for one in driver.list_all())


@pytest.fixture
def servers(real_db: str, cast: Cast, labs: Labs) -> Iterator[dict[str, Binding]]:
    """A real name server and a real mail server; other tests find them as empty as they were."""
    bound = {
        "dns": bind(cast.alpha.pk, labs, "dns_powerdns"),
        "mail": bind(cast.alpha.pk, labs, "mail_postfix_dovecot"),
    }
    yield bound
    with scoping.realm_transaction(cast.alpha.pk):
        made = list(Service.objects.filter(binding__in=list(bound.values())).select_related("binding"))
        targets = [calls.target_of(service) for service in made]
    for target in targets:
        with calls.open_driver(target.binding, target.connection) as driver:
            driver.take_away(target.desired, key="tidy")


def plan(cast: Cast, count: int) -> list[int]:
    """So many subscriptions, planned, each with its address."""
    realm_id = cast.alpha.pk
    system = Actor.system(realm_id)
    with scoping.realm_transaction(realm_id):
        _made, sold = furnish(cast.alpha)
        prefixes.create(actor=system, network="192.0.2.0/24", position=1)
    ids: list[int] = []
    for number in range(count):
        with scoping.realm_transaction(realm_id):
            subscription = subscribe(cast.alpha, sold, number + 1)
            for feature in subscription.features:
                if feature["key"] == "mail.mailbox":
                    feature["characteristics"]["address"] = f"maria{number + 1}"
            subscription.save()
            design.design(actor=system, subscription=subscription)
            for service in Service.objects.filter(subscription=subscription, family="ip", ordinal=1):
                addresses.assign(actor=system, service=service)
            ids.append(subscription.pk)
    return ids


def switch_on(realm_id: int, subscriptions: list[int], servers: dict[str, Binding]) -> list[Service]:
    with scoping.realm_transaction(realm_id):
        wanted = list(Service.objects.filter(subscription_id__in=subscriptions, family__in=servers))
        for service in wanted:
            provisioning.activate(actor=Actor.system(realm_id), service=service)
    assert len(wanted) == len(servers) * len(subscriptions)
    return wanted


def judge(realm_id: int, wanted: list[Service], servers: dict[str, Binding]) -> None:
    """Every service as wanted at its server and known to be, none twice, none forgotten, nothing left under way."""
    until(realm_id, wanted, lambda done: done == len(wanted))
    for family, binding in servers.items():
        refs = {service.service_ref for service in wanted if service.family == family}
        there = held(binding)
        assert {ref for ref in there if ref in refs} == refs, f"forgotten at {binding}"
        assert all(there[ref] == 1 for ref in refs), f"twice at {binding}"
        assert not set(there) - refs, f"strangers at {binding}"
    for service in wanted:
        assert differences(service) == []
    assert broken_off(realm_id, wanted) == 0, "left under way"
    with scoping.realm_transaction(realm_id):
        rows = list(Service.objects.filter(pk__in=[service.pk for service in wanted]))
        assert [str(row) for row in rows if row.is_behind or row.asked or row.drift] == []
        told = DriverCall.objects.filter(service__in=wanted, outcome=CallOutcome.DONE).values("service").distinct()
        assert told.count() == len(wanted)


def test_after_a_worker_a_server_and_a_database_died_every_service_is_right_none_twice_none_forgotten(
    real_db: str, cast: Cast, labs: Labs, servers: dict[str, Binding], workers: Workers
) -> None:
    realm_id = cast.alpha.pk
    subscriptions = plan(cast, SUBSCRIBERS)
    crew = workers(2)
    workers.beat()
    wanted = switch_on(realm_id, subscriptions, servers)

    until(realm_id, wanted, lambda done: done >= 4)
    labs.of("dns_powerdns").kill()
    crew[0].kill()
    labs.kill_postgres()
    time.sleep(2)
    cut_connections(real_db)
    connections.close_all()
    labs.restart_postgres()
    labs.of("dns_powerdns")  # started again on its data
    workers(1)

    judge(realm_id, wanted, servers)


def test_after_the_platforms_own_database_died_every_service_is_right_none_twice_none_forgotten() -> None:
    """In a test run of its own, which owns the PostgreSQL that it kills."""
    told = in_a_run_of_its_own(
        f"{__file__}::{test_the_platforms_own_database_dies_in_the_middle.__name__}", seconds=240
    )
    assert "1 passed" in told


@pytest.mark.reliability
def test_the_platforms_own_database_dies_in_the_middle(
    real_db: str, cast: Cast, labs: Labs, servers: dict[str, Binding], workers: Workers, own_servers: Servers
) -> None:
    """As in a power cut: every process of BOSS's PostgreSQL is killed while calls are under way, and it recovers."""
    realm_id = cast.alpha.pk
    subscriptions = plan(cast, FEWER)
    workers(1, concurrency=4)
    workers.beat()
    wanted = switch_on(realm_id, subscriptions, servers)

    until(realm_id, wanted, lambda done: done >= 3)
    while broken_off(realm_id, wanted) < 2:
        time.sleep(0.01)
    postgres = own_servers.postgres
    assert postgres is not None and postgres.child is not None
    postgres.child.kill()
    time.sleep(1)  # servers go on working for who cannot write it down
    postgres.launch()
    postgres.wait()
    connections.close_all()
    assert broken_off(realm_id, wanted), "the database died between two calls, which shows nothing"

    judge(realm_id, wanted, servers)
    workers.kill()


def broken_off(realm_id: int, wanted: list[Service]) -> int:
    """How many calls for these services have no end written down."""
    with scoping.realm_transaction(realm_id):
        count: int = DriverCall.objects.filter(service__in=wanted, outcome=CallOutcome.RUNNING).count()
    return count


def until(realm_id: int, wanted: list[Service], enough: Callable[[int], bool]) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while True:
        with scoping.realm_transaction(realm_id):
            rows = Service.objects.filter(pk__in=[service.pk for service in wanted], state=ServiceState.ACTIVE)
            done = rows.count()
        if enough(done):
            return
        assert time.monotonic() < ends, f"{done} of {len(wanted)} are in service"
        time.sleep(0.1)


def differences(service: Service) -> list[str]:
    """In what a service differs from its server, now."""
    with scoping.realm_transaction(service.realm_id):
        target: Any = calls.target_of(Service.objects.get(pk=service.pk))
    with calls.open_driver(target.binding, target.connection) as driver:
        found = driver.compare(target.desired, driver.observe(target.desired))
    return [f"{service}: {one}" for one in found]
