"""Tri-Lakes Cable's servers, addresses and telephone numbers.

Every family is bound to a simulated server of its own. Real servers that run beside the platform (`manage.py lab up`,
`manage.py up --lab`) are bound in front of the simulated ones, so that a new host name answers `dig`.
"""

from __future__ import annotations

from boss.core.actors import Actor
from boss.platform import lab
from ipservices.labs import Names
from ipservices.models import Binding, Prefix
from ipservices.services import bindings, numbers, prefixes

HOST_ZONE = "subs.trilakes.example"
MAIL_DOMAIN = "trilakes.example"
SIP_DOMAIN = "sip.trilakes.example"

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

NAMES = Names(HOST_ZONE, MAIL_DOMAIN, SIP_DOMAIN, (*DYNAMIC, STATIC, STATIC_BLOCKS, DELEGATIONS))
"""What a lab is bound with."""

# 555-0100 to 555-0199 of every area code are set aside for fiction.
AREA_CODES = ("217", "309", "618", "708", "815")


def make_servers(actor: Actor) -> None:
    """A simulated server for every family."""
    present = set(Binding.objects.values_list("name", flat=True))
    for family, name in SIMULATED:
        if name not in present:
            bindings.create(actor=actor, family=family, driver_key="simulator", name=name, settings={"server": name})


def bind_lab(actor: Actor) -> None:
    """Put the real servers that run beside the platform in front, and take out those that do not."""
    found = {bound.name: bound for bound in lab.bindings(NAMES)}
    present = {row.name: row for row in Binding.objects.filter(name__endswith=lab.MARK)}
    for name, row in present.items():
        if name not in found and row.enabled:
            bindings.change(actor=actor, binding=row, enabled=False)
    for name, bound in found.items():
        if name in present:
            bindings.change(
                actor=actor, binding=present[name], settings=bound.settings, secrets=bound.secrets, enabled=True
            )
        else:
            bindings.create(
                actor=actor, family=bound.family, driver_key=bound.driver_key, name=name, settings=bound.settings,
                secrets=bound.secrets, rules=bound.rules, position=bound.position,
            )  # fmt: skip


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
