"""Whether two bindings lead to one and the same server, however its address is spelled.

A migration inside one server would move objects onto themselves and then take them away; a comparison would call one
binding's objects left over at the other.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ipservices.contracts import Connection, DriverError
from ipservices.models import Binding
from ipservices.registry import drivers
from ipservices.transport import reachable_address

_ADDRESS = re.compile(r"url|host|server|port|socket|address|database")
_NO_ADDRESS = re.compile(r"nameservers|network|relay|router|webmail|statistics")
_HOST = re.compile(r"(^|_)host$")
_LOOPBACK = frozenset(("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "::1"))
_PORTS = {"http": 80, "https": 443, "ldap": 389, "ldaps": 636}
_RESOLVING_SECONDS = 3.0


def may_be_one_server(first: Binding, second: Binding) -> bool:
    """By their settings alone: of one driver, and all that names a place is the same place. Asks no resolver."""
    if first.pk == second.pk:
        return True
    if first.driver_key != second.driver_key:
        return False
    places = [_place(binding.driver_key, binding.settings, _spelled_host) for binding in (first, second)]
    return bool(places[0]) and places[0] == places[1]


def lead_to_one_server(driver_key: str, first: Connection, second: Connection) -> bool:
    """The same with every name resolved as drivers resolve it. Takes seconds; not inside a transaction."""
    places = [_place(driver_key, one.settings, lambda host, one=one: _resolved(host, one)) for one in (first, second)]  # type: ignore[misc]
    return bool(places[0]) and places[0] == places[1]


def _place(driver_key: str, settings: Mapping[str, Any], host: Callable[[str], str]) -> dict[str, str]:
    kind = drivers.find(driver_key)
    said = {one.key: one.default for one in (kind.driver.settings if kind else ())} | {
        key: value for key, value in settings.items() if value not in (None, "")
    }
    named = {key: str(value) for key, value in said.items() if value not in (None, "") and _names_a_place(key)}
    if not any(settings.get(key) for key in named):
        return {}  # nothing but defaults says where it is
    return {key: _spelled(key, value, host) for key, value in named.items()}


def _names_a_place(key: str) -> bool:
    return bool(_ADDRESS.search(key)) and not _NO_ADDRESS.search(key)


def _spelled(key: str, value: str, host: Callable[[str], str]) -> str:
    if "://" in value:
        try:
            parts = urlsplit(value)
            port = parts.port or _PORTS.get(parts.scheme.lower(), 0)
        except ValueError:
            return value
        return f"{parts.scheme.lower()}://{host(parts.hostname or '')}:{port}{parts.path.rstrip('/')}"
    return host(value) if _HOST.search(key) else value


def _resolved(host: str, connection: Connection) -> str:
    try:
        return _spelled_host(reachable_address(host, connection.networks, seconds=_RESOLVING_SECONDS))
    except DriverError:
        return _spelled_host(host)


def _spelled_host(host: str) -> str:
    """A host in one spelling; this machine's own name and its two loopback addresses are one."""
    plain = host.strip().strip("[]").lower().rstrip(".")
    try:
        address = ipaddress.ip_address(plain)
    except ValueError:
        return "127.0.0.1" if plain in _LOOPBACK else plain
    mapped = getattr(address, "ipv4_mapped", None)
    found = str(mapped or address)
    return "127.0.0.1" if found in _LOOPBACK else found
