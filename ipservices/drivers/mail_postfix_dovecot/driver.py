"""Postfix and Dovecot that read their mailboxes from PostgreSQL tables of this driver's own (``schema.sql``).

No reload, no file: a row is the mailbox, in the moment it is committed. What the servers do wrong, and the restrictions
Postfix needs so that a suspension closes every door, are written in the README.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext_noop as _

from boss.core.schema import Characteristic
from ipservices import sql
from ipservices.contracts import Conflict, Connection, Desired, Held, Observed, Restriction
from ipservices.mailing import crypt, driver, mailboxes
from ipservices.mailing.driver import CANARY_REF, Counted, Counters, MailDriver

_READ = """
SELECT m.address, m.service_ref, m.password, m.quota_mb, m.forward, m.autoreply, m.daily_send_limit, m.restriction,
       m.switched_off, ARRAY(SELECT name FROM mailbox_name WHERE mailbox = m.address AND name <> m.address
                             ORDER BY name) AS aliases,
       EXISTS (SELECT FROM mailbox_name WHERE name = m.address AND mailbox = m.address) AS is_named
  FROM mailbox m WHERE m.address = ANY(%(addresses)s)
"""
_WRITE = """
INSERT INTO mailbox (address, domain, service_ref, password, quota_mb, forward, autoreply, daily_send_limit,
                     restriction, switched_off)
VALUES (%(address)s, %(domain)s, %(service_ref)s, %(password)s, %(quota_mb)s, %(forward)s::text[],
        %(autoreply)s::jsonb, %(daily_send_limit)s::integer, %(restriction)s, %(switched_off)s::text[])
ON CONFLICT (address) DO UPDATE
   SET password = excluded.password, quota_mb = excluded.quota_mb, forward = excluded.forward,
       autoreply = excluded.autoreply, daily_send_limit = excluded.daily_send_limit,
       restriction = excluded.restriction, switched_off = excluded.switched_off
 WHERE mailbox.service_ref = excluded.service_ref
RETURNING address
"""
_TAKE_NAMES = """
INSERT INTO mailbox_name (name, mailbox) SELECT unnest(%(names)s::text[]), %(address)s
ON CONFLICT (name) DO UPDATE SET mailbox = mailbox_name.mailbox RETURNING name, mailbox
"""
_DROP_NAMES = "DELETE FROM mailbox_name WHERE mailbox = %(address)s AND NOT name = ANY (%(names)s::text[])"
_REMOVE = """
WITH removed AS (
    DELETE FROM mailbox WHERE address = %(address)s AND service_ref = %(service_ref)s RETURNING address, service_ref
)
INSERT INTO mailbox_gone (service_ref, address) SELECT service_ref, address FROM removed
ON CONFLICT (service_ref, address) DO UPDATE SET removed_at = now()
"""
_OVERDUE = """
SELECT service_ref, address FROM mailbox_gone g
 WHERE removed_at <= now() - %(days)s * interval '1 day'
   AND NOT EXISTS (SELECT FROM mailbox m WHERE m.address = g.address AND m.service_ref = g.service_ref)
 ORDER BY removed_at LIMIT 50
"""
_PURGED = "DELETE FROM mailbox_gone WHERE service_ref = %(service_ref)s AND address = %(address)s"
_BACK = "DELETE FROM mailbox_gone WHERE service_ref = %(service_ref)s AND address = %(address)s"
_SERVE = "INSERT INTO mail_domain (name) SELECT unnest(%(domains)s::text[]) ON CONFLICT DO NOTHING"
_LIST = "SELECT service_ref, address FROM mailbox WHERE service_ref <> %(canary)s ORDER BY address"
_LIST_AFTER = """
    SELECT service_ref, address FROM mailbox
     WHERE address > %(place)s AND service_ref <> %(canary)s ORDER BY address LIMIT %(most)s
"""
_SENT = "SELECT service_ref, address, messages_out FROM mailbox WHERE service_ref <> %(canary)s"

_HIDDEN = ("password",)
_DAYS = 30


class PostfixDovecotDriver(MailDriver):
    key = "mail_postfix_dovecot"
    title = _("Postfix and Dovecot (SQL)")
    settings: ClassVar[tuple[Characteristic, ...]] = (
        *sql.settings(),
        Characteristic("doveadm_url", label=driver.DOVEADM_URL, required=True, help=_("for instance https://192.0.2.25:8443")),
        *driver.SETTINGS,
        Characteristic("grace_days", "integer", label=_("Days until removed mail is deleted"), default=_DAYS, minimum=0,
                       maximum=3650),
    )  # fmt: skip
    secrets: ClassVar[tuple[Characteristic, ...]] = (
        sql.secret(),
        Characteristic("doveadm_key", "secret", label=driver.DOVEADM_KEY, required=True),
        driver.WEBMAIL_KEY,
    )
    attributes = frozenset({"address", "quota_mb", "aliases", "forward", "autoreply", "daily_send_limit"})

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._sql = sql.SqlTransport(
            connection.settings,
            connection.secrets.get("sql_password", ""),
            deadline=self.deadline,
            networks=connection.networks,
            note=self.note,
            owner=connection.owner,
        )

    def close(self) -> None:
        super().close()
        self._sql.close()

    def lock_key(self, desired: Desired) -> str:
        # Rows keep apart what is changed at once; the lease is for the look before and the comparison after.
        return f"mailbox:{desired.name.lower()}"

    # --- changes

    def apply(self, desired: Desired, *, key: str) -> None:
        address = mailboxes.address(desired.name)
        with self._sql.transaction() as cursor:
            held = self._read(cursor, address)
            self._write(cursor, desired, held)
        new_password = held is not None and desired.secrets and not _same_password(desired, held["password"])
        before = mailboxes.open_doors(Restriction(held["restriction"]), held["switched_off"]) if held else ()
        if new_password or self.closed_by(desired, before):
            self.cut_sessions(desired)

    def _write(self, cursor: sql.Cursor, desired: Desired, held: Mapping[str, Any] | None) -> None:
        address = mailboxes.address(desired.name)
        wanted = self.wanted_of(desired, held)
        names = [address, *wanted["aliases"]]
        self._sql.run(cursor, _SERVE, {"domains": sorted({mailboxes.domain_of(name) for name in names})})
        values = {
            **wanted,
            "address": address,
            "domain": mailboxes.domain_of(address),
            "service_ref": desired.service_ref,
            "password": self._password(desired, held),
            "autoreply": None if wanted["autoreply"] is None else json.dumps(wanted["autoreply"]),
            "restriction": str(desired.restriction),
            "switched_off": sorted(desired.switched_off),
        }
        del values["aliases"]
        if not self._sql.run(cursor, _WRITE, values, hide=_HIDDEN):
            raise Conflict(f"{address} belongs to another service", name=address)
        self._sql.run(cursor, _DROP_NAMES, {"address": address, "names": names})
        taken = self._sql.run(cursor, _TAKE_NAMES, {"address": address, "names": names})
        others = sorted(row["name"] for row in taken if row["mailbox"] != address)
        if others:
            raise Conflict(f"taken by another mailbox: {', '.join(others)}", name=others[0])
        self._sql.run(cursor, _BACK, {"service_ref": desired.service_ref, "address": address})

    @staticmethod
    def _password(desired: Desired, held: Mapping[str, Any] | None) -> str:
        """The hash to keep: the former one in an exact restore, or while it is that of the password asked for."""
        if desired.exact and "password" in desired.native:
            return str(desired.native["password"])
        former = str(held["password"]) if held else "!"
        if not desired.secrets.get("password") or _same_password(desired, former):
            return former
        return crypt.sha512_crypt(desired.secrets["password"])

    def remove(self, desired: Desired, *, key: str) -> None:
        address = mailboxes.address(desired.name)
        with self._sql.transaction() as cursor:
            held = self._read(cursor, address)
            if held is not None and held["service_ref"] != desired.service_ref:
                raise Conflict(f"{address} belongs to {held['service_ref']}", name=address)
            self._sql.run(cursor, _REMOVE, {"address": address, "service_ref": desired.service_ref})
        if held is not None:
            self.cut_sessions(desired)

    def purge(self) -> int:
        days = self.connection.settings.get("grace_days")
        with self._sql.transaction() as cursor:
            overdue = self._sql.run(cursor, _OVERDUE, {"days": _DAYS if days is None else int(days)})
        for row in overdue:
            assert self.doveadm is not None
            self.doveadm.empty(f"gone.{row['service_ref']}.{row['address']}".lower())
            with self._sql.transaction() as cursor:
                self._sql.run(cursor, _PURGED, row)
        return len(overdue)

    # --- reads

    def observe(self, desired: Desired) -> Observed | None:
        address = mailboxes.address(desired.name)
        rows = self._sql.read(_READ, {"addresses": [address]}, hide=_HIDDEN)
        return self._observed(desired, rows[0], self.sessions_of(address)) if rows else None

    def observe_many(self, desireds: Sequence[Desired], *, max_age: float = 0.0) -> Iterator[Observed | None]:
        for part in sql.parts(desireds):
            self.deadline.restart()
            named = [mailboxes.address(desired.name) for desired in part]
            rows = self._sql.read(_READ, {"addresses": named}, hide=_HIDDEN)
            found, sessions = {row["address"]: row for row in rows}, self.all_sessions()
            for desired, address in zip(part, named, strict=True):
                row = found.get(address)
                yield None if row is None else self._observed(desired, row, sessions[address])

    def _observed(self, desired: Desired, row: Mapping[str, Any], sessions: int) -> Observed:
        attributes = {key: row[key] for key in sorted(self.attributes)}
        if not row["is_named"]:  # its own address leads nowhere, and its restrictions do not hold
            attributes["address"] = ""
        return Observed(
            service_ref=row["service_ref"],
            family="mail",
            kind="mailbox",
            name=desired.name,
            attributes=attributes,
            restriction=Restriction(row["restriction"]),
            switched_off=frozenset(row["switched_off"]),
            native={"password": row["password"]},
            sessions=sessions,
        )

    def _read(self, cursor: sql.Cursor, address: str) -> dict[str, Any] | None:
        rows = self._sql.run(cursor, _READ, {"addresses": [address]}, hide=_HIDDEN)
        return rows[0] if rows else None

    def list_all(self) -> Iterable[Held]:
        with self._sql.transaction() as cursor:
            rows = self._sql.run(cursor, _LIST, {"canary": CANARY_REF})
        return [Held(row["service_ref"], "mailbox", row["address"]) for row in rows]

    def list_after(self, place: str, *, most: int) -> tuple[list[Held], str]:
        rows = self._sql.read(_LIST_AFTER, {"canary": CANARY_REF, "place": place, "most": most})
        held = [Held(row["service_ref"], "mailbox", row["address"]) for row in rows]
        return held, held[-1].name if len(held) == most else ""

    def counters(self) -> Counted:
        with self._sql.transaction() as cursor:
            rows = self._sql.run(cursor, _SENT, {"canary": CANARY_REF})
        assert self.doveadm is not None
        stored, delivered = self.doveadm.storage(), self.doveadm.deliveries()
        mailboxes = {
            f"{row['service_ref']} {row['address']}": Counters(
                row["service_ref"],
                {
                    "messages_out": row["messages_out"],
                    "messages_in": delivered.by_user.get(row["address"], 0),
                    "storage_octets": stored.get(row["address"], 0),
                },
            )
            for row in rows
        }
        return Counted(mailboxes, delivered.marks)

    def keep_canary(self, address: str, password: str) -> None:
        attributes = {"address": address, "quota_mb": 10}
        wanted = Desired(CANARY_REF, "mail", "mailbox", address, attributes, secrets={"password": password})
        with self._sql.transaction() as cursor:
            held = self._read(cursor, address)
            if held is None or not _same_password(wanted, held["password"]) or held["restriction"] != "none":
                self._write(cursor, wanted, held)

    def _secret(self) -> str:
        return self.connection.secrets.get("sql_password", "")


def _same_password(desired: Desired, hashed: str) -> bool:
    return crypt.matches(desired.secrets.get("password", ""), hashed)
