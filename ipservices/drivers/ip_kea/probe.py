"""The test client: BOSS asking for an address as a subscriber behind a relay does, and nothing being leased by it."""

from __future__ import annotations

import ipaddress
import secrets

from ipservices.contracts import Connection, Deadline, Unreachable
from ipservices.drivers.ip_kea import relay
from ipservices.drivers.ip_kea.hosts import NAMESERVERS, Place
from ipservices.drivers.ip_kea.identifiers import KINDS, Identifier
from ipservices.transport import reachable_address

TEST_CLIENT = Identifier(KINDS["mac"], bytes.fromhex("02b055000001"))
"""A locally administered hardware address that no equipment has; its reservation is the test network's first."""

_SECONDS = 1.5
_DEFAULTS = {4: ("test_network", "198.18.0.0/24"), 6: ("test_network6", "2001:db8:ffff::/48")}


class Tester:
    """Questions to the server of one connection."""

    def __init__(self, connection: Connection, deadline: Deadline) -> None:
        self._settings = connection.settings
        self._networks = connection.networks
        self._deadline = deadline

    def network(self, version: int) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        """The network that is kept for tests. Raises ValueError."""
        key, default = _DEFAULTS[version]
        return ipaddress.ip_network(str(self._settings.get(key) or default).strip())

    def place(self, version: int, number: int = 1) -> Place:
        """The ``number``-th address or /56 of the test network."""
        network = self.network(version)
        if version == 4:
            return Place(ipaddress.ip_network(network[number]))
        return Place(ipaddress.ip_network((int(network[0]) + ((number - 1) << 72), 56)))

    def ask(self, place: Place, identifier: Identifier) -> relay.Offer | None:
        """What the server offers this client in the subnet of the place. Raises Unreachable, Invalid."""
        client = _client(identifier)
        seconds = min(_SECONDS, max(0.1, self._deadline.left))
        host, port = ("dhcp_host", "dhcp_port") if place.version == 4 else ("dhcp6_host", "dhcp6_port")
        address = reachable_address(str(self._settings[host]), self._networks)
        where = (address, int(self._settings.get(port) or (67 if place.version == 4 else 547)))
        try:
            if place.version == 4:
                return relay.discover(where, client, place.leased, seconds)
            return relay.solicit(where, client, place.leased, seconds, prefix=not place.is_single)
        except OSError as error:
            raise Unreachable(f"port {where[1]}: {error}") from error


def nameservers_of(offer: relay.Offer) -> list[str]:
    """The name servers a DHCPv4 client is told."""
    value = offer.options.get(NAMESERVERS, b"")
    return [str(ipaddress.IPv4Address(value[at : at + 4])) for at in range(0, len(value) - 3, 4)]


def _client(identifier: Identifier) -> relay.Client:
    hardware = identifier.value if identifier.kind == KINDS["mac"] else b"\x02\xb0" + secrets.token_bytes(4)
    return relay.Client(
        hardware,
        client_id=identifier.value if identifier.kind == KINDS["client_id"] else b"",
        circuit_id=identifier.value if identifier.kind == KINDS["circuit_id"] else b"",
        duid=identifier.value if identifier.kind == KINDS["duid"] else b"",
    )
