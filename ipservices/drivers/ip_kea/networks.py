"""Kea's configuration with the realm's networks in it: pure functions on what ``config-get`` gives.

Everything BOSS adds stands in one shared network per realm, so that a client gets its reservation whichever of the
realm's subnets it is in. What is not BOSS's stays as it is. A subnet's id is the prefix's own number and never
changes: ids that Kea counts itself move when a subnet is added, and all leases with them.
"""

from __future__ import annotations

import copy
import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ipservices.contracts import Invalid, Network

WALLED = "boss-walled"
"""Class of clients in the walled garden; it gives them short leases, so that they are soon out again."""

TEST_NUMBER = 4294967294
"""The last id Kea takes: the test network's."""

_IDENTIFIERS = {4: ("hw-address", "circuit-id", "client-id"), 6: ("duid", "hw-address")}
Config = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a binding says about the subnets BOSS makes."""

    realm_id: int
    relays: tuple[str, ...]
    nameservers: tuple[str, ...]
    lease_seconds: int
    walled_seconds: int


def root(version: int) -> str:
    return f"Dhcp{version}"


def daemon(version: int) -> str:
    return f"dhcp{version}"


def subnets(config: Mapping[str, Any], version: int) -> Iterator[dict[str, Any]]:
    """Every subnet of a configuration, wherever it stands."""
    key = f"subnet{version}"
    inside = config.get(root(version), config)
    yield from inside.get(key) or []
    for shared in inside.get("shared-networks") or []:
        yield from shared.get(key) or []


def subnet_of(config: Mapping[str, Any], address: str, version: int) -> int | None:
    """The id of the smallest subnet that holds ``address``."""
    wanted = ipaddress.ip_address(address)
    fitting = [
        (ipaddress.ip_network(one["subnet"], strict=False).prefixlen, int(one["id"]))
        for one in subnets(config, version)
        if wanted in ipaddress.ip_network(one["subnet"], strict=False)
    ]
    return max(fitting)[1] if fitting else None


def with_networks(config: Mapping[str, Any], networks: Sequence[Network], terms: Terms, version: int) -> Config:
    """The configuration with these networks served; equal to the one given when all is there already."""
    changed: Config = copy.deepcopy({key: value for key, value in config.items() if key != "hash"})
    inside = changed[root(version)]
    inside["reservations-global"] = True  # the only place from where a class shuts a client out of a shared network
    inside["reservations-in-subnet"] = True
    known = list(inside.get("host-reservation-identifiers") or [])
    inside["host-reservation-identifiers"] = known + [one for one in _IDENTIFIERS[version] if one not in known]
    _walled_class(inside, terms)
    shared = _shared_network(inside, terms, version)
    ours = {int(one["id"]): one for one in shared.get(f"subnet{version}") or []}
    foreign = {str(one["subnet"]) for one in subnets(config, version) if int(one["id"]) not in ours}
    for network in networks:
        if not 1 <= network.number <= TEST_NUMBER:
            raise Invalid(f"{network.number} cannot be a subnet id")
        if network.network in foreign:
            continue  # the operator's own subnet of the same network; its id stays, reservations go there
        # A prefix that was taken away and added again: reservations and leases know the subnet by its first number.
        number = next((key for key, one in ours.items() if one["subnet"] == network.network), network.number)
        ours.setdefault(number, {"id": number, "subnet": network.network}).update(_terms_of(network, terms, version))
    shared[f"subnet{version}"] = [ours[number] for number in sorted(ours)]
    return changed


def same(config: Mapping[str, Any], wanted: Mapping[str, Any], version: int) -> bool:
    """Whether Kea's configuration already says all that ``wanted`` says; Kea adds its defaults to what it is given."""
    return _says(config[root(version)], wanted[root(version)])


def _says(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(key in found and _says(found[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        pairs = isinstance(found, list) and len(found) == len(wanted)
        return pairs and all(_says(one, other) for one, other in zip(found, wanted, strict=True))
    return bool(found == wanted)


def _walled_class(inside: Config, terms: Terms) -> None:
    classes: list[Config] = inside.setdefault("client-classes", [])
    found = next((one for one in classes if one["name"] == WALLED), None)
    if found is None:
        found = {"name": WALLED}
        classes.append(found)
    found["valid-lifetime"] = terms.walled_seconds


def _shared_network(inside: Config, terms: Terms, version: int) -> Config:
    name = f"boss-{terms.realm_id}"
    every: list[Config] = inside.setdefault("shared-networks", [])
    found = next((one for one in every if one["name"] == name), None)
    if found is None:
        found = {"name": name, f"subnet{version}": []}
        every.append(found)
    relays = [one for one in terms.relays if ipaddress.ip_address(one).version == version]
    if relays:
        found["relay"] = {"ip-addresses": relays}
    return found


def _terms_of(network: Network, terms: Terms, version: int) -> Config:
    servers = [one for one in terms.nameservers if ipaddress.ip_address(one).version == version]
    options = []
    if version == 4 and network.gateway:
        options.append({"name": "routers", "data": network.gateway})
    if servers:
        options.append({"name": "domain-name-servers" if version == 4 else "dns-servers", "data": ", ".join(servers)})
    # Bounds left out are taken from above, where Kea shows ones it made up itself, and held against the lifetime.
    bounds = dict.fromkeys(("valid-lifetime", "min-valid-lifetime", "max-valid-lifetime"), terms.lease_seconds)
    return {"subnet": network.network, "option-data": options, **bounds}


def of_version(networks: Iterable[Network], version: int) -> list[Network]:
    return [one for one in networks if ipaddress.ip_network(one.network).version == version]
