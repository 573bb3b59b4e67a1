"""Tri-Lakes Cable's servers, addresses and telephone numbers.

Every family is bound to a simulated server of its own. Where a real PowerDNS runs beside the platform
(`manage.py up --lab`), it is bound in front of the simulated one and answers `dig` for every new host name.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path

from boss.core.actors import Actor
from boss.platform import lab
from ipservices.models import Binding, Prefix
from ipservices.services import bindings, numbers, prefixes

HOST_ZONE = "subs.trilakes.example"
MAIL_DOMAIN = "trilakes.example"
POWERDNS = "PowerDNS (lab)"

SIMULATED = (
    ("access", "RADIUS"),
    ("ip", "DHCP"),
    ("dns", "Name server"),
    ("mail", "Mail server"),
    ("voip", "Voice switch"),
    ("e911", "Emergency location database"),
    ("iptv", "TV entitlements"),
    ("cpe", "Device management"),
    ("web", "Web server"),
    ("file", "File server"),
    ("data", "Data services"),
)

# Documentation ranges first (RFC 5737); the range for benchmarks (RFC 2544) takes over when they are used up.
DYNAMIC = ("192.0.2.0/24", "198.51.100.0/24", "198.18.0.0/16")
STATIC = "203.0.113.0/25"
STATIC_BLOCKS = "203.0.113.128/25"
DELEGATIONS = "2001:db8:100::/40"

# 555-0100 to 555-0199 of every area code are set aside for fiction.
AREA_CODES = ("217", "309", "618", "708", "815")


def make_servers(actor: Actor) -> None:
    """A simulated server for every family."""
    present = set(Binding.objects.values_list("name", flat=True))
    for family, name in SIMULATED:
        if name not in present:
            bindings.create(actor=actor, family=family, driver_key="simulator", name=name, settings={"server": name})


def bind_lab(actor: Actor) -> None:
    """Put a real name server in front when one runs beside the platform, and take it out when none does."""
    present: Binding | None = Binding.objects.filter(name=POWERDNS).first()
    found = _powerdns()
    if found is None:
        if present is not None and present.enabled:
            bindings.change(actor=actor, binding=present, enabled=False)
        return
    settings, secrets = found
    if present is None:
        bindings.create(
            actor=actor, family="dns", driver_key="dns_powerdns", name=POWERDNS, settings=settings, secrets=secrets,
            position=10,
        )  # fmt: skip
    else:
        bindings.change(actor=actor, binding=present, settings=settings, secrets=secrets, enabled=True)


def make_inventories(actor: Actor) -> None:
    """Addresses to hand out, and telephone numbers."""
    present = set(Prefix.objects.values_list("network", flat=True))
    wanted: list[tuple[str, int | None, str]] = [(network, None, "dynamic") for network in DYNAMIC]
    wanted += [(STATIC, None, "static"), (STATIC_BLOCKS, 29, "static"), (DELEGATIONS, 56, "dynamic")]
    for position, (network, unit_length, purpose) in enumerate(wanted):
        if network not in present:
            prefixes.create(
                actor=actor, network=network, unit_length=unit_length, purpose=purpose, position=(position + 1) * 10
            )
    for area_code in AREA_CODES:
        numbers.add_block(actor=actor, first=f"+1{area_code}5550100", count=100, area=f"Area {area_code}")


def _powerdns() -> tuple[dict[str, object], dict[str, str]] | None:
    """Settings and secrets of the PowerDNS that runs beside the platform; None when there is none."""
    directory: Path = lab.directory_of("dns_powerdns")
    try:
        ports = json.loads((directory / "ports.json").read_text())
        key = (directory / "api-key").read_text()
    except (OSError, ValueError):
        return None
    try:
        socket.create_connection(("127.0.0.1", ports["api_port"]), timeout=1).close()
    except OSError:
        return None
    settings = {
        "api_url": f"http://127.0.0.1:{ports['api_port']}",
        "dns_host": "127.0.0.1",
        "dns_port": ports["dns_port"],
        "zone": HOST_ZONE,
        "nameservers": "ns1.trilakes.example. ns2.trilakes.example.",
    }
    return settings, {"api_key": key}
