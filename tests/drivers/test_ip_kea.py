"""Kea beyond the kit: delegated prefixes, subnets, what is not known yet, and a server that only says it serves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ipservices.conformance import CHECKS, Check
from ipservices.contracts import Conflict, Desired, Invalid, Network, Restriction
from ipservices.drivers.ip_kea.lab import HOST6, Lab, bindings
from ipservices.drivers.ip_kea.lab.bench import NAMES, KeaBench, PrefixBench
from ipservices.drivers.ip_kea.lab.client import Delegated, Router
from ipservices.labs import HOST
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
    with lab.sql.connect(lab.database) as connection:
        connection.execute("DELETE FROM hosts WHERE coalesce(user_context, '') NOT LIKE '%boss-test%'")
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


def test_a_client_gets_the_address_that_is_reserved_for_it_and_a_stranger_gets_none(kea: KeaBench) -> None:
    establish(kea, address(identifier=f"mac:{MAC}", hostname="maria"))

    mine, stranger = router(kea), router(kea, "00:11:22:33:44:66")

    assert mine.lease()
    assert mine.address == "100.64.7.20"
    assert mine.options[3] == bytes([100, 64, 7, 1])
    assert mine.options[12].startswith(b"maria")
    assert not stranger.lease()


def test_a_client_is_known_by_the_port_of_its_access_node(kea: KeaBench) -> None:
    establish(kea, address(identifier="circuit_id:olt1/0/7"))

    anybody = router(kea, "00:99:99:99:99:99", circuit_id=b"olt1/0/7")

    assert anybody.lease()
    assert anybody.address == "100.64.7.20"
    assert not router(kea, "00:99:99:99:99:99", circuit_id=b"olt1/0/8").lease()


def test_an_address_whose_client_is_not_known_yet_is_held_and_said_to_be_unbound(kea: KeaBench) -> None:
    held = establish(kea, address())

    assert held.attributes["bound"] is False
    assert held.attributes["identifier"] == ""
    assert not router(kea).lease()

    bound = establish(kea, address(identifier=f"mac:{MAC}"))

    assert bound.attributes["bound"] is True
    mine = router(kea)
    assert mine.lease()
    assert mine.address == "100.64.7.20"


def test_nobody_else_gets_an_address_that_is_held_for_a_client_not_known_yet(kea: KeaBench) -> None:
    establish(kea, address())

    with pytest.raises(Conflict):
        establish(kea, replace(address(), service_ref="svc-another00001"))
    with kea.driver() as driver:
        found = driver.observe(address())
    assert found is not None
    assert found.service_ref == address().service_ref


def test_an_address_that_somebody_reserved_past_boss_is_refused_and_left_alone(kea: KeaBench) -> None:
    with kea.lab.sql.connect(kea.lab.database) as connection:
        connection.execute(
            "INSERT INTO hosts (dhcp_identifier, dhcp_identifier_type, dhcp4_subnet_id, ipv4_address, hostname)"
            " VALUES ('\\x001122334477', 0, 70001, inet '100.64.7.20' - inet '0.0.0.0', 'by-hand')"
        )

    with pytest.raises(Conflict):
        establish(kea, address(identifier=f"mac:{MAC}"))

    with kea.lab.sql.connect(kea.lab.database) as connection:
        rows = connection.execute("SELECT hostname FROM hosts WHERE dhcp4_subnet_id = 70001").fetchall()
    assert rows == [("by-hand",)]


def test_one_client_cannot_have_two_addresses_in_one_subnet(kea: KeaBench) -> None:
    establish(kea, address(20, identifier=f"mac:{MAC}"))

    with pytest.raises(Conflict):
        establish(kea, address(21, identifier=f"mac:{MAC}"))
    with kea.driver() as driver:
        assert driver.observe(address(21)) is None


def test_a_block_gives_the_router_its_first_usable_address(kea: KeaBench) -> None:
    name = "100.64.9.8/29"
    block = Desired("svc-block0000001", "ip", "assignment", name, {
        "address": name, "address_kind": "block", "prefix": 29, "identifier": f"mac:{MAC}",
    })  # fmt: skip

    establish(kea, block)

    mine = Router((HOST, kea.lab.dhcp_port), MAC, "100.64.9.1")
    assert mine.lease()
    assert mine.address == "100.64.9.9"


@pytest.mark.parametrize(
    "wrong",
    [
        {"identifier": "mac:00:11"},
        {"identifier": "duid:00:01"},
        {"identifier": "mac:nonsense"},
        {"hostname": "no such_name"},
        {"address": "100.64.7.21"},
        {"address_kind": "delegation"},
    ],
)
def test_values_kea_could_never_serve_are_refused_beside_their_field(kea: KeaBench, wrong: dict[str, str]) -> None:
    [field] = wrong

    with pytest.raises(Invalid) as caught, kea.driver() as driver:
        driver.validate(address(**wrong))

    assert field in caught.value.fields


def test_a_walled_client_is_led_to_the_walled_garden_with_a_short_lease_and_back(kea: KeaBench) -> None:
    wanted = address(identifier=f"mac:{MAC}")
    establish(kea, wanted)
    mine = router(kea)
    assert mine.lease()
    assert (mine.nameservers, mine.lease_seconds) == (["192.0.2.53"], 3600)

    found = establish(kea, replace(wanted, restriction=Restriction.WALLED))

    assert found.restriction is Restriction.WALLED
    assert mine.renew()
    assert (mine.nameservers, mine.lease_seconds) == (["192.0.2.66"], 120)
    assert mine.options[3] == bytes([192, 0, 2, 1])
    with kea.driver() as driver:
        assert driver.gets_through(wanted) is False

    establish(kea, wanted)

    assert mine.renew()
    assert (mine.nameservers, mine.lease_seconds) == (["192.0.2.53"], 3600)
    with kea.driver() as driver:
        assert driver.gets_through(wanted) is True


def test_a_client_with_two_services_is_shut_out_while_one_of_them_is_blocked(kea: KeaBench) -> None:
    first = address(20, identifier=f"mac:{MAC}")
    block = Desired("svc-block0000001", "ip", "assignment", "100.64.9.8/29",
                    {"address": "100.64.9.8/29", "address_kind": "block", "identifier": f"mac:{MAC}"})  # fmt: skip
    establish(kea, first)
    establish(kea, block)

    establish(kea, replace(first, restriction=Restriction.BLOCKED))
    establish(kea, replace(block, restriction=Restriction.BLOCKED))
    establish(kea, block)

    assert not router(kea).lease()

    establish(kea, first)

    assert router(kea).lease()


def test_somebody_who_opens_a_blocked_client_by_hand_is_found_out(kea: KeaBench) -> None:
    blocked = replace(address(identifier=f"mac:{MAC}"), restriction=Restriction.BLOCKED)
    establish(kea, blocked)
    with kea.lab.sql.connect(kea.lab.database) as connection:
        connection.execute("DELETE FROM hosts WHERE dhcp4_subnet_id = 0")
    assert router(kea).lease()

    with kea.driver() as driver:
        found = driver.compare(blocked, driver.observe(blocked))
    establish(kea, blocked)

    assert [one.field for one in found] == ["restriction"]
    assert not router(kea).lease()


# --- subnets


def serve_by_hand(kea: KeaBench, number: int, network: str) -> None:
    """The operator adds a subnet past BOSS."""
    config = kea.lab.command("dhcp4", "config-get")["arguments"]
    config.pop("hash", None)
    subnet = {"id": number, "subnet": network, "pools": [{"pool": f"{network[:-4]}100 - {network[:-4]}110"}]}
    config["Dhcp4"]["shared-networks"].append({"name": f"by hand {number}", "subnet4": [subnet]})
    assert kea.lab.command("dhcp4", "config-set", config)["result"] == 0


def test_networks_are_published_once_and_keep_their_numbers(kea: KeaBench) -> None:
    with kea.driver() as driver:
        again = driver.publish_networks((CUSTOMERS, BLOCKS, DELEGATIONS))
        more = driver.publish_networks((CUSTOMERS, BLOCKS, DELEGATIONS, Network(70004, "100.64.200.0/24")))

    config = kea.lab.command("dhcp4", "config-get")["arguments"]["Dhcp4"]
    numbers = {one["subnet"]: one["id"] for shared in config["shared-networks"] for one in shared["subnet4"]}
    assert (again, more) == (0, 1)
    assert numbers["100.64.7.0/24"] == 70001
    assert numbers["100.64.200.0/24"] == 70004

    kea.lab.restart()

    config = kea.lab.command("dhcp4", "config-get")["arguments"]["Dhcp4"]
    assert {one["id"] for shared in config["shared-networks"] for one in shared["subnet4"]} >= {70001, 70004}


def test_a_network_that_was_added_anew_keeps_the_number_its_leases_know(kea: KeaBench) -> None:
    with kea.driver() as driver:
        assert driver.publish_networks((Network(79999, CUSTOMERS.network, CUSTOMERS.gateway), BLOCKS, DELEGATIONS)) == 0

    config = kea.lab.command("dhcp4", "config-get")["arguments"]["Dhcp4"]
    numbers = {one["subnet"]: one["id"] for shared in config["shared-networks"] for one in shared["subnet4"]}
    assert numbers[CUSTOMERS.network] == CUSTOMERS.number


def test_a_configuration_that_kea_would_refuse_is_not_set(kea: KeaBench) -> None:
    establish(kea, address(identifier=f"mac:{MAC}"))
    serve_by_hand(kea, 71000, "100.66.0.0/24")
    before = kea.lab.command("dhcp4", "config-get")["arguments"]

    with pytest.raises(Invalid, match="already in use"), kea.driver() as driver:
        # Another network under a number that is taken: Kea cannot store both.
        driver.publish_networks((CUSTOMERS, Network(71000, "100.67.0.0/24")))

    assert kea.lab.command("dhcp4", "config-get")["arguments"] == before
    assert router(kea).lease()


def test_the_operators_own_subnet_keeps_its_number_and_takes_our_reservations(kea: KeaBench) -> None:
    serve_by_hand(kea, 5, "100.65.0.0/24")
    wanted = replace(address(identifier=f"mac:{MAC}"), name="100.65.0.7")
    wanted = replace(wanted, attributes={**wanted.attributes, "address": "100.65.0.7"})

    with kea.driver() as driver:
        driver.publish_networks((CUSTOMERS, BLOCKS, DELEGATIONS, Network(70005, "100.65.0.0/24")))
    establish(kea, wanted)

    after = kea.lab.command("dhcp4", "config-get")["arguments"]["Dhcp4"]["shared-networks"]
    [kept] = [shared for shared in after if shared["name"] == "by hand 5"]
    assert [one["id"] for one in kept["subnet4"]] == [5]
    mine = Router((HOST, kea.lab.dhcp_port), MAC, "100.65.0.1")
    assert mine.lease()
    assert mine.address == "100.65.0.7"


# --- health


def test_a_server_that_says_ready_and_serves_nobody_is_noticed_and_revived(kea: KeaBench) -> None:
    establish(kea, address(identifier=f"mac:{MAC}"))
    config = kea.lab.command("dhcp4", "config-get")["arguments"]
    config.pop("hash", None)
    config["Dhcp4"]["shared-networks"][0]["subnet4"].append({"id": 70001, "subnet": "10.99.0.0/24"})
    while kea.lab.command("dhcp4", "status-get")["arguments"]["reload"] < 6:
        time.sleep(0.2)

    refused = kea.lab.command("dhcp4", "config-set", config)

    assert refused["result"] != 0
    assert kea.lab.command("dhcp4", "status-get")["arguments"]["sockets"]["status"] == "ready"
    assert not router(kea).lease()

    with kea.driver() as driver:
        found = driver.health()

    assert found.is_good, found.detail
    assert "served nobody" in found.detail
    assert router(kea).lease()


def test_health_leaves_no_lease_behind(kea: KeaBench) -> None:
    with kea.driver() as driver:
        assert driver.health().is_good
        assert driver.health().is_good

    with kea.lab.sql.connect(kea.lab.database) as connection:
        assert connection.execute("SELECT count(*) FROM lease4").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM lease6").fetchone() == (0,)


# --- who had it


def test_leases_are_written_down_as_they_begin_and_end_and_renewals_are_not(kea: KeaBench) -> None:
    with kea.driver() as driver:
        start = driver.lease_events({}).cursor
    first = address(20, identifier=f"mac:{MAC}")
    establish(kea, first)
    mine = router(kea)

    assert mine.lease()
    assert mine.renew()
    mine.release()
    assert mine.lease()
    establish(kea, replace(first, restriction=Restriction.BLOCKED))

    with kea.driver() as driver:
        reading = driver.lease_events(start)
        again = driver.lease_events(reading.cursor)
    seen = [(one.opened, one.address, one.identifier, one.service_ref) for one in reading.events]
    one_lease = [(state, "100.64.7.20", f"mac:{MAC}", first.service_ref) for state in (True, False)]
    assert seen == one_lease * 2
    assert [one.at for one in reading.events] == sorted(one.at for one in reading.events)
    assert again.events == ()


def test_a_delegated_prefix_is_in_the_history_too(kea: KeaBench) -> None:
    with kea.driver() as driver:
        start = driver.lease_events({}).cursor
    name = "2001:db8:7000:200::/56"
    duid = "duid:00:03:00:01:00:11:22:33:44:55"
    establish(kea, Desired("svc-prefix000001", "ip", "assignment", name, {"address": name, "identifier": duid}))
    mine = Delegated((HOST6, kea.lab.dhcp6_port), bytes.fromhex(duid[5:].replace(":", "")), "2001:db8:7000::")

    assert mine.lease()
    assert mine.prefix == name
    assert mine.renew()

    with kea.driver() as driver:
        events = driver.lease_events(start).events
    assert [(one.opened, one.address, one.length, one.identifier) for one in events] == [
        (True, "2001:db8:7000:200::", 56, duid)
    ]


def test_a_lease_that_runs_out_ends_at_that_very_moment(kea: KeaBench) -> None:
    with kea.driver() as driver:
        start = driver.lease_events({}).cursor
    establish(kea, address(identifier=f"mac:{MAC}"))
    assert router(kea).lease()
    with kea.lab.sql.connect(kea.lab.database, autocommit=True) as connection:
        ran_out = connection.execute(
            # Kea counts in whole seconds and does not find a lease again that ends in between.
            "UPDATE lease4 SET expire = date_trunc('second', clock_timestamp() + interval '2 seconds') RETURNING expire"
        ).fetchone()
    assert ran_out is not None

    def ended() -> Any:
        with kea.driver() as driver:
            return [one for one in driver.lease_events(start).events if not one.opened]

    ends = time.monotonic() + 15
    while not ended() and time.monotonic() < ends:
        time.sleep(0.2)

    [event] = ended()
    assert event.at == ran_out[0]
