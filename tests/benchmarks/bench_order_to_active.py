"""From a placed order to the last service active, through real workers, against the same driver calls made bare.

``python3 manage.py test tests/benchmarks/bench_order_to_active.py -s``; ``BOSS_BENCH_ORDERS`` changes the 10. The plan
is a triple play with every task automated. The baseline makes the identical calls (look, apply, read back, compare)
one after the other in one process, with no engine, no record, no order around them. Measured twice: at servers that
answer at once, where all that is left is what BOSS keeps on record, and at servers that take their time.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from boss.tenancy.services import sites
from catalog.pricing import OptionChoice
from ipservices.contracts import Desired
from ipservices.models import Service, SimulatedObject
from ipservices.services import calls, numbers, prefixes, simulator
from subscribers.contact import ContactDetails, PaymentChoice
from subscribers.models import Order
from subscribers.services import orders
from tests.benchmarks.frame import measure, median
from tests.ipservices.conftest import furnish
from workflow.services import definitions

ORDERS = int(os.environ.get("BOSS_BENCH_ORDERS", "10"))
PATIENCE_SECONDS = 120
SLOW_SECONDS = 0.05
"""What a request to a server takes in the second measure. A simulated one answers at once, which no real one does."""
SERVICES_OF_AN_ORDER = 10

_SUBSCRIPTION = {"subscription_id": {"var": "inputs.subscription_id"}}


def _task(key: str, handler: str, *after: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "title": key, "handler": f"ipservices.{handler}", "with": {**_SUBSCRIPTION, **more},
            "after": list(after)}  # fmt: skip


def _family(family: str, *after: str) -> dict[str, Any]:
    return _task(f"{family}_up", "activate_family", *after, family=family)


DEFINITION = {
    "key": "new_triple_play",
    "title": "Fully automated triple play",
    "inputs": [
        {"key": "order_id", "type": "integer"}, {"key": "account_id", "type": "integer"},
        {"key": "subscription_id", "type": "integer"}, {"key": "site_id", "type": "integer"},
        {"key": "payment", "type": "text"}, {"key": "port_in", "type": "boolean"},
    ],
    "tasks": [
        _task("port", "hold_port"),
        _task("design", "design_services", "port"),
        _task("address", "reserve_address", "design"),
        _task("number", "assign_number", "design"),
        _family("ip", "address"), _family("dns", "address"), _family("access", "address"),
        _family("mail", "design"), _family("iptv", "design"), _family("cpe", "design"),
        _task("emergency", "load_e911", "number"),
        _family("voip", "emergency"),
        _task("verify", "verify_levels", "access_up"),
    ],
}  # fmt: skip


def place(realm_id: int, plan: Any, number: int) -> Order:
    with scoping.realm_transaction(realm_id):
        system = Actor.system(realm_id)
        site = sites.create(
            actor=system,
            street=f"{number} Lake Road",
            city="Lakeview",
            postal_code="55001",
            technology="hfc",
            access_node="node-1",
        )
        return orders.submit(
            actor=system,
            site=site,
            plan_version=plan,
            contact=ContactDetails("Maria Ortiz", f"m{number}@home.example", f"+1555555{number:04}"),
            payment=PaymentChoice("cash"),
            options=[OptionChoice("self-install")],
        )


def all_active(realm_id: int, order: Order) -> bool:
    with scoping.realm_transaction(realm_id):
        return bool(Service.objects.filter(account_id=order.account_id, state="active").count() == SERVICES_OF_AN_ORDER)


def bare_seconds(realm_id: int, order: Order) -> float:
    """The calls of an order again, bare, for objects of other names."""
    with scoping.realm_transaction(realm_id):
        rows = Service.objects.filter(account_id=order.account_id).select_related("binding").order_by("id")
        work = [(row.binding, calls.connection_of(row.binding), _renamed(calls.desired_of(row))) for row in rows]
    started = time.perf_counter()
    for binding, connection, desired in work:
        with calls.open_driver(binding, connection) as driver:
            driver.establish(desired, key="bare")
    spent = time.perf_counter() - started
    assert len(work) == SERVICES_OF_AN_ORDER
    return spent


def _renamed(desired: Desired) -> Desired:
    return replace(desired, name=f"bare-{desired.name}", service_ref=f"bare{desired.service_ref[4:]}")


@pytest.mark.timeout(900)
def test_order_to_active_against_bare_driver_calls(real_db: str, cast: Any, workers: Any) -> None:
    realm_id = cast.alpha.pk
    with scoping.realm_transaction(realm_id):
        bindings, plan = furnish(cast.alpha)
        definitions.publish(actor=Actor.system(realm_id), document=DEFINITION)
    workers(1, concurrency=2)
    workers.beat()
    with scoping.realm_transaction(realm_id):
        numbers.add_block(actor=Actor.system(realm_id), first="+15555551000", count=2 * ORDERS + 5)
        prefixes.create(actor=Actor.system(realm_id), network="192.0.2.0/24")

    compare("order_to_active", realm_id, plan, first=1, warm=2)
    with scoping.realm_transaction(realm_id):
        for binding in bindings.values():
            simulator.set_fault(actor=Actor.system(realm_id), binding=binding, fault="slow", value=SLOW_SECONDS)
    compare(f"order_to_active_at_{SLOW_SECONDS * 1000:.0f}_ms", realm_id, plan, first=ORDERS + 3, warm=0)

    with scoping.realm_transaction(realm_id):
        assert SimulatedObject.objects.count() >= 2 * ORDERS * SERVICES_OF_AN_ORDER


def compare(name: str, realm_id: int, plan: Any, *, first: int, warm: int) -> None:
    """Place ``ORDERS`` orders one after the other, ``warm`` more before them, each followed by its calls made bare."""
    spent: list[float] = []
    bare: list[float] = []
    for number in range(first, first + ORDERS + warm):
        started = time.perf_counter()
        order = place(realm_id, plan, number)
        while not all_active(realm_id, order):
            assert time.perf_counter() - started < PATIENCE_SECONDS, "the order does not become active"
            time.sleep(0.01)
        if number >= first + warm:
            spent.append(time.perf_counter() - started)
            bare.append(bare_seconds(realm_id, order))
    middle, floor = median(spent), median(bare)
    measure(f"{name}.p50", middle * 1000, "ms", "the same driver calls made bare, p50", middle / floor)
    measure(f"{name}.max", max(spent) * 1000, "ms", "the same driver calls made bare, p50", max(spent) / floor)
