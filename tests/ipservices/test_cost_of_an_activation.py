"""What one activation costs, to the statement: who makes it dearer finds out here, not in a benchmark.

Counted on the wire (``tests.exchanges``), from the order to the record, in the test's own transaction: where workers
begin and commit, this is a savepoint made and released. Everything has been done once before, so that caches hold what
they hold in a worker that has run for a while.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from boss.core import scoping
from boss.tenancy.models import Site
from boss.tenancy.services import sites
from catalog.pricing import OptionChoice
from ipservices.drivers.simulator.driver import SimulatorDriver
from ipservices.models import DriverCall, Service
from subscribers.contact import ContactDetails, PaymentChoice
from subscribers.models import Order
from subscribers.services import orders
from tests.exchanges import exchanges
from tests.ipservices.conftest import Network
from tests.workflow.driving import drive, due_tasks
from workflow.engine import loop
from workflow.services import definitions

ASKED_OF_A_DRIVER = ("observe", "observe_many", "apply", "cut_sessions", "health", "take_away", "list_all")
LOOK_CHANGE_LOOK = {"observe": 2, "apply": 1}

OF_A_FAMILY = {
    "dns": {"statements": 22, "at the server": 8, "transactions": 8},
    "mail": {"statements": 21, "at the server": 8, "transactions": 8},
    "access": {"statements": 23, "at the server": 8, "transactions": 8},
}
"""One service of the family: task handler, driver, read-back, record. The simulated server's own are told apart, but
for its transactions."""
OF_AN_ORDER = {"statements": 26, "transactions": 5}
OF_ITS_RUN = {"statements": 139, "at the server": 24, "transactions": 36}
"""The same of placing an order, and at most of its run: five tasks, one service of each of the three families."""

_SUBSCRIPTION = {"subscription_id": {"var": "inputs.subscription_id"}}


def _task(key: str, handler: str, *after: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "title": key, "handler": f"ipservices.{handler}", "with": {**_SUBSCRIPTION, **more},
            "after": list(after)}  # fmt: skip


DEFINITION = {
    "key": "new_triple_play",
    "title": "Three families",
    "inputs": [
        {"key": "order_id", "type": "integer"}, {"key": "account_id", "type": "integer"},
        {"key": "subscription_id", "type": "integer"}, {"key": "site_id", "type": "integer"},
        {"key": "payment", "type": "text"}, {"key": "port_in", "type": "boolean"},
    ],
    "tasks": [
        _task("design", "design_services"),
        _task("address", "reserve_address", "design"),
        _task("dns_up", "activate_family", "address", family="dns"),
        _task("mail_up", "activate_family", "dns_up", family="mail"),
        _task("access_up", "activate_family", "mail_up", family="access"),
    ],
}  # fmt: skip


@contextmanager
def asked_of_drivers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often each thing was asked of a driver."""
    asked: Counter[str] = Counter()
    with monkeypatch.context() as patch:
        for name in ASKED_OF_A_DRIVER:
            patch.setattr(SimulatorDriver, name, _noted(asked, name, getattr(SimulatorDriver, name)))
        yield asked


def _noted(asked: Counter[str], name: str, method: Any) -> Any:
    def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
        asked[name] += 1
        return method(self, *args, **kwargs)

    return noted


def cost(asked: list[str]) -> dict[str, int]:
    """Statements by what they are for; that a realm is entered goes with the transaction."""
    found: Counter[str] = Counter()
    for statement in asked:
        if statement.startswith("SAVEPOINT"):
            found["transactions"] += 1
        elif "ipservices_simulated" in statement:
            found["at the server"] += 1
        elif not statement.startswith(("RELEASE", "SELECT set_config(")):
            found["statements"] += 1
    return dict(found)


def told(asked: list[str]) -> str:
    return "\n".join(each[:200] for each in asked if not each.startswith(("RELEASE", "SELECT set_config(")))


def drive_counting(realm_id: int) -> list[str]:
    """Do what is due, and what that asked; looking for what is due is the test's own and not counted."""
    all_asked: list[str] = []
    while due := due_tasks(realm_id, hurry=True, leases=False):
        with exchanges() as asked:
            loop.advance(realm_id, due[0][0])
        all_asked += asked
    return all_asked


def site(network: Network, number: int) -> Site:
    with scoping.realm_transaction(network.realm.pk):
        return sites.create(
            actor=network.system,
            street=f"{number} Lake Road",
            city="Lakeview",
            postal_code="55001",
            technology="hfc",
            access_node="node-1",
        )


def place(network: Network, location: Site, number: int) -> Order:
    with scoping.realm_transaction(network.realm.pk):
        return orders.submit(
            actor=network.system,
            site=location,
            plan_version=network.plan,
            contact=ContactDetails("Maria Ortiz", f"m{number}@home.example", f"+1555555{number:04}"),
            payment=PaymentChoice("cash"),
            options=[OptionChoice("self-install")],
        )


def active(network: Network, order: Order) -> Counter[str]:
    with scoping.realm_transaction(network.realm.pk):
        found = Service.objects.filter(account_id=order.account_id, state="active")
        return Counter(found.values_list("family", flat=True))


@pytest.fixture
def driven(network: Network) -> Network:
    """One order has been through."""
    with scoping.realm_transaction(network.realm.pk):
        definitions.publish(actor=network.system, document=DEFINITION)
    order = place(network, site(network, 1), 1)
    drive(network.realm.pk)
    assert active(network, order) == Counter(OF_A_FAMILY.keys())
    return network


@pytest.mark.parametrize("family", OF_A_FAMILY)
def test_setting_one_service_up_costs_so_many_statements_and_asks_its_server_three_times(
    driven: Network, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    for key in ("hold_port", "design_services", "reserve_address"):
        driven.run(key)

    with exchanges() as asked, asked_of_drivers(monkeypatch) as calls:
        driven.run("activate_family", family=family)

    assert calls == LOOK_CHANGE_LOOK
    assert cost(asked) == OF_A_FAMILY[family], told(asked)
    with scoping.realm_transaction(driven.realm.pk):
        service = Service.objects.get(subscription=driven.subscription, family=family, state="active")
        assert DriverCall.objects.filter(service=service).count() == 1


def test_an_order_and_its_run_cost_so_many_statements(driven: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    location = site(driven, 2)
    with exchanges() as asked:
        order = place(driven, location, 2)
    assert cost(asked) == OF_AN_ORDER, told(asked)

    monkeypatch.setattr("workflow.engine.execution._LONGEST_TOGETHER", 60.0)  # however slow the machine is
    with asked_of_drivers(monkeypatch) as calls:
        asked = drive_counting(driven.realm.pk)

    assert active(driven, order) == Counter(OF_A_FAMILY.keys())
    assert calls == {name: 3 * count for name, count in LOOK_CHANGE_LOOK.items()}
    spent = cost(asked)
    assert all(spent[what] <= most for what, most in OF_ITS_RUN.items()), f"{spent}\n{told(asked)}"
