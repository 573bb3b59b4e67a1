"""Seals over the audit trail: a hash chain per realm, written afterwards by a role that can do nothing else.

A row carries the transaction that wrote it. What lies below the oldest transaction still at work can no longer change
and no late commit can slip in under it, so it is sealed: the digest of all rows since the last seal, hashed together
with the last seal's hash. Sealing inside the insert would cost seven-eighths of the throughput of a busy realm.

What a chain finds: a row changed, removed or put in afterwards, a seal changed or missing. What it cannot find by
itself is a cut tail, or a chain made anew by who owns the server: keep the newest hashes (``heads``) elsewhere.

Numbers of transactions begin again in a server that was filled from a dump, so rows carry an ``epoch`` as well: a
constant default of the column that ``migrate`` raises when the numbers have gone back.
Measured and reasoned: ``security_reliability.md`` 3.1.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction

TABLE = "core_auditentry"
SEALS = "core_auditseal"

_LOCK = 0x5EA1
"""The advisory lock that keeps two sealers apart."""

FORMS: dict[int, tuple[str, ...]] = {
    1: (
        "id", "realm_id", "at", "actor_kind", "actor_id", "actor_label", "action", "subject_kind", "subject_id",
        "subject_label", "before", "after", "request_id", "address", "tx", "epoch",
        "on_behalf_of_id", "on_behalf_of_label",
    ),
}  # fmt: skip
"""Which columns a seal covers, by the form it names. A column added later gets a new form: old seals must not move."""

NEWEST_FORM = max(FORMS)


class TransactionsWentBack(RuntimeError):
    """The server counts lower than what is sealed: it was filled from a dump. ``manage.py migrate`` opens an epoch."""


@dataclass(frozen=True, slots=True)
class Break:
    """One place where trail and seals disagree. ``number`` is the seal's, ``rows`` the first and last id it covers."""

    realm: str
    number: int
    rows: tuple[int, int]
    reason: str

    def __str__(self) -> str:
        return f"{self.realm}: seal {self.number} (entries {self.rows[0]} to {self.rows[1]}): {self.reason}"


@dataclass(frozen=True, slots=True)
class Head:
    """The newest seal of a realm: what to keep outside, so that a cut tail is found."""

    realm: str
    number: int
    hash: str


def _digest(form: int) -> str:
    """SQL for the digest of many rows ``e``. Independent of the session's time zone and of columns added later."""
    spelled = {
        "at": "to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
        "address": "host(e.address)",
    }
    members = ", ".join(spelled.get(column, f"e.{column}") for column in FORMS[form])
    row = f"sha256(convert_to(jsonb_build_array({members})::text, 'UTF8'))"
    return f"sha256(string_agg({row}, ''::bytea ORDER BY e.tx, e.id))"


def _hash(before: bytes, digest: bytes, *members: int) -> bytes:
    """A seal's hash: over the one before, the rows' digest and every number the seal states."""
    return hashlib.sha256(before + digest + ",".join(map(str, members)).encode()).digest()


def _epoch(cursor: Any) -> int:
    cursor.execute(
        "SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d JOIN pg_attribute a"
        " ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE d.adrelid = %s::regclass AND a.attname = 'epoch'",
        (TABLE,),
    )
    return int(cursor.fetchone()[0])


def settle_epoch(cursor: Any) -> None:
    """Open the next epoch when the server counts lower than the newest entry or seal. As the owner, after migrate."""
    epoch = _epoch(cursor)
    cursor.execute(
        f"SELECT pg_current_xact_id()::text::bigint <"  # noqa: S608 - constants of this module
        f" greatest((SELECT max(tx) FROM (SELECT tx FROM {TABLE} WHERE epoch = %s ORDER BY id DESC LIMIT 100) newest),"
        f" (SELECT max(tx_to) FROM {SEALS} WHERE epoch = %s))",
        (epoch, epoch),
    )
    if cursor.fetchone()[0]:
        cursor.execute(f"ALTER TABLE {TABLE} ALTER COLUMN epoch SET DEFAULT {epoch + 1}")


def seal() -> int:
    """Seal what can no longer change, in every realm. Returns how many entries were sealed; 0 while another seals.

    Raises :class:`TransactionsWentBack` when the database was filled from a dump and not migrated since.
    """
    with transaction.atomic(using="seal"), connections["seal"].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", (_LOCK,))
        if not cursor.fetchone()[0]:
            return 0
        epoch = _epoch(cursor)
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        (limit,) = cursor.fetchone()
        cursor.execute(f"SELECT max(tx_to) FROM {SEALS} WHERE epoch = %s", (epoch,))  # noqa: S608
        (sealed_to,) = cursor.fetchone()
        if sealed_to is not None and sealed_to > limit:
            raise TransactionsWentBack(f"sealed to {sealed_to}, but the server is at {limit}: run manage.py migrate")
        return sum(_seal_one(cursor, group, epoch, limit) for group in _unsealed(cursor, epoch, limit))


_LAST = f"""
    SELECT r.id AS realm_id, COALESCE(s.number, 0) AS number, COALESCE(s.epoch, 0) AS epoch,
           COALESCE(s.tx_to, 0) AS tx_to
      FROM tenancy_realm r LEFT JOIN LATERAL (
           SELECT number, epoch, tx_to FROM {SEALS} WHERE realm_id = r.id ORDER BY number DESC LIMIT 1) s ON true
"""  # noqa: S608 - constants of this module


def _unsealed(cursor: Any, epoch: int, limit: int) -> list[dict[str, Any]]:
    """What the next seals cover: per realm and epoch, older epochs first and whole."""
    cursor.execute(
        f"""
        SELECT l.realm_id, e.epoch, CASE WHEN e.epoch = l.epoch THEN l.tx_to ELSE 0 END AS tx_from,
               max(e.tx) + 1 AS beyond, count(*) AS rows, min(e.id) AS first_id, max(e.id) AS last_id,
               max(e.at) AS until_at, {_digest(NEWEST_FORM)} AS digest
          FROM ({_LAST}) l JOIN {TABLE} e ON e.realm_id = l.realm_id AND (e.epoch, e.tx) >= (l.epoch, l.tx_to)
         WHERE e.epoch < %s OR e.tx < %s
         GROUP BY l.realm_id, e.epoch, l.epoch, l.tx_to ORDER BY l.realm_id, e.epoch
        """,  # noqa: S608 - constants of this module
        (epoch, limit),
    )
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _seal_one(cursor: Any, group: dict[str, Any], epoch: int, limit: int) -> int:
    cursor.execute(
        f"SELECT number, hash FROM {SEALS} WHERE realm_id = %s ORDER BY number DESC LIMIT 1",  # noqa: S608
        (group["realm_id"],),
    )
    number, before = cursor.fetchone() or (0, b"")
    group |= {"number": number + 1, "form": NEWEST_FORM, "tx_to": limit if group["epoch"] == epoch else group["beyond"]}
    group["hash"] = _hash(bytes(before), bytes(group["digest"]), *(group[name] for name in _STATED))
    columns = [*_STATED, "until_at", "digest", "hash"]
    cursor.execute(
        f"INSERT INTO {SEALS} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})",  # noqa: S608
        [group[name] for name in columns],
    )
    return int(group["rows"])


_STATED = ("realm_id", "number", "epoch", "form", "tx_from", "tx_to", "rows", "first_id", "last_id")
"""The numbers of a seal that go into its hash, in this order."""


def heads() -> list[Head]:
    """The newest seal of every realm. Keep them where who can write to the database cannot."""
    with transaction.atomic(using="seal"), connections["seal"].cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT ON (s.realm_id) r.key, s.number, encode(s.hash, 'hex') FROM {SEALS} s"  # noqa: S608
            " JOIN tenancy_realm r ON r.id = s.realm_id ORDER BY s.realm_id, s.number DESC"
        )
        return [Head(*row) for row in cursor.fetchall()]


def verify(*, realm: str | None = None, kept: Sequence[Head] = ()) -> list[Break]:
    """Compare the trail with its seals, in one realm (by key) or all. Empty: nothing was changed since it was sealed.

    ``kept`` are heads from outside: each must still stand in the chain, or its tail was cut or made anew.
    """
    with transaction.atomic(using="seal"), connections["seal"].cursor() as cursor:
        # One picture of trail and seals: entries sealed meanwhile must not look like strangers.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT id, key FROM tenancy_realm WHERE %s IS NULL OR key = %s ORDER BY id", (realm, realm))
        found: list[Break] = []
        for realm_id, key in cursor.fetchall():
            found += _verify_one(cursor, realm_id, key, [head for head in kept if head.realm == key])
        return found


def check(*, realm: str | None = None) -> list[Break]:
    """:func:`verify`, and write down per realm what was found, for the page."""
    breaks = verify(realm=realm)
    found: dict[str, list[dict[str, Any]]] = {}
    for each in breaks:
        described = {"seal": each.number, "first": each.rows[0], "last": each.rows[1], "reason": each.reason}
        found.setdefault(each.realm, []).append(described)
    with transaction.atomic(using="seal"), connections["seal"].cursor() as cursor:
        cursor.execute("SELECT id, key FROM tenancy_realm WHERE %s IS NULL OR key = %s", (realm, realm))
        for realm_id, key in cursor.fetchall():
            cursor.execute(
                f"""
                INSERT INTO core_auditcheck (realm_id, at, seals, until_at, breaks)
                SELECT %s, clock_timestamp(), count(*), max(until_at), %s FROM {SEALS} WHERE realm_id = %s
                    ON CONFLICT (realm_id) DO UPDATE SET at = EXCLUDED.at, seals = EXCLUDED.seals,
                       until_at = EXCLUDED.until_at, breaks = EXCLUDED.breaks
                """,  # noqa: S608 - constants of this module
                (realm_id, json.dumps(found.get(key, [])[:100]), realm_id),
            )
    return breaks


def _verify_one(cursor: Any, realm_id: int, key: str, kept: Sequence[Head]) -> list[Break]:
    seals = _compared(cursor, realm_id)
    breaks: list[Break] = []
    before, expected, last = b"", 1, (0, 0)

    def broken(seal: dict[str, Any], reason: str) -> None:
        breaks.append(Break(key, seal["number"], (seal["first_id"], seal["last_id"]), reason))

    for seal in seals:
        if seal["number"] != expected:
            broken(seal, f"the seals {expected} to {seal['number'] - 1} before it are gone")
        elif seal["tx_from"] != (last[1] if last[0] == seal["epoch"] else 0):
            broken(seal, "it does not begin where the one before ends")
        elif _hash(before, seal["digest"], *(seal[name] for name in _STATED)) != seal["hash"]:
            broken(seal, "the seal or the one before was changed")
        if seal["pruned_at"] is None and (seal["found"], seal["found_digest"]) != (seal["rows"], seal["digest"]):
            was = f"{seal['rows']} sealed, {seal['found']} found"
            broken(seal, f"entries were changed, removed or added ({was})")
        before, expected, last = seal["hash"], seal["number"] + 1, (seal["epoch"], seal["tx_to"])
    breaks += _strangers(cursor, realm_id, key, seals)
    known = {seal["number"]: bytes(seal["hash"]).hex() for seal in seals}
    for head in kept:
        if known.get(head.number) != head.hash:
            gone = "is not in the chain any more: its tail was cut" if head.number not in known else "was another"
            breaks.append(Break(key, head.number, (0, 0), f"the hash kept outside {gone}"))
    return breaks


def _compared(cursor: Any, realm_id: int) -> list[dict[str, Any]]:
    """The realm's seals in order, each with the number and the digest of the entries found in its range."""
    rows: list[dict[str, Any]] = []
    for form in FORMS:
        cursor.execute(
            f"""
            SELECT s.*, COALESCE(f.rows, 0) AS found, f.digest AS found_digest FROM {SEALS} s LEFT JOIN LATERAL (
                   SELECT count(*) AS rows, {_digest(form)} AS digest FROM {TABLE} e
                    WHERE e.realm_id = s.realm_id AND e.epoch = s.epoch AND e.tx >= s.tx_from AND e.tx < s.tx_to
                   ) f ON s.pruned_at IS NULL
             WHERE s.realm_id = %s AND s.form = %s
            """,  # noqa: S608 - constants of this module
            (realm_id, form),
        )
        names = [column.name for column in cursor.description]
        for row in cursor.fetchall():
            values = (bytes(value) if isinstance(value, memoryview) else value for value in row)
            rows.append(dict(zip(names, values, strict=True)))
    return sorted(rows, key=lambda seal: int(seal["number"]))


def _strangers(cursor: Any, realm_id: int, key: str, seals: list[dict[str, Any]]) -> list[Break]:
    """Entries that stand before the newest seal's end and in no seal's range: put in with an older epoch."""
    if not seals:
        return []
    last = seals[-1]
    cursor.execute(
        f"""
        SELECT min(e.id), max(e.id) FROM {TABLE} e
         WHERE e.realm_id = %s AND (e.epoch, e.tx) < (%s, %s) AND NOT EXISTS (
               SELECT 1 FROM {SEALS} s WHERE s.realm_id = e.realm_id AND s.epoch = e.epoch
                  AND e.tx >= s.tx_from AND e.tx < s.tx_to)
        """,  # noqa: S608 - constants of this module
        (realm_id, last["epoch"], last["tx_to"]),
    )
    first_id, last_id = cursor.fetchone()
    if first_id is None:
        return []
    return [Break(key, last["number"], (first_id, last_id), "these entries stand in no seal: they were added later")]


def prune(realm_id: int, before: dt.datetime) -> int:
    """Delete the entries of whole seals that are older than ``before``, and mark those seals. Returns how many.

    The seals stay, so the chain still verifies; that and when it was pruned is for an entry of the caller to say.
    """
    with transaction.atomic(using="seal"), connections["seal"].cursor() as cursor:
        cursor.execute(
            f"""
            WITH pruned AS (
                UPDATE {SEALS} SET pruned_at = clock_timestamp()
                 WHERE realm_id = %s AND pruned_at IS NULL AND until_at < %s RETURNING realm_id, epoch, tx_from, tx_to)
            DELETE FROM {TABLE} e USING pruned p WHERE e.realm_id = p.realm_id AND e.epoch = p.epoch
               AND e.tx >= p.tx_from AND e.tx < p.tx_to
            """,  # noqa: S608 - constants of this module
            (realm_id, before),
        )
        return int(cursor.rowcount)
