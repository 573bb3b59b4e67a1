"""Handing out addresses: the lowest free unit of the first range nobody else holds, in the caller's transaction.

Free ranges are locked with SKIP LOCKED, so clients do not queue; only when every range is held by somebody does one
wait. The unique constraint on (realm, routing table, address) is the last line of defence (performance.md 2).
"""

from __future__ import annotations

import ipaddress
from typing import Any

from django.db import connections
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from boss.core import audit, clock, scoping
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service as transactional
from ipservices.choices import AddressKind
from ipservices.errors import AddressPoolExhausted, AddressTaken
from ipservices.models import AddressAssignment, LeaseHistory, Prefix, Service

# Found, locked and taken in one statement: what is picked is the range as its last holder left it.
_TAKE_LOWEST = """
WITH picked AS MATERIALIZED (
    SELECT id, lo, hi FROM ipservices_freerange
     WHERE realm_id = %s AND prefix_id = %s ORDER BY hi LIMIT 1 FOR UPDATE {skip}
), moved AS (
    UPDATE ipservices_freerange f SET lo = p.lo + 1 FROM picked p WHERE f.id = p.id AND p.lo < p.hi
), used_up AS (
    DELETE FROM ipservices_freerange f USING picked p WHERE f.id = p.id AND p.lo = p.hi
)
SELECT id, lo, hi FROM picked
"""
_AT = """
SELECT id, lo, hi FROM ipservices_freerange
 WHERE realm_id = %s AND prefix_id = %s AND hi >= %s ORDER BY hi LIMIT 1 FOR UPDATE
"""
_NEXT = """
SELECT id, lo, hi FROM ipservices_freerange
 WHERE realm_id = %s AND prefix_id = %s AND hi > %s ORDER BY hi LIMIT 1 FOR UPDATE SKIP LOCKED
"""
# A range found locked may be gone when its holder commits; then the next one is looked for.
_PATIENCE = 100


@transactional
def assign(
    *,
    actor: Actor,
    kind: str = AddressKind.ADDRESS,
    purpose: str = "dynamic",
    version: int = 4,
    unit_length: int | None = None,
    service: Service | None = None,
    prefix: Prefix | None = None,
    key: str = "",
) -> AddressAssignment:
    """Hand out the next free unit. The same non-empty ``key`` gives the same address again.

    Raises :class:`AddressPoolExhausted` when no prefix of that kind and purpose has one.
    """
    require(actor, "ipservices.manage_addresses")

    if key:
        earlier: AddressAssignment | None = AddressAssignment.objects.filter(key=key).first()
        if earlier is not None:
            return earlier
    for candidate in _candidates(prefix, kind, purpose, version, unit_length):
        row = take(prefix=candidate, service=service, key=key)
        if row is not None:
            audit.record(
                actor=actor, action="address.assigned", subject=service or candidate, after={"address": str(row)}
            )
            return row
    raise AddressPoolExhausted(kind=str(kind), purpose=purpose, version=version)


@transactional
def assign_exactly(
    *, actor: Actor, prefix: Prefix, address: str, service: Service | None = None, key: str = ""
) -> AddressAssignment:
    """Hand out one particular unit. Raises :class:`AddressTaken`."""
    require(actor, "ipservices.manage_addresses")

    wanted = ipaddress.ip_address(address)
    offset = prefix.offset_of(address)
    if wanted not in prefix.ip_network or prefix.address_at(offset) != str(wanted):
        raise AddressTaken(_("%(address)s is not a unit of %(prefix)s.") % {"address": address, "prefix": prefix})
    found = _row(_AT, prefix, offset)
    if found is None or found[1] > offset:
        raise AddressTaken(_("%(address)s is not free.") % {"address": address})

    row_id, lo, hi = found
    _drop(row_id)
    for left, right in ((lo, offset - 1), (offset + 1, hi)):
        if left <= right:
            _add_range(prefix, left, right)
    row = _write(prefix, offset, service, key)

    audit.record(actor=actor, action="address.assigned", subject=service or prefix, after={"address": str(row)})
    return row


@transactional
def release(*, actor: Actor, assignment: AddressAssignment) -> None:
    """Give an address back; who had it from when to when is kept. Giving back twice is no error."""
    require(actor, "ipservices.manage_addresses")
    row: AddressAssignment | None = (
        AddressAssignment.objects.select_for_update(of=("self",))
        .select_related("prefix", "service")
        .filter(pk=assignment.pk)
        .first()
    )
    if row is None:
        return

    LeaseHistory.objects.create(
        vrf=row.vrf,
        address=row.address,
        length=row.length,
        service=row.service,
        valid_from=row.assigned_at,
        valid_to=clock.now(),
    )
    AddressAssignment.objects.filter(pk=row.pk).delete()
    _give_back(row.prefix, row.offset)

    audit.record(
        actor=actor, action="address.released", subject=row.service or row.prefix, before={"address": str(row)}
    )


def _candidates(
    prefix: Prefix | None, kind: str, purpose: str, version: int, unit_length: int | None
) -> list[Prefix] | QuerySet[Prefix]:
    if prefix is not None:
        return [prefix]
    fitting: QuerySet[Prefix] = Prefix.objects.filter(kind=kind, purpose=purpose, version=version)
    if unit_length is not None:
        fitting = fitting.filter(unit_length=unit_length)
    return fitting.order_by("position", "id")


def take(*, prefix: Prefix, service: Service | None = None, key: str = "") -> AddressAssignment | None:
    """The lowest free unit of the first range nobody holds, written down; None when the prefix is used up.

    For the services of this room, in a transaction: whoever calls has checked the right and keeps the record.
    """
    offset = _take_lowest(prefix)
    return None if offset is None else _write(prefix, offset, service, key)


def _take_lowest(prefix: Prefix) -> int | None:
    for _attempt in range(_PATIENCE):
        found = _row(_TAKE_LOWEST.format(skip="SKIP LOCKED"), prefix)
        if found is None and not _has_free(prefix):
            return None
        found = found or _row(_TAKE_LOWEST.format(skip=""), prefix)
        if found is not None:
            return found[1]
    return None


def _give_back(prefix: Prefix, offset: int) -> None:
    """Merge to the right when that neighbour is at hand, else leave a range of one; compaction merges it later."""
    found = _row(_NEXT, prefix, offset)
    if found is not None and found[1] == offset + 1:
        _move_lo(found[0], offset)
    else:
        _add_range(prefix, offset, offset)


def _write(prefix: Prefix, offset: int, service: Service | None, key: str) -> AddressAssignment:
    row: AddressAssignment = AddressAssignment.objects.create(
        prefix=prefix,
        vrf=prefix.vrf,
        address=prefix.address_at(offset),
        length=prefix.unit_length,
        offset=offset,
        service=service,
        key=key,
    )
    return row


def _execute(statement: str, values: tuple[Any, ...]) -> tuple[int, int, int] | None:
    with connections[scoping.alias()].cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone() if cursor.description else None
    return None if row is None else (int(row[0]), int(row[1]), int(row[2]))


def _row(statement: str, prefix: Prefix, *more: int) -> tuple[int, int, int] | None:
    return _execute(statement, (prefix.realm_id, prefix.pk, *more))


def _has_free(prefix: Prefix) -> bool:
    return bool(prefix.free_ranges.exists())  # type: ignore[attr-defined]


def _move_lo(row_id: int, lo: int) -> None:
    _execute("UPDATE ipservices_freerange SET lo = %s WHERE id = %s", (lo, row_id))


def _drop(row_id: int) -> None:
    _execute("DELETE FROM ipservices_freerange WHERE id = %s", (row_id,))


def _add_range(prefix: Prefix, lo: int, hi: int) -> None:
    _execute(
        "INSERT INTO ipservices_freerange (realm_id, prefix_id, lo, hi) VALUES (%s, %s, %s, %s)",
        (prefix.realm_id, prefix.pk, lo, hi),
    )
