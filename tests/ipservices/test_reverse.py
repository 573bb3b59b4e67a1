"""Reverse records: their names, and when an order gets one."""

from __future__ import annotations

import ipaddress

import pytest

from boss.core import scoping
from ipservices import reverse
from ipservices.models import Service
from ipservices.services import bindings, design
from subscribers.models import Subscription
from tests.ipservices.conftest import Network


@pytest.mark.parametrize(
    ("network", "zones", "named"),
    [
        ("203.0.113.0/28", "113.0.203.in-addr.arpa", True),
        ("203.0.113.0/28", "203.in-addr.arpa", True),
        ("203.0.113.0/28", "114.0.203.in-addr.arpa 13.0.203.in-addr.arpa", False),
        ("203.0.112.0/23", "112.0.203.in-addr.arpa", False),
        ("203.0.112.0/23", "112.0.203.in-addr.arpa 113.0.203.in-addr.arpa.", True),
        ("2001:db8:7::/48", "7.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", True),
        ("2001:db8:4::/46", "7.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", False),
        ("203.0.113.0/28", "", False),
    ],
)
def test_a_network_is_named_when_every_address_of_it_is(network: str, zones: str, named: bool) -> None:
    assert reverse.are_named(ipaddress.ip_network(network), zones.split()) is named


@pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8::7"])
def test_an_address_is_found_back_from_its_name(address: str) -> None:
    assert reverse.reverse_address(reverse.reverse_name(address)) == address


def test_the_innermost_zone_holds_the_name() -> None:
    zones = ["203.in-addr.arpa", "113.0.203.in-addr.arpa", "3.in-addr.arpa"]

    assert reverse.reverse_zone("203.0.113.7", zones) == "113.0.203.in-addr.arpa"
    assert reverse.reverse_zone("192.0.2.7", zones) == ""
    assert reverse.last_address("113.0.203.in-addr.arpa") == "203.0.113.255"
    assert reverse.zones_around(["203.0.113.0/28", "203.0.113.64/26", "2001:db8::/32"]) == [
        "113.0.203.in-addr.arpa",
        "8.b.d.0.1.0.0.2.ip6.arpa",
    ]


def _planned(network: Network, zones: str) -> list[tuple[str, str]]:
    with scoping.realm_transaction(network.realm.pk):
        bindings.change(
            actor=network.system, binding=network.bindings["dns"], settings={"server": "dns", "reverse_zones": zones}
        )
    network.run("design_services")
    with scoping.realm_transaction(network.realm.pk):
        rows = Service.objects.filter(family="dns").order_by("kind")
        return [(row.kind, row.feature_key) for row in rows]


def test_an_order_gets_a_reverse_record_only_where_all_addresses_of_its_pool_have_a_zone(network: Network) -> None:
    assert _planned(network, "51.198.in-addr.arpa") == [("host", "dns.host")]


def _left_with(network: Network, *features: str) -> set[str]:
    """The subscription consists of these only; which families are not as it wants them."""
    with scoping.realm_transaction(network.realm.pk):
        subscription = Subscription.objects.get(pk=network.subscription.pk)
        subscription.features = [one for one in subscription.features if one["key"] in features]
        subscription.save()
        return design.families_behind(subscription)


def test_a_reverse_record_says_the_host_name_and_goes_with_it(network: Network) -> None:
    _left_with(network, "ip.dynamic", "dns.host")
    assert _planned(network, "113.0.203.in-addr.arpa") == [("host", "dns.host"), ("ptr", "ip.dynamic")]

    network.run("reserve_address")
    network.run("activate_family", family="dns")

    held = [one for one in network.held() if "dns.ptr" in one]
    assert len(held) == 1
    assert "203.0.113.2" in held[0] and "a-10001.subs.alpha.example" in held[0]

    assert "dns" in _left_with(network, "ip.dynamic")
    network.run("change_services", run="run-2")
    assert [one for one in network.held() if "dns." in one] == []
    with scoping.realm_transaction(network.realm.pk):
        assert not Service.objects.filter(family="dns").exclude(state="terminated").exists()
