"""Which of a subscription's addresses its router asks for. At simulated servers; at Kea: ``test_kea_in_service``."""

from __future__ import annotations

from typing import Any

import pytest

from boss.core import scoping
from ipservices.errors import ClientTaken
from ipservices.models import Service
from ipservices.services import clients
from tests.ipservices.conftest import Network, subscribe
from workflow.contracts import Done

MAC, OTHER_MAC = "00:aa:bb:cc:dd:01", "00:aa:bb:cc:dd:02"
STATIC: dict[str, Any] = {
    "key": "ip.static", "title": "Static IP address", "driver_family": "ip", "quantity": 1, "fulfilment": "driver",
    "characteristics": {"size": "32"},
}  # fmt: skip


@pytest.fixture
def online(network: Network) -> Network:
    """A customer with an address and a prefix in service, and no router entered."""
    for task, inputs in (("design_services", {}), ("reserve_address", {}), ("activate_family", {"family": "ip"})):
        assert isinstance(network.run(task, **inputs), Done)
    return network


def bind(network: Network, run: str = "run-1", mac: str = MAC) -> None:
    assert isinstance(network.run("bind_equipment", run, router_mac=mac), Done)


def sell(network: Network, *features: dict[str, Any]) -> None:
    """The subscription has these features beside those of the plan."""
    with scoping.realm_transaction(network.realm.pk):
        plain = [one for one in network.subscription.features if one["key"] != "ip.static"]
        network.subscription.features = [*plain, *features]
        network.subscription.save()


def routed(network: Network) -> dict[str, str]:
    """The client of each living address, as desired and as read back from the server."""
    with scoping.realm_transaction(network.realm.pk):
        rows = Service.objects.filter(subscription=network.subscription, family="ip").exclude(state="terminated")
        for row in rows:
            assert (row.observed["attributes"].get("identifier") or "") == (row.desired.get("identifier") or "")
        return {row.name: row.desired.get("identifier", "") for row in rows}


def test_the_address_and_the_prefix_become_the_routers(online: Network) -> None:
    assert set(routed(online).values()) == {""}

    bind(online)

    assert routed(online) == {"203.0.113.2": f"mac:{MAC}", "2001:db8::/56": f"mac:{MAC}"}


def test_a_router_that_is_known_before_the_address_gets_it_as_soon_as_it_is_set_up(network: Network) -> None:
    network.run("design_services")
    bind(network)
    network.run("reserve_address")

    network.run("activate_family", family="ip")

    assert routed(network) == {"203.0.113.2": f"mac:{MAC}", "2001:db8::/56": f"mac:{MAC}"}
    network.undo("activate_family", family="ip")
    network.undo("reserve_address")
    with scoping.realm_transaction(network.realm.pk):
        address = Service.objects.get(feature_key="ip.dynamic", kind="assignment", ordinal=1)
        assert address.desired == {"address": "", "address_kind": "address"}


def test_a_static_address_is_the_routers_while_there_is_one_and_the_other_is_again_when_it_is_gone(
    online: Network,
) -> None:
    bind(online)
    sell(online, STATIC)
    for task in ("design_services", "reserve_address", "assign_number", "change_services"):
        assert isinstance(online.run(task, "more"), Done)

    assert routed(online) == {"203.0.113.2": "", "198.51.100.1": f"mac:{MAC}", "2001:db8::/56": f"mac:{MAC}"}

    sell(online)
    assert isinstance(online.run("change_services", "less"), Done)

    assert routed(online) == {"203.0.113.2": f"mac:{MAC}", "2001:db8::/56": f"mac:{MAC}"}

    online.undo("change_services", "less")

    assert routed(online) == {"203.0.113.2": "", "198.51.100.1": f"mac:{MAC}", "2001:db8::/56": f"mac:{MAC}"}


def test_an_address_that_people_tied_to_a_port_follows_no_router(online: Network) -> None:
    with scoping.realm_transaction(online.realm.pk):
        address = Service.objects.get(name="203.0.113.2")
        clients.bind(actor=online.system, service=address, identifier="circuit_id:olt1/0/7")

    bind(online)

    with scoping.realm_transaction(online.realm.pk):
        assert Service.objects.get(pk=address.pk).desired["identifier"] == "circuit_id:olt1/0/7"


def test_a_router_of_another_customer_is_refused_also_when_it_was_known_before_the_address(online: Network) -> None:
    bind(online)
    first = online.subscription
    with scoping.realm_transaction(online.realm.pk):
        online.subscription = subscribe(online.realm, online.plan, 2)
    online.run("design_services", "run-2")
    bind(online, "run-2")
    online.run("reserve_address", "run-2")

    with pytest.raises(ClientTaken, match=r"203\.0\.113\.2"):
        online.run("activate_family", "run-2", family="ip")

    with scoping.realm_transaction(online.realm.pk):
        assert not Service.objects.filter(subscription=online.subscription, family="ip", state="active").exists()
    online.subscription = first
    assert routed(online) == {"203.0.113.2": f"mac:{MAC}", "2001:db8::/56": f"mac:{MAC}"}
