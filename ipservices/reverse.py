"""Names of addresses in the reverse tree (RFC 1035, 3.5; RFC 3596): pure functions, no final dots."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def reverse_name(address: str) -> str:
    """``192.0.2.7`` → ``7.2.0.192.in-addr.arpa``. Raises ValueError."""
    return ipaddress.ip_address(address).reverse_pointer


def reverse_address(name: str) -> str:
    """The address a reverse name stands for. Raises ValueError."""
    if name.endswith(".in-addr.arpa"):
        return str(ipaddress.IPv4Address(".".join(reversed(name.removesuffix(".in-addr.arpa").split(".")))))
    digits = "".join(reversed(name.removesuffix(".ip6.arpa").split(".")))
    return str(ipaddress.IPv6Address(int(digits, 16)))


def reverse_zone(address: str, zones: Iterable[str]) -> str:
    """The innermost of ``zones`` in which an address has its name; empty when there is none. Raises ValueError."""
    name = reverse_name(address)
    return max((zone for zone in zones if zone and name.endswith(f".{zone}")), key=len, default="")


def zone_around(network: Network) -> str:
    """The smallest zone that can hold the names of all addresses of a network: cut at a label's border."""
    bits = 8 if network.version == 4 else 4
    most = network.max_prefixlen // bits
    kept = min(network.prefixlen // bits, most - 1)
    return ".".join(network.network_address.reverse_pointer.split(".")[most - kept :])


def zones_around(networks: Iterable[str]) -> list[str]:
    """:func:`zone_around` for several networks, each zone once."""
    return sorted({zone_around(ipaddress.ip_network(text)) for text in networks})


def are_named(network: Network, zones: Iterable[str]) -> bool:
    """Whether every address of the network has its name in one of ``zones``."""
    bits = 8 if network.version == 4 else 4
    border = -(-network.prefixlen // bits) * bits
    wide = border < network.max_prefixlen
    parts = network.subnets(new_prefix=border) if wide else iter((network,))
    held = [zone.lower().rstrip(".") for zone in zones]
    return all(any(f".{zone_around(part)}".endswith(f".{zone}") for zone in held if zone) for part in parts)


def last_address(zone: str) -> str:
    """The last address with a name in a reverse zone: a broadcast address, which nobody is given."""
    four = zone.endswith(".in-addr.arpa")
    missing = (6 if four else 34) - len(zone.split("."))
    return reverse_address(".".join([*(["255" if four else "f"] * missing), zone]))
