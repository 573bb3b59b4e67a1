"""An order's address at a real Kea: held, bound to a router that gets it, shut, known afterwards, and gone again."""

from __future__ import annotations

import pytest

from boss.core import clock, scoping
from ipservices.drivers.ip_kea.lab import Lab
from ipservices.drivers.ip_kea.lab import bindings as lab_bindings
from ipservices.drivers.ip_kea.lab.client import Router
from ipservices.labs import HOST, Names
from ipservices.models import Binding, DriverCall, Prefix, Service
from ipservices.services import bindings, holders, leases_seen, networks, provisioning, reconciling
from tests.ipservices.conftest import Network
from tests.labs import Labs

MAC = "00:aa:bb:cc:dd:01"
ADDRESS = "203.0.113.2"


@pytest.fixture(scope="module")
def kea_lab(labs: Labs) -> Lab:
    found: Lab = labs.empty("ip_kea", "service")
    return found


@pytest.fixture
def at_kea(network: Network, kea_lab: Lab) -> Network:
    [bound] = lab_bindings(kea_lab.facts(), Names("s.example", "m.example", "v.example"))
    with scoping.realm_transaction(network.realm.pk):
        network.bindings["ip"] = bindings.create(
            actor=network.system,
            family="ip",
            driver_key="ip_kea",
            name="Kea",
            settings=bound.settings,
            secrets=bound.secrets,
            position=1,
        )
    networks.publish(realm_id=network.realm.pk, binding_id=network.bindings["ip"].pk)
    network.run("design_services")
    network.run("reserve_address")
    return network


def router(kea_lab: Lab) -> Router:
    return Router((HOST, kea_lab.dhcp_port), MAC, "203.0.113.1")


def address_of(network: Network) -> Service:
    with scoping.realm_transaction(network.realm.pk):
        found: Service = Service.objects.get(family="ip", name=ADDRESS)
    return found


def bind(network: Network) -> Service:
    """What installation finds out: which router it is."""
    row = address_of(network)
    with scoping.realm_transaction(network.realm.pk):
        locked = Service.objects.select_for_update(of=("self",)).get(pk=row.pk)
        locked.desired = {**locked.desired, "identifier": f"mac:{MAC}"}
        locked.revision += 1
        locked.save()
    reconciling.reconcile(realm_id=network.realm.pk, service_id=row.pk)
    return address_of(network)


def test_the_address_of_an_order_is_held_bound_leased_known_and_gone_after_the_reversal(
    at_kea: Network, kea_lab: Lab
) -> None:
    realm_id, server = at_kea.realm.pk, at_kea.bindings["ip"]
    at_kea.run("activate_family", family="ip")
    held = address_of(at_kea)
    assert held.state == "active"
    assert held.observed["attributes"]["bound"] is False
    mine = router(kea_lab)
    assert not mine.lease()

    bound = bind(at_kea)
    assert bound.observed["attributes"]["bound"] is True
    assert mine.lease()
    assert mine.address == ADDRESS

    assert leases_seen.read(realm_id=realm_id, binding_id=server.pk) == 1
    assert leases_seen.read(realm_id=realm_id, binding_id=server.pk) == 0
    with scoping.realm_transaction(realm_id):
        found = holders.who_had(actor=at_kea.system, address=ADDRESS, at=clock.now())
    assert [(one.told_by, one.service) for one in found] == [("assigned", bound), ("seen", bound)]
    assert found[1].identifier == f"mac:{MAC}"

    for verb, served in ((provisioning.suspend, False), (provisioning.resume, True)):
        with scoping.realm_transaction(realm_id):
            verb(actor=at_kea.system, service=bound)
        reconciling.reconcile(realm_id=realm_id, service_id=bound.pk)
        assert router(kea_lab).lease() is served

    at_kea.undo("activate_family", family="ip")
    assert not router(kea_lab).lease()


def test_every_network_is_told_and_no_password_is_on_record(at_kea: Network, kea_lab: Lab) -> None:
    at_kea.run("activate_family", family="ip")

    config = kea_lab.command("dhcp4", "config-get")["arguments"]["Dhcp4"]
    [shared] = [one for one in config["shared-networks"] if one["name"] == f"boss-{at_kea.realm.pk}"]
    numbers = {one["subnet"]: one["id"] for one in shared["subnet4"]}
    with scoping.realm_transaction(at_kea.realm.pk):
        for prefix in Prefix.objects.filter(version=4):
            assert prefix.network in numbers
        told = [f"{call.request} {call.answer} {call.error}" for call in DriverCall.objects.all()]
        assert Binding.objects.filter(driver_key="ip_kea").count() == 1
    assert told
    assert not any(secret in words for words in told for secret in (kea_lab.sql_password, kea_lab.control_password))
    at_kea.undo("activate_family", family="ip")
