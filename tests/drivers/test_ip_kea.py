"""Kea beyond the kit: delegated prefixes, subnets, what is not known yet, and a server that only says it serves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ipservices.conformance import CHECKS, Check
from ipservices.contracts import Conflict, Desired, Invalid, Network, Restriction
from ipservices.drivers.ip_kea.driver import KeaDriver
from ipservices.drivers.ip_kea.lab import DATABASE, HOST, HOST6, Lab, bindings
from ipservices.drivers.ip_kea.lab.bench import NAMES, AddressBench, KeaBench, PrefixBench
from ipservices.drivers.ip_kea.lab.client import Delegated, Router
from tests.drivers.conftest import Benches
from tests.labs import Labs

CUSTOMERS = Network(70001, "100.64.7.0/24", "100.64.7.1")
BLOCKS = Network(70002, "100.64.9.0/25")
DELEGATIONS = Network(70003, "2001:db8:7000::/40")
MAC = "00:11:22:33:44:55"


@pytest.fixture(scope="module")
def lab(labs: Labs) -> Lab:
    found: Lab = labs.of("ip_kea", "beyond")
    return found


@pytest.fixture(scope="module")
def prefixes(benches: Benches, lab: Lab) -> PrefixBench:
    return PrefixBench(benches.realm_id, lab, *bindings(lab.facts(), NAMES), "ip.assignment", "Kea prefixes")


@pytest.fixture
def kea(prefixes: PrefixBench, lab: Lab) -> Iterator[KeaBench]:
    """A server of its own with customers' networks, and no reservation of ours."""
    with prefixes.driver() as driver:
        driver.publish_networks((CUSTOMERS, BLOCKS, DELEGATIONS))
    with lab.sql.connect(DATABASE) as connection:
        connection.execute("DELETE FROM hosts WHERE user_context NOT LIKE '%boss-test%'")
        connection.execute("DELETE FROM lease4")
        connection.execute("DELETE FROM lease6")
    yield prefixes


def address(last: int = 20, **attributes: Any) -> Desired:
    name = f"100.64.7.{last}"
    return Desired(
        f"svc-address{last:05d}", "ip", "assignment", name, {"address": name, "address_kind": "address", **attributes}
    )


def establish(kea: KeaBench, desired: Desired) -> Any:
    with kea.driver() as driver:
        return driver.establish(desired, key="test")


def router(kea: KeaBench, mac: str = MAC, **more: Any) -> Router:
    return Router((HOST, kea.lab.dhcp_port), mac, "100.64.7.1", **more)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.key)
def test_a_delegated_prefix_keeps_what_every_driver_promises(prefixes: PrefixBench, check: Check) -> None:
    prefixes.reset()
    if check.applies_to(prefixes):
        check.run(prefixes)
