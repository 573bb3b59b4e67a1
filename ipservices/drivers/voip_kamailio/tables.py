"""Kamailio's tables: lines, the numbers that lead to them, and the records of their calls."""

from __future__ import annotations

import hmac
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ipservices.contracts import Conflict, Desired, Held, Restriction, UsageReading, UsageSample
from ipservices.drivers.voip_kamailio import lines, sip
from ipservices.drivers.voip_kamailio.lines import COLUMNS, SECRET, Line, Rules
from ipservices.sql import Cursor, SqlTransport

_READ = f"""
    SELECT username, {", ".join(COLUMNS)},
           ARRAY(SELECT alias_username FROM dbaliases AS a
                  WHERE a.username = s.username AND a.domain = s.domain AND a.alias_domain = s.domain
                  ORDER BY alias_username) AS numbers
      FROM subscriber AS s WHERE username = ANY(%(users)s) AND domain = %(domain)s
"""  # noqa: S608 - our own names
_WRITE = f"""
    INSERT INTO subscriber (username, domain, {", ".join(COLUMNS)})
    VALUES (%(user)s, %(domain)s, {", ".join(f"%({column})s" for column in COLUMNS)})
    ON CONFLICT (username, domain) DO UPDATE SET {", ".join(f"{column} = excluded.{column}" for column in COLUMNS)}
"""  # noqa: S608 - our own names
_ALIAS = """
    INSERT INTO dbaliases (alias_username, alias_domain, username, domain)
    VALUES (%(number)s, %(domain)s, %(user)s, %(domain)s)
    ON CONFLICT (alias_username, alias_domain) DO UPDATE SET username = dbaliases.username
    RETURNING username, domain
"""
_OTHER_ALIASES = """
    DELETE FROM dbaliases WHERE username = %(user)s AND domain = %(domain)s AND alias_domain = %(domain)s
       AND NOT alias_username = ANY(%(kept)s)
"""
_REMOVE = "DELETE FROM subscriber WHERE username = %(user)s AND domain = %(domain)s"
_HELD = """
    SELECT boss_service, username FROM subscriber WHERE boss_service <> '' AND domain = %(domain)s ORDER BY username
"""
_HELD_AFTER = """
    SELECT boss_service, username FROM subscriber
     WHERE boss_service <> '' AND domain = %(domain)s AND username > %(place)s ORDER BY username LIMIT %(most)s
"""
_USAGE = """
    SELECT service, count(*) AS calls, sum(floor(duration + 0.5))::bigint AS seconds FROM acc_cdrs
     WHERE written >= %(since)s::text::xid8 AND written < %(until)s::text::xid8 AND service <> ''
     GROUP BY service ORDER BY service
"""
_DEFAULTS: dict[str, Any] = {
    "password": "", "ha1b": "", "max_calls": 0, "bar_abroad": "", "bar_premium": "", "display_name": "",
    "forward_to": "", "voicemail": False, "international_minutes": 0, "device": "",
}  # fmt: skip


class Tables:
    """The tables of one server, for the lines of one domain."""

    def __init__(self, sql: SqlTransport, domain: str, rules: Rules) -> None:
        self._sql = sql
        self._domain = domain
        self._rules = rules

    def read(self, number: str) -> Line | None:
        return _line(self._sql.read(_READ, self._named(number), hide=SECRET))

    def read_many(self, numbers: Sequence[str]) -> dict[str, Line]:
        """The lines of these numbers that are there, with one statement."""
        named = {lines.user_of(number): number for number in numbers}
        values = {"users": list(named), "domain": self._domain}
        rows = self._sql.read(_READ, values, hide=SECRET)
        return {named[str(row["username"])]: Line(row, tuple(row["numbers"])) for row in rows}

    def write(self, desired: Desired, restriction: Restriction) -> bool:
        """Make the line what it should be, in one transaction; whether whoever was logged in has to log in anew."""
        with self._sql.transaction() as cursor:
            before = self._read(cursor, desired.name, lock=True)
            if before is not None and before.service_ref != desired.service_ref:
                raise Conflict(f"{desired.name} belongs to {before.service_ref or 'nobody BOSS knows'}")
            row = self._row(desired, restriction, before)
            self._sql.run(cursor, _WRITE, {**self._named(desired.name), **row}, hide=SECRET)
            numbers = [desired.name]
            if desired.exact and desired.native:
                numbers = [str(number) for number in desired.native.get("numbers", numbers)]
                self._sql.run(cursor, _OTHER_ALIASES, {**self._named(desired.name), "kept": numbers})
            for number in numbers:
                [found] = self._sql.run(cursor, _ALIAS, {**self._named(desired.name), "number": number})
                if (found["username"], found["domain"]) != (lines.user_of(desired.name), self._domain):
                    raise Conflict(f"the number {number} leads to {found['username']}@{found['domain']}")
        return before is not None and not hmac.compare_digest(str(before.row["ha1"]), str(row["ha1"]))

    def remove(self, desired: Desired) -> None:
        with self._sql.transaction() as cursor:
            before = self._read(cursor, desired.name, lock=True)
            if before is None:
                return
            if before.service_ref != desired.service_ref:
                raise Conflict(f"{desired.name} belongs to {before.service_ref or 'nobody BOSS knows'}")
            self._sql.run(cursor, _OTHER_ALIASES, {**self._named(desired.name), "kept": []})
            self._sql.run(cursor, _REMOVE, self._named(desired.name))

    def held(self) -> Iterator[Held]:
        with self._sql.transaction() as cursor:
            rows = self._sql.run(cursor, _HELD, {"domain": self._domain})
        for row in rows:
            yield Held(str(row["boss_service"]), "line", f"+{row['username']}")

    def held_after(self, place: str, most: int) -> tuple[list[Held], str]:
        """At most so many of them from a user name on, and the last one's unless there are no more."""
        rows = self._sql.read(_HELD_AFTER, {"domain": self._domain, "place": place, "most": most})
        held = [Held(str(row["boss_service"]), "line", f"+{row['username']}") for row in rows]
        return held, str(rows[-1]["username"]) if len(rows) == most else ""

    def usage(self, reached: Mapping[str, Any]) -> UsageReading:
        """Calls and seconds of whoever called, in the records committed since.

        The bound is the oldest transaction still open, so that a record which is committed late is not passed over.
        """
        with self._sql.transaction() as cursor:
            [now] = self._sql.run(cursor, "SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS until")
            until = int(now["until"])
            since = int(reached.get("written") or 0)
            rows = self._sql.run(cursor, _USAGE, {"since": since, "until": until})
        used: Counter[tuple[str, str]] = Counter()
        for row in rows:
            used[str(row["service"]), "calls"] += int(row["calls"])
            used[str(row["service"]), "seconds"] += int(row["seconds"] or 0)
        samples = tuple(UsageSample(ref, metric, amount) for (ref, metric), amount in used.items() if amount)
        return UsageReading(samples, {"written": max(since, until)})

    def ping(self) -> None:
        with self._sql.transaction() as cursor:
            self._sql.run(cursor, "SELECT count(boss_service) AS lines FROM subscriber WHERE id < 2")

    def _read(self, cursor: Cursor, number: str, *, lock: bool = False) -> Line | None:
        statement = _READ + (" FOR UPDATE" if lock else "")
        rows = self._sql.run(cursor, statement, self._named(number), hide=SECRET)
        return _line(rows)

    def _row(self, desired: Desired, restriction: Restriction, before: Line | None) -> dict[str, Any]:
        said = lines.normal(desired.attributes, desired.name)
        # Without a password there is a hash that no password has: an empty one would let everybody in.
        start = dict(before.row) if before is not None else {**_DEFAULTS, "ha1": secrets.token_hex(16)}
        row = {column: start[column] for column in COLUMNS if column in start}
        if desired.exact and desired.native:
            row |= {column: desired.native[column] for column in COLUMNS if column in desired.native}
            return row
        row |= lines.columns_of(said, restriction, desired.switched_off, self._rules)
        row["boss_service"] = desired.service_ref
        if desired.secrets.get("password"):
            user = lines.user_of(desired.name)
            password = desired.secrets["password"]
            full = f"{user}@{self._domain}"
            row |= {"password": "", "ha1": sip.ha1(user, self._domain, password),
                    "ha1b": sip.ha1(full, self._domain, password)}  # fmt: skip
        return row

    def _named(self, number: str) -> dict[str, Any]:
        user = lines.user_of(number)
        return {"user": user, "users": [user], "domain": self._domain}


def _line(rows: list[dict[str, Any]]) -> Line | None:
    return Line(rows[0], tuple(rows[0]["numbers"])) if rows else None
