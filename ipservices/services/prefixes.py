"""Adding ranges to hand out from, and tidying what is free."""

from __future__ import annotations

import ipaddress

from django.db import connections
from django.utils.translation import gettext as _

from boss.core import audit, locks, scoping
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ipservices.choices import AddressKind
from ipservices.errors import PrefixOverlaps
from ipservices.models import FreeRange, Prefix
from ipservices.services import networks
from ipservices.services.free_ranges import PIECES

_TOO_SMALL_TO_CUT = 256
_MOST_UNITS = 1 << 62


@service
def create(
    *,
    actor: Actor,
    network: str,
    unit_length: int | None = None,
    purpose: str = "dynamic",
    gateway: str | None = None,
    vrf: str = "default",
    position: int = 100,
) -> Prefix:
    """Add a prefix, handed out in units of ``unit_length`` (default: single addresses; 56 for IPv6 delegations).

    Of single IPv4 addresses, network, broadcast and ``gateway`` stay out. Raises PrefixOverlaps, InvalidInput.
    """
    require(actor, "ipservices.manage_addresses")

    try:
        parsed = ipaddress.ip_network(network.strip())
    except ValueError:
        raise InvalidInput(fields={"network": [_("Enter a network, for instance 203.0.113.0/24.")]}) from None
    length = parsed.max_prefixlen if unit_length is None else unit_length
    if not parsed.prefixlen <= length <= parsed.max_prefixlen:
        raise InvalidInput(fields={"unit_length": [_("Units cannot be larger than the network itself.")]})
    if gateway is not None and ipaddress.ip_address(gateway) not in parsed:
        raise InvalidInput(fields={"gateway": [_("The gateway must be in the network.")]})
    locks.hold(f"prefixes of {vrf}")  # two overlapping ones may be added at the same moment
    for other in Prefix.objects.filter(vrf=vrf, version=parsed.version):
        if parsed.overlaps(other.ip_network):
            raise PrefixOverlaps(fields={"network": [_("It overlaps %(other)s.") % {"other": other.network}]})
    units = 1 << (length - parsed.prefixlen)
    if units > _MOST_UNITS:
        raise InvalidInput(fields={"unit_length": [_("This gives more units than can be counted; hand out blocks.")]})

    free = _free_spans(units, _kept_out(parsed, length, gateway))
    size = sum(hi - lo + 1 for lo, hi in free)
    if size < 1:
        raise InvalidInput(fields={"network": [_("Nothing would be left to hand out.")]})
    prefix: Prefix = Prefix.objects.create(
        vrf=vrf,
        network=str(parsed),
        version=parsed.version,
        unit_length=length,
        kind=_kind(parsed.version, length),
        purpose=purpose,
        gateway=gateway,
        size=size,
        position=position,
    )
    FreeRange.objects.bulk_create(FreeRange(prefix=prefix, lo=lo, hi=hi) for lo, hi in _cut(free, size))
    networks.changed(prefix.realm_id)

    audit.record(actor=actor, action="prefix.created", subject=prefix, after={"network": str(parsed), "units": size})
    return prefix


def compact(*, prefix: Prefix) -> int:
    """Merge neighbouring free ranges that nobody is using this moment; how many rows went. For a periodic task.

    A pool large enough to be cut is left in its pieces while they are few: merged, they would be cut again.
    """
    few = PIECES if prefix.size >= _TOO_SMALL_TO_CUT else 0
    with connections[scoping.alias()].cursor() as cursor:
        cursor.execute(_COMPACT, {"realm": prefix.realm_id, "prefix": prefix.pk, "few": few})
        return int(cursor.fetchone()[0])


def _kind(version: int, length: int) -> str:
    if (version, length) in ((4, 32), (6, 128)):
        return AddressKind.ADDRESS
    return AddressKind.BLOCK if version == 4 else AddressKind.DELEGATION


def _kept_out(network: ipaddress.IPv4Network | ipaddress.IPv6Network, length: int, gateway: str | None) -> list[int]:
    """Offsets that are never handed out."""
    out: set[int] = set()
    if length == network.max_prefixlen:
        if network.prefixlen < network.max_prefixlen - 1:
            out.add(0)  # the network itself; the subnet-router anycast address on IPv6
            if network.version == 4:
                out.add(network.num_addresses - 1)
        if gateway is not None:
            out.add(int(ipaddress.ip_address(gateway)) - int(network.network_address))
    return sorted(out)


def _free_spans(units: int, out: list[int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    lo = 0
    for offset in [*out, units]:
        if offset > lo:
            spans.append((lo, offset - 1))
        lo = offset + 1
    return spans


def _cut(spans: list[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    if size < _TOO_SMALL_TO_CUT:
        return spans
    step = -(-size // PIECES)
    return [(lo, min(lo + step - 1, end)) for start, end in spans for lo in range(start, end + 1, step)]


_COMPACT = """
WITH locked AS (
    SELECT id, lo, hi FROM ipservices_freerange
     WHERE realm_id = %(realm)s AND prefix_id = %(prefix)s AND %(few)s < (
        SELECT count(*) FROM ipservices_freerange WHERE realm_id = %(realm)s AND prefix_id = %(prefix)s)
       FOR UPDATE SKIP LOCKED
), marked AS (
    SELECT id, lo, hi, CASE WHEN lo = lag(hi) OVER (ORDER BY hi) + 1 THEN 0 ELSE 1 END AS starts FROM locked
), grouped AS (
    SELECT id, lo, hi, sum(starts) OVER (ORDER BY hi) AS island FROM marked
), islands AS (
    SELECT island, min(lo) AS lo, max(hi) AS hi, count(*) AS parts FROM grouped GROUP BY island HAVING count(*) > 1
), kept AS (
    SELECT DISTINCT ON (i.island) g.id, i.lo, i.hi, i.island
      FROM islands i JOIN grouped g ON g.island = i.island ORDER BY i.island, g.hi DESC
), gone AS (
    DELETE FROM ipservices_freerange f USING grouped g, kept k
     WHERE f.id = g.id AND g.island = k.island AND g.id <> k.id RETURNING f.id
), merged AS (
    UPDATE ipservices_freerange f SET lo = k.lo FROM kept k WHERE f.id = k.id RETURNING f.id
)
SELECT (SELECT count(*) FROM gone) + 0 * (SELECT count(*) FROM merged)
"""
