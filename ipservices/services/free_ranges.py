"""What is free of a prefix, as statements (ADR 0043, 0145). For :mod:`ipservices.services.addresses` alone.

Handing out is one statement: which prefix, which of its free ranges, the address and its row, the entry in the audit
trail. A range somebody else holds is passed over (SKIP LOCKED). Only when all are held does anybody wait; whoever
waited cuts what is left into pieces, so that the next crowd finds one for each.
"""

from __future__ import annotations

import functools
from typing import Any

from django.db import connections

from boss.core import audit, clock, prepared, scoping
from boss.core.actors import Actor
from ipservices.models import AddressAssignment, Prefix, Service

PIECES = 16
"""Into so many free ranges a pool is cut, when it is added and when clients had to wait for one another."""

# The unit at lo, as an address. An IPv6 unit may lie further from the first than 64 bits count: its 128 bits are
# spelled out, sixteen at a time.
_ADDRESS = """
CASE version WHEN 4 THEN host(network)::inet + (lo << (32 - unit_length)) ELSE host(network)::inet | (
    SELECT string_agg(to_hex(substr(bits, word * 16 + 1, 16)::bit(16)::int), ':' ORDER BY word)
      FROM (SELECT right(repeat('0', 64) || lo::bit(64)::text || repeat('0', 128 - unit_length), 128) AS bits) spelled,
           generate_series(0, 7) word
)::inet END
"""
_ROW = [field.column for field in AddressAssignment._meta.concrete_fields]
_PREFIX = [field.column for field in Prefix._meta.concrete_fields]
_WANTED = """
SELECT {columns} FROM ipservices_prefix p
 WHERE realm_id = %(realm)s AND {which}
   AND EXISTS (SELECT FROM ipservices_freerange f WHERE f.realm_id = %(realm)s AND f.prefix_id = p.id)
 ORDER BY position, id LIMIT 1
"""
_TAKE = """
WITH earlier AS MATERIALIZED (
    SELECT {row} FROM ipservices_addressassignment WHERE realm_id = %(realm)s AND key = %(key)s AND key <> ''
), wanted AS MATERIALIZED (
    SELECT w.*, network::inet AS net FROM ({wanted}) w WHERE NOT EXISTS (SELECT FROM earlier)
), picked AS MATERIALIZED (
    SELECT id, lo, hi FROM ipservices_freerange
     WHERE realm_id = %(realm)s AND prefix_id = (SELECT id FROM wanted) ORDER BY hi LIMIT 1 FOR UPDATE SKIP LOCKED
), moved AS (
    UPDATE ipservices_freerange f SET lo = p.lo + 1 FROM picked p WHERE f.id = p.id AND p.lo < p.hi
), used_up AS (
    DELETE FROM ipservices_freerange f USING picked p WHERE f.id = p.id AND p.lo = p.hi
), made AS (
    INSERT INTO ipservices_addressassignment
           (realm_id, public_id, prefix_id, vrf, address, length, "offset", service_id, key, assigned_at)
    SELECT %(realm)s, %(public_id)s, id, vrf, {address}, unit_length, lo, %(service)s::bigint, %(key)s, %(now)s
      FROM (SELECT w.id, w.vrf, w.net AS network, w.version, w.unit_length, p.lo FROM wanted w, picked p) unit
    RETURNING {row}
), entry AS (
    SELECT CASE WHEN length = CASE family(address) WHEN 4 THEN 32 ELSE 128 END THEN host(address)
                ELSE host(address) || '/' || length END AS shown, prefix_id FROM made
), about AS (
    SELECT coalesce(%(subject_kind)s::text, 'ipservices.prefix') AS subject_kind,
           coalesce(%(service)s::bigint, e.prefix_id) AS subject_id,
           coalesce(%(subject_label)s::text, w.network) AS subject_label,
           jsonb_build_object('address', e.shown) AS after
      FROM entry e, wanted w
), recorded AS ({record})
SELECT {given}, {of_prefix} FROM (SELECT * FROM made UNION ALL SELECT * FROM earlier) given
  JOIN ipservices_prefix p ON p.realm_id = %(realm)s AND p.id = given.prefix_id
"""
_WAIT = """
WITH wanted AS MATERIALIZED ({wanted})
SELECT id, prefix_id FROM ipservices_freerange
 WHERE realm_id = %(realm)s AND prefix_id = (SELECT id FROM wanted) ORDER BY hi LIMIT 1 FOR UPDATE
"""
# Counted anew, after the wait: of a crowd that waited for one range the first cuts it, the others find the pieces.
_CUT = """
WITH held AS (
    SELECT id, realm_id, prefix_id, lo, hi, (hi - lo) / %(pieces)s + 1 AS step FROM ipservices_freerange
     WHERE id = %(range)s AND lo < hi AND %(pieces)s > (
        SELECT count(*) FROM ipservices_freerange WHERE realm_id = %(realm)s AND prefix_id = %(prefix)s)
), added AS (
    INSERT INTO ipservices_freerange (realm_id, prefix_id, lo, hi)
    SELECT realm_id, prefix_id, at, at + step - 1 FROM held, generate_series(lo, hi - step, step) at
)
UPDATE ipservices_freerange f SET lo = h.lo + (h.hi - h.lo) / h.step * h.step FROM held h WHERE f.id = h.id
"""
_AT = """
SELECT id, lo, hi FROM ipservices_freerange
 WHERE realm_id = %s AND prefix_id = %s AND hi >= %s ORDER BY hi LIMIT 1 FOR UPDATE
"""
_NEXT = """
SELECT id, lo, hi FROM ipservices_freerange
 WHERE realm_id = %s AND prefix_id = %s AND hi > %s ORDER BY hi LIMIT 1 FOR UPDATE SKIP LOCKED
"""


class Wanted:
    """Of which prefixes one is to be handed out: a given one, or those of a kind in their order."""

    def __init__(self, prefix: Prefix | None, kind: str, purpose: str, version: int, unit_length: int | None) -> None:
        self.values: dict[str, Any] = {"realm": scoping.current_realm_id()}
        if prefix is not None:
            self.which = "id = %(prefix)s"
            self.values["prefix"] = prefix.pk
            return
        self.which = "kind = %(kind)s AND purpose = %(purpose)s AND version = %(version)s"
        self.values |= {"kind": str(kind), "purpose": purpose, "version": version}
        if unit_length is not None:
            self.which += " AND unit_length = %(unit_length)s"
            self.values["unit_length"] = unit_length

    def query(self, columns: str) -> str:
        """The first of them that has something free."""
        return _WANTED.format(columns=columns, which=self.which)


def take(wanted: Wanted, *, actor: Actor, action: str, service: Service | None, key: str) -> AddressAssignment | None:
    """The lowest unit of the first range nobody holds, or what has this ``key`` already; written down and recorded.

    None when nothing is free, or all that is free is held by others.
    """
    recorded, values = audit.part_of_statement(actor=actor, action=action, rows="about")
    values |= wanted.values | {
        "public_id": scoping.new_public_id(),
        "key": key,
        "service": None if service is None else service.pk,
        "subject_kind": None if service is None else audit.subject_kind(service),
        "subject_label": None if service is None else str(service)[:200],
        "now": clock.now(),
    }
    found = prepared.execute(_statement(wanted.which, recorded), values).fetchone()
    if found is None:
        return None
    row: AddressAssignment = AddressAssignment.from_db(scoping.alias(), _names(AddressAssignment), found[: len(_ROW)])
    row.prefix = Prefix.from_db(scoping.alias(), _names(Prefix), found[len(_ROW) :])
    if service is not None and row.service_id == service.pk:
        row.service = service
    return row


def wait_and_cut(wanted: Wanted) -> bool:
    """Wait until a range is free to take, and cut it; False when there is nothing left."""
    held = prepared.execute(_wait_for(wanted), wanted.values).fetchone()
    if held is None:  # none, or those that were seen are used up by now
        return prepared.execute(wanted.query("id"), wanted.values).fetchone() is not None
    prepared.execute(_CUT, {"realm": wanted.values["realm"], "range": held[0], "prefix": held[1], "pieces": PIECES})
    return True


def _wait_for(wanted: Wanted) -> str:
    return _WAIT.format(wanted=wanted.query("id"))


def take_exactly(prefix: Prefix, offset: int) -> bool:
    """Take one particular unit out of what is free; False when it is not."""
    found = _row(_AT, prefix, offset)
    if found is None or found[1] > offset:
        return False
    row_id, lo, hi = found
    _execute("DELETE FROM ipservices_freerange WHERE id = %s", (row_id,))
    for left, right in ((lo, offset - 1), (offset + 1, hi)):
        if left <= right:
            _add(prefix, left, right)
    return True


def give_back(prefix: Prefix, offset: int) -> None:
    """Merge to the right when that neighbour is at hand, else leave a range of one; compaction merges it later."""
    found = _row(_NEXT, prefix, offset)
    if found is not None and found[1] == offset + 1:
        _execute("UPDATE ipservices_freerange SET lo = %s WHERE id = %s", (offset, found[0]))
    else:
        _add(prefix, offset, offset)


@functools.lru_cache(maxsize=64)
def _statement(which: str, recorded: str) -> str:
    statement = _TAKE.format(
        wanted=_WANTED.format(columns="*", which=which),
        address=_ADDRESS,
        record=recorded,
        row=", ".join(f'"{name}"' for name in _ROW),
        given=", ".join(f'given."{name}"' for name in _ROW),
        of_prefix=", ".join(f'p."{name}"' for name in _PREFIX),
    )
    return " ".join(statement.split())


def _execute(statement: str, values: tuple[Any, ...]) -> tuple[int, int, int] | None:
    with connections[scoping.alias()].cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone() if cursor.description else None
    return None if row is None else (int(row[0]), int(row[1]), int(row[2]))


def _row(statement: str, prefix: Prefix, offset: int) -> tuple[int, int, int] | None:
    return _execute(statement, (prefix.realm_id, prefix.pk, offset))


def _add(prefix: Prefix, lo: int, hi: int) -> None:
    _execute(
        "INSERT INTO ipservices_freerange (realm_id, prefix_id, lo, hi) VALUES (%s, %s, %s, %s)",
        (prefix.realm_id, prefix.pk, lo, hi),
    )


def _names(model: type[AddressAssignment | Prefix]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]
