"""An order's address at a real Kea: held, bound to a router that gets it, shut, known afterwards, and gone again."""

from __future__ import annotations

import pytest

from boss.core import clock, scoping
from ipservices.drivers.ip_kea.lab import HOST6, Lab
from ipservices.drivers.ip_kea.lab import bindings as lab_bindings
from ipservices.drivers.ip_kea.lab.client import Delegated, Router
from ipservices.errors import ClientTaken
from ipservices.labs import HOST, Names
from ipservices.models import Binding, DriverCall, Prefix, Service
from ipservices.services import bindings, holders, leases_seen, networks, provisioning, reconciling
from tests.ipservices.conftest import Network, subscribe
from tests.labs import Labs
from workflow.contracts import Done

MAC, OTHER_MAC = "00:aa:bb:cc:dd:01", "00:aa:bb:cc:dd:02"
ADDRESS = "203.0.113.2"


@pytest.fixture
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


def router(kea_lab: Lab, mac: str = MAC) -> Router:
    return Router((HOST, kea_lab.dhcp_port), mac, "203.0.113.1")


def prefix_router(kea_lab: Lab, mac: str = MAC) -> Delegated:
    """The same router asking for its prefix: its DUID is made of its hardware address, as most do (RFC 8415, 11.4)."""
    return Delegated((HOST6, kea_lab.dhcp6_port), bytes.fromhex("00030001" + mac.replace(":", "")), "2001:db8::1")


def address_of(network: Network, ordinal: int = 1) -> Service:
    with scoping.realm_transaction(network.realm.pk):
        rows = Service.objects.filter(subscription=network.subscription, feature_key="ip.dynamic", kind="assignment")
        found: Service = rows.get(ordinal=ordinal)
    return found


def install(network: Network, mac: str = MAC, run: str = "run-1") -> Service:
    """What installation finds out: which router it is."""
    outcome = network.run("bind_equipment", run, router_mac=mac, router_serial="R-1")
    assert isinstance(outcome, Done)
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

    bound = install(at_kea)
    assert bound.observed["attributes"]["bound"] is True
    assert mine.lease()
    assert mine.address == ADDRESS
    beside = prefix_router(kea_lab)
    assert beside.lease()
    assert beside.prefix == address_of(at_kea, 2).name

    assert leases_seen.read(realm_id=realm_id, binding_id=server.pk) == 2
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

    at_kea.undo("bind_equipment")
    assert address_of(at_kea).observed["attributes"] == held.observed["attributes"]
    assert address_of(at_kea).desired == held.desired
    assert not router(kea_lab).lease()
    assert not prefix_router(kea_lab).lease()
    at_kea.undo("activate_family", family="ip")
    assert not router(kea_lab).lease()


def test_another_router_takes_the_address_over_at_once_and_gives_it_back_when_that_is_undone(
    at_kea: Network, kea_lab: Lab
) -> None:
    at_kea.run("activate_family", family="ip")
    install(at_kea)
    old, new = router(kea_lab), router(kea_lab, OTHER_MAC)
    assert old.lease()
    assert not new.lease()

    swapped = install(at_kea, OTHER_MAC, run="swap")

    assert swapped.observed["attributes"]["identifier"] == f"mac:{OTHER_MAC}"
    assert new.lease()
    assert new.address == ADDRESS
    assert not old.renew()

    at_kea.undo("bind_equipment", "swap")

    assert old.lease()
    assert old.address == ADDRESS
    assert not new.renew()


def test_a_router_that_another_customer_has_is_refused_and_both_keep_what_they_had(
    at_kea: Network, kea_lab: Lab
) -> None:
    at_kea.run("activate_family", family="ip")
    install(at_kea)
    first = at_kea.subscription
    with scoping.realm_transaction(at_kea.realm.pk):
        at_kea.subscription = subscribe(at_kea.realm, at_kea.plan, 2)
        account = first.account.number
    for task in ("design_services", "reserve_address"):
        at_kea.run(task, "run-2")
    at_kea.run("activate_family", "run-2", family="ip")
    before = address_of(at_kea)

    with pytest.raises(ClientTaken, match=account) as refused:
        at_kea.run("bind_equipment", "run-2", router_mac=MAC)

    assert not getattr(refused.value, "retryable", False)
    after = address_of(at_kea)
    assert (after.desired, after.revision) == (before.desired, before.revision)
    with scoping.realm_transaction(at_kea.realm.pk):
        device = Service.objects.get(
            subscription=at_kea.subscription, family="cpe", ordinal=1, feature_key="cpe.router"
        )
        assert (device.desired["mac"], device.state) == ("", "designed")
    mine = router(kea_lab)
    assert mine.lease()
    assert mine.address == ADDRESS

    assert install(at_kea, OTHER_MAC, run="run-2").observed["attributes"]["bound"] is True


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
