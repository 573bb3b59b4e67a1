"""Who had an address at a moment: asked under law, answered exactly, told to few, and every question is on record."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service as transactional
from ipservices.models import AddressAssignment, LeaseHistory, ObservedLease, Prefix, Service

ASSIGNED, SEEN = "assigned", "seen"


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom BOSS gave the address or the block it is in (``assigned``), or whom a server saw with it (``seen``).

    ``[valid_from, valid_to)``; empty ``valid_to``: to this day. ``identifier`` is the client as the server knew it.
    """

    told_by: str
    address: str
    service: Service | None
    identifier: str
    valid_from: dt.datetime
    valid_to: dt.datetime | None


@transactional
def who_had(*, actor: Actor, address: str, at: dt.datetime, vrf: str = "default") -> list[Holder]:
    """Everybody who had ``address`` at the moment ``at``, the assignment first; empty when nobody had it.

    A range ends where the next begins: at that very moment it is the next one's. Raises InvalidInput.
    """
    require(actor, "ipservices.see_address_holder")

    try:
        wanted = ipaddress.ip_address(address.strip())
    except ValueError:
        raise InvalidInput(fields={"address": [_("Enter an address, for instance 203.0.113.7.")]}) from None
    if at.tzinfo is None:
        raise InvalidInput(fields={"at": [_("Say in which time zone.")]})

    around = _units_around(wanted, Prefix.objects.filter(version=wanted.version))
    found = [*_assigned(around, at, vrf), *_seen(around, at, vrf)]

    # Not as other reads that leave one trace in ten minutes: each question is one about a person.
    audit.record(
        actor=actor,
        action="address_holder.read",
        subject=LeaseHistory,
        after={"address": str(wanted), "at": at.isoformat(), "found": len(found)},
    )
    return found


def _assigned(around: Q, at: dt.datetime, vrf: str) -> Iterable[Holder]:
    rows = AddressAssignment.objects.filter(around, vrf=vrf, assigned_at__lte=at).select_related("service")
    for row in rows.order_by("id"):
        yield Holder(ASSIGNED, _shown(row), row.service, "", row.assigned_at, None)
    past = LeaseHistory.objects.filter(around, vrf=vrf, valid_from__lte=at, valid_to__gt=at).select_related("service")
    for row in past.order_by("id"):
        yield Holder(ASSIGNED, _shown(row), row.service, "", row.valid_from, row.valid_to)


def _seen(around: Q, at: dt.datetime, vrf: str) -> Iterable[Holder]:
    rows = ObservedLease.objects.filter(around, Q(valid_to=None) | Q(valid_to__gt=at), vrf=vrf, valid_from__lte=at)
    for row in rows.select_related("service").order_by("id"):
        yield Holder(SEEN, _shown(row), row.service, row.identifier, row.valid_from, row.valid_to)


def _units_around(wanted: ipaddress.IPv4Address | ipaddress.IPv6Address, prefixes: Iterable[Prefix]) -> Q:
    """The address itself, or the block or delegation it is in: one look in the index for each size handed out."""
    lengths = {prefix.unit_length for prefix in prefixes} | {wanted.max_prefixlen}
    around = Q()
    for length in sorted(lengths):
        unit = ipaddress.ip_network((wanted, length), strict=False)
        around |= Q(address=str(unit.network_address), length=length)
    return around


def _shown(row: AddressAssignment | LeaseHistory | ObservedLease) -> str:
    full = ipaddress.ip_address(str(row.address)).max_prefixlen
    return str(row.address) if row.length == full else f"{row.address}/{row.length}"
