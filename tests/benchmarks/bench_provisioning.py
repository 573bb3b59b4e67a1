"""Services activated per second through BOSS, at real servers, against the same made bare at the same server.

``python3 manage.py test tests/benchmarks/bench_provisioning.py -n 0 -s``; ``BOSS_BENCH_SERVICES`` changes the 60.
Through BOSS means: what is wanted read, the call written down, the container locked, looked, changed, read back,
compared, what was there kept, the row activated, the record completed, all of it committed. Bare means: the one
transaction (or request) that makes the object, over a connection that stays open, with nobody looking whether it is
there. Between them stands the driver alone, which looks, changes, reads back and compares, over a connection of its own
for each object: what is above that is BOSS's book-keeping.
"""

from __future__ import annotations

import base64
import concurrent.futures
import os
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.db import connections

from boss.core import scoping
from ipservices import sealing
from ipservices.drivers.access_freeradius import lab as access_freeradius
from ipservices.drivers.dns_powerdns import lab as dns_powerdns
from ipservices.drivers.mail_postfix_dovecot import lab as mail_postfix_dovecot
from ipservices.labs import LabBinding, Names, SqlServer
from ipservices.mailing import crypt
from ipservices.models import Binding, DriverCall, Service
from ipservices.services import bindings, calls, establishing
from subscribers.models import Subscription
from tests.benchmarks.frame import measure
from tests.ipservices.conftest import Network, furnish, subscribe
from tests.labs import Labs

SERVICES = int(os.environ.get("BOSS_BENCH_SERVICES", "60"))
WARM = 3
ZONE = "subs.bench.example"


@pytest.fixture
def network(real_db: str, cast: Any) -> Network:
    """A realm with a subscription that has its address, committed."""
    with scoping.realm_transaction(cast.alpha.pk):
        made, plan_version = furnish(cast.alpha)
        found = Network(cast.alpha, made, subscribe(cast.alpha, plan_version), plan=plan_version)
    found.run("design_services")
    found.run("reserve_address")
    return found


def bind(network: Network, bound: LabBinding) -> Binding:
    with scoping.realm_transaction(network.realm.pk):
        return bindings.create(
            actor=network.system,
            family=bound.family,
            driver_key=bound.driver_key,
            name=f"bench {bound.name}",
            settings=bound.settings,
            secrets=bound.secrets,
            position=1,
        )


def another(subscription: Subscription) -> Subscription:
    """One like it. A customer has a dozen services and not hundreds, each of which is read with its neighbours."""
    same = ("account_id", "site_id", "plan_version_id", "features", "address_key", "street_key")
    found: Subscription = Subscription.objects.create(**{name: getattr(subscription, name) for name in same})
    return found


def plan(network: Network, binding: Binding, names: list[str], **about: Any) -> list[int]:
    """Services that are designed and wait to be brought up."""
    attributes: Callable[[str], dict[str, Any]] = about.pop("attributes")
    secrets: dict[str, str] = about.pop("secrets", {})
    made: list[int] = []
    apart = about["family"] != "dns"  # host names need the address that the first subscription was given
    with scoping.realm_transaction(network.realm.pk):
        for ordinal, name in enumerate(names, 1):
            subscription = another(network.subscription) if apart else network.subscription
            row = Service.objects.create(
                account_id=subscription.account_id, subscription=subscription, site_id=subscription.site_id,
                feature_key=f"bench.{name}", title="Bench", name=name, ordinal=ordinal, desired=attributes(name),
                binding=binding, **about,
            )  # fmt: skip
            if secrets:
                row.sealed_secrets = sealing.seal_secrets(row, secrets)
                row.save(update_fields=["sealed_secrets"])
            made.append(row.pk)
    return made


def through_boss(network: Network, services: list[int], workers: int) -> float:
    """Services a second."""

    def bring_up(service_id: int) -> None:
        establishing.bring_up(actor=network.system, service_id=service_id, key=f"bench:{service_id}")

    started = time.perf_counter()
    if workers == 1:
        for service_id in services:
            bring_up(service_id)
    else:
        with concurrent.futures.ThreadPoolExecutor(workers) as crowd:
            list(crowd.map(bring_up, services))
            list(crowd.map(lambda _worker: connections.close_all(), range(4 * workers)))
    spent = time.perf_counter() - started
    with scoping.realm_transaction(network.realm.pk):
        assert Service.objects.filter(pk__in=services, state="active").count() == len(services)
        assert DriverCall.objects.filter(service__in=services, outcome="done").count() == len(services)
    return len(services) / spent


def by_the_driver(network: Network, services: list[int]) -> float:
    with scoping.realm_transaction(network.realm.pk):
        rows = Service.objects.filter(pk__in=services).select_related("binding").order_by("id")
        work = [(row.binding, calls.connection_of(row.binding), calls.desired_of(row)) for row in rows]
    started = time.perf_counter()
    for binding, connection, desired in work:
        with calls.open_driver(binding, connection) as driver:
            driver.establish(desired, key="bench")
    return len(work) / (time.perf_counter() - started)


def bare(make: Callable[[str], None], names: list[str]) -> float:
    for name in names[:WARM]:
        make(f"warm-{name}")
    started = time.perf_counter()
    for name in names:
        make(name)
    return len(names) / (time.perf_counter() - started)


def compare(title: str, network: Network, binding: Binding, make: Callable[[str], None], **about: Any) -> None:
    def some(word: str, count: int = SERVICES) -> list[str]:
        suffix = about["suffix"]
        return [f"{word}-{number}{suffix}" for number in range(count)]

    kept = {key: value for key, value in about.items() if key != "suffix"}
    through_boss(network, plan(network, binding, some("warm", WARM), **kept), 1)
    floor = bare(make, some("bare"))
    alone = by_the_driver(network, plan(network, binding, some("driver"), **kept))
    measure(f"provisioning_{title}_bare", floor, "1/s", "itself", 1)
    measure(f"provisioning_{title}_by_the_driver_alone", alone, "1/s", "made bare, unread", alone / floor)
    for workers in (1, 4):
        found = through_boss(network, plan(network, binding, some(f"boss{workers}"), **kept), workers)
        measure(f"provisioning_{title}_{workers}_workers", found, "1/s", "made bare, unread", found / floor)
        measure(f"provisioning_{title}_{workers}_workers_books", found, "1/s", "the driver alone", found / alone)


@pytest.mark.timeout(900)
def test_log_ins_activated_per_second(network: Network, labs: Labs) -> None:
    lab = labs.of("access_freeradius")
    [bound] = access_freeradius.bindings(lab.facts(), Names(ZONE, "bench.example", "sip.bench.example"))
    sql: SqlServer = lab.sql

    with sql.connect(access_freeradius.DATABASE) as connection:

        def make(name: str) -> None:
            said = "INSERT INTO {} (username, attribute, op, value) VALUES (%s, %s, ':=', %s)"
            with connection.transaction():
                connection.execute(said.format("radcheck"), (name, "Cleartext-Password", "secret"))
                connection.execute(said.format("radreply"), (name, "Class", f"boss:{name}"))
                connection.execute(
                    "INSERT INTO radusergroup (username, groupname, priority) VALUES (%s, 'boss-300-20', 1)", (name,)
                )

        compare(
            "access", network, bind(network, bound), make, suffix="", family="access", kind="account",
            attributes=lambda name: {"login": name, "down_mbps": 300, "up_mbps": 20}, secrets={"password": "secret"},
        )  # fmt: skip


@pytest.mark.timeout(900)
def test_host_names_activated_per_second(network: Network, labs: Labs) -> None:
    lab = labs.of("dns_powerdns")
    [bound] = dns_powerdns.bindings(lab.facts(), Names(ZONE, "bench.example", "sip.bench.example"))

    with httpx.Client(base_url=lab.api_url, headers={"X-API-Key": lab.api_key}, trust_env=False) as client:

        def make(name: str) -> None:
            record = {"content": "203.0.113.9", "disabled": False}
            rrset = {"name": f"{name}.", "type": "A", "ttl": 300, "changetype": "REPLACE", "records": [record]}
            answer = client.patch(f"/api/v1/servers/localhost/zones/{ZONE}.", json={"rrsets": [rrset]})
            assert answer.status_code == 204, answer.text

        compare(
            "host_name", network, bind(network, bound), make, suffix=f".{ZONE}", family="dns", kind="host",
            attributes=lambda name: {"zone": ZONE, "addresses": ["203.0.113.7"], "ttl": 300},
        )  # fmt: skip


@pytest.mark.timeout(900)
def test_mailboxes_activated_per_second(network: Network, labs: Labs) -> None:
    """Bare is one transaction and the question to Dovecot that a change of a mailbox ends with."""
    lab = labs.of("mail_postfix_dovecot")
    facts = lab.facts()
    [bound] = mail_postfix_dovecot.bindings(facts, Names(ZONE, "bench.example", "sip.bench.example"))
    sql: SqlServer = lab.sql
    key = base64.b64encode(str(bound.secrets["doveadm_key"]).encode()).decode()

    with (
        sql.connect(lab.database) as connection,
        httpx.Client(
            base_url=bound.settings["doveadm_url"], headers={"Authorization": f"X-Dovecot-API {key}"}, trust_env=False
        ) as client,
    ):

        def make(name: str) -> None:
            with connection.transaction():
                connection.execute("INSERT INTO mail_domain VALUES ('bench.example') ON CONFLICT DO NOTHING")
                connection.execute(
                    "INSERT INTO mailbox (address, domain, service_ref, password, quota_mb)"
                    " VALUES (%s, 'bench.example', 'bare', %s, 2048)",
                    (name, crypt.sha512_crypt("secret")),
                )
                connection.execute("INSERT INTO mailbox_name VALUES (%s, %s)", (name, name))
            asked = [["who", {"mask": [name]}, "bench"]]
            assert client.post("/doveadm/v1", json=asked).status_code == 200

        compare(
            "mailbox", network, bind(network, bound), make, suffix="@bench.example", family="mail", kind="mailbox",
            attributes=lambda name: {"address": name, "quota_mb": 2048}, secrets={"password": "secret"},
        )  # fmt: skip
