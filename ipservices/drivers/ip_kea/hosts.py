"""Reservations in Kea's ``hosts`` tables: what a row means to BOSS, and the statements that read and write it.

One service is one row, in the subnet its address is in. A restriction needs a second one without a subnet (Kea calls
it global): in a shared network a class of the first comes too late to shut the client out. Several services may share
a client, so the global row is made anew from all of them, the strictest first.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ipservices.contracts import Conflict
from ipservices.drivers.ip_kea.identifiers import Identifier
from ipservices.drivers.ip_kea.networks import WALLED
from ipservices.sql import Cursor, SqlTransport

DROP = "DROP"
"""Kea's own class: who is in it gets no answer at all."""

GLOBAL = 0
ROUTERS, NAMESERVERS, NAMESERVERS_V6 = 3, 6, 23
_MARK = '{"boss": "walled"}'
_HOST_SCOPE = 3

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Place:
    """What is reserved: an address, a block of IPv4 addresses or an IPv6 prefix that is delegated."""

    network: Network

    @property
    def version(self) -> int:
        return self.network.version

    @property
    def length(self) -> int:
        return self.network.prefixlen

    @property
    def is_single(self) -> bool:
        return self.length == self.network.max_prefixlen

    @property
    def name(self) -> str:
        return str(self.network.network_address) if self.is_single else str(self.network)

    @property
    def leased(self) -> str:
        """The address the server hands out: of a block the first usable one, which the subscriber's router gets."""
        first = self.network.network_address
        return str(first if self.is_single or self.version == 6 else first + 1)


@dataclass(frozen=True, slots=True)
class Reservation:
    """One row with its options, as far as BOSS writes it; ``more`` is what it only keeps for putting it back."""

    service_ref: str
    identifier: Identifier
    bound: bool
    hostname: str
    subnet: int
    classes: tuple[str, ...]
    options: Mapping[int, str]
    marks: Mapping[str, Any]
    more: Mapping[str, Any] = field(default_factory=dict)
    host_id: int = 0
    sessions: int = 0


def context_of(text: str | None) -> dict[str, Any]:
    """The ``user_context`` of a row; empty when somebody else wrote something else there."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class Hosts:
    """The statements, for one IP version, on the open cursor of one transaction."""

    def __init__(self, sql: SqlTransport, cursor: Cursor, version: int) -> None:
        self._sql = sql
        self._cursor = cursor
        self._version = version
        self._subnet = f"dhcp{version}_subnet_id"
        self._classes = f"dhcp{version}_client_classes"
        self._options = f"dhcp{version}_options"

    def _run(self, statement: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        return self._sql.run(self._cursor, statement, values)

    # --- reading

    def at(self, place: Place) -> list[Reservation]:
        """Every reservation of the place or of an address in it, those that BOSS did not write first."""
        if self._version == 4:
            rows = self._run(_ROWS_4, {"lo": str(place.network[0]), "hi": str(place.network[-1])})
        else:
            rows = self._run(_ROWS_6, {"address": place.leased, "length": place.length})
        found = [self._reservation(row) for row in rows]
        return sorted(found, key=lambda one: (bool(one.service_ref), one.host_id))

    def live_leases(self, place: Place) -> int:
        """How many clients hold the place at this moment."""
        statement = _LEASES_4 if self._version == 4 else _LEASES_6
        return int(self._run(statement, {"address": place.leased})[0]["live"])

    def ours(self) -> list[dict[str, Any]]:
        """The user context of every row with a service id."""
        rows = self._run(_OURS.format(subnet=self._subnet), {})
        contexts = [context_of(row["user_context"]) for row in rows]
        return [context for context in contexts if str(context.get("boss") or "").startswith("svc-")]

    def _reservation(self, row: Mapping[str, Any]) -> Reservation:
        context = context_of(row["user_context"])
        options = self._run(_OPTIONS.format(table=self._options), {"host": row["host_id"]})
        mine = {int(one["code"]): str(one["formatted_value"]) for one in options if one["user_context"] == _MARK}
        others = [
            {"code": int(one["code"]), "value": bytes(one["value"] or b"").hex(), "text": one["formatted_value"],
             "space": one["space"], "persistent": one["persistent"]}
            for one in options if one["user_context"] != _MARK
        ]  # fmt: skip
        more: dict[str, Any] = {key: row[key] for key in _KEPT if row[key] is not None}
        return Reservation(
            service_ref=str(context.get("boss") or ""),
            identifier=Identifier(int(row["dhcp_identifier_type"]), bytes(row["dhcp_identifier"])),
            bound=bool(context.get("bound", True)),
            hostname=str(row["hostname"] or ""),
            subnet=int(row[self._subnet] or 0),
            classes=tuple(one.strip() for one in str(row[self._classes] or "").split(",") if one.strip()),
            options=mine,
            marks=context,
            more=more | ({"options": others} if others else {}),
            host_id=int(row["host_id"]),
        )

    # --- writing

    def hold(self, place: Place) -> None:
        """Let nobody else reserve the same address before this transaction ends: Kea's index would allow it."""
        self._run("SELECT pg_advisory_xact_lock(hashtext(%(place)s))", {"place": f"boss {place.leased}"})

    def write(self, place: Place, wanted: Reservation, present: Reservation | None) -> None:
        """Insert or change the service's row, its options, and what shuts the client out."""
        taken = self._run(
            _SAME_CLIENT.format(subnet=self._subnet),
            {"kind": wanted.identifier.kind, "identifier": wanted.identifier.value, "subnet": wanted.subnet,
             "host": present.host_id if present else 0},
        )  # fmt: skip
        if taken:
            owner = context_of(taken[0]["user_context"]).get("boss") or "nobody BOSS knows"
            raise Conflict(f"{wanted.identifier} has another reservation in this subnet, of {owner}", name=place.name)
        values: dict[str, Any] = {
            "kind": wanted.identifier.kind,
            "identifier": wanted.identifier.value,
            "subnet": wanted.subnet,
            "hostname": wanted.hostname or None,
            "classes": ",".join(wanted.classes) or None,
            "context": json.dumps(dict(wanted.marks), sort_keys=True),
        }
        if present is None:
            kept = {key: wanted.more.get(key) for key in _KEPT}
            address = place.leased if self._version == 4 else None
            statement = _INSERT.format(subnet=self._subnet, classes=self._classes)
            host = int(self._run(statement, {**values, **kept, "address": address})[0]["host_id"])
            if self._version == 6:
                kind = 0 if place.is_single else 2
                reserved = {"address": place.leased, "length": place.length, "kind": kind, "host": host}
                self._run(_INSERT_6, reserved)
            self._put_options(host, wanted.more.get("options") or [])
        else:
            host = present.host_id
            self._run(_UPDATE.format(subnet=self._subnet, classes=self._classes), {**values, "host": host})
            if self._version == 4 and not place.is_single:
                self._run(_MOVE, {"address": place.leased, "host": host})
            self._run(f"DELETE FROM {self._options} WHERE host_id = %(host)s AND user_context = %(mark)s",  # noqa: S608
                      {"host": host, "mark": _MARK})  # fmt: skip
        for code, text in wanted.options.items():
            self._run(
                _PUT_OPTION.format(table=self._options),
                {"code": code, "text": text, "space": f"dhcp{self._version}", "host": host, "scope": _HOST_SCOPE,
                 "mark": _MARK, "value": None, "persistent": False},
            )  # fmt: skip
        clients = {wanted.identifier, *((present.identifier,) if present else ())}
        for identifier in sorted(clients, key=str):  # in one order, so that two transactions never wait in a circle
            self._shut_or_open(identifier)

    def delete(self, present: Reservation) -> None:
        """Take the service's row away, options and reserved prefixes with it."""
        self._run("DELETE FROM hosts WHERE host_id = %(host)s", {"host": present.host_id})
        self._shut_or_open(present.identifier)

    def shut(self, identifier: Identifier) -> tuple[str, ...]:
        """The classes of the client's global row: what really shuts it out."""
        values = {"kind": identifier.kind, "identifier": identifier.value}
        rows = self._run(_GLOBAL.format(subnet=self._subnet, classes=self._classes), values)
        return tuple(str(row["classes"] or "") for row in rows)

    def keep_test_client(self, place: Place, identifier: Identifier, subnet: int) -> None:
        """Have the reservation that health asks for; nothing happens when it is there."""
        self.hold(place)
        if not self.at(place):
            self.write(place, Reservation("", identifier, True, "", subnet, (), {}, {"boss-test": True}), None)

    def _put_options(self, host: int, options: list[Mapping[str, Any]]) -> None:
        for one in options:
            value = bytes.fromhex(one["value"]) or None
            self._run(
                _PUT_OPTION.format(table=self._options),
                {"code": one["code"], "text": one["text"], "space": one["space"], "host": host, "value": value,
                 "scope": _HOST_SCOPE, "mark": None, "persistent": one["persistent"]},
            )  # fmt: skip

    def _shut_or_open(self, identifier: Identifier) -> None:
        names = {"subnet": self._subnet, "classes": self._classes}
        # Another service of the same client may be changed at this moment.
        self._run("SELECT pg_advisory_xact_lock(hashtext(%(client)s))", {"client": f"boss {identifier}"})
        values = {"kind": identifier.kind, "identifier": identifier.value, "context": '{"boss-shuts": true}'}
        self._run(_FORGET_GLOBAL.format(**names), values)
        classes = [row["classes"] or "" for row in self._run(_CLASSES_OF_CLIENT.format(**names), values)]
        strictest = next((one for one in (DROP, WALLED) if any(one in held.split(",") for held in classes)), "")
        if strictest:
            self._run(_WRITE_GLOBAL.format(**names), {**values, "class": strictest})


_KEPT = ("dhcp4_next_server", "dhcp4_server_hostname", "dhcp4_boot_file_name")
_COLUMNS = """h.host_id, h.dhcp_identifier, h.dhcp_identifier_type, h.dhcp4_subnet_id, h.dhcp6_subnet_id, h.hostname,
       h.dhcp4_client_classes, h.dhcp6_client_classes, h.dhcp4_next_server, h.dhcp4_server_hostname,
       h.dhcp4_boot_file_name, h.user_context"""

# Kea keeps an IPv4 address as a number.
_ROWS_4 = f"""
SELECT {_COLUMNS} FROM hosts h
 WHERE h.ipv4_address BETWEEN %(lo)s::inet - '0.0.0.0'::inet AND %(hi)s::inet - '0.0.0.0'::inet
 ORDER BY h.host_id
"""  # noqa: S608 - our own words
_ROWS_6 = f"""
SELECT {_COLUMNS} FROM hosts h JOIN ipv6_reservations r USING (host_id)
 WHERE r.address = %(address)s AND r.prefix_len = %(length)s ORDER BY h.host_id
"""  # noqa: S608
_LEASES_4 = """
SELECT count(*) AS live FROM lease4
 WHERE address = %(address)s::inet - '0.0.0.0'::inet AND state = 0 AND expire > clock_timestamp()
"""
_LEASES_6 = """
SELECT count(*) AS live FROM lease6 WHERE address = %(address)s AND state = 0 AND expire > clock_timestamp()
"""
_OURS = """
SELECT user_context FROM hosts WHERE {subnet} IS NOT NULL AND user_context LIKE '%%"boss":%%svc-%%' ORDER BY host_id
"""
_OPTIONS = """
SELECT code, value, formatted_value, space, persistent, user_context FROM {table}
 WHERE host_id = %(host)s ORDER BY code, option_id
"""
_SAME_CLIENT = """
SELECT user_context FROM hosts
 WHERE dhcp_identifier_type = %(kind)s AND dhcp_identifier = %(identifier)s AND {subnet} = %(subnet)s
   AND host_id <> %(host)s
"""
_INSERT = """
INSERT INTO hosts (dhcp_identifier, dhcp_identifier_type, {subnet}, ipv4_address, hostname, {classes}, user_context,
                   dhcp4_next_server, dhcp4_server_hostname, dhcp4_boot_file_name)
VALUES (%(identifier)s, %(kind)s, %(subnet)s, %(address)s::inet - '0.0.0.0'::inet, %(hostname)s, %(classes)s,
        %(context)s, %(dhcp4_next_server)s, %(dhcp4_server_hostname)s, %(dhcp4_boot_file_name)s)
RETURNING host_id
"""
_INSERT_6 = """
INSERT INTO ipv6_reservations (address, prefix_len, type, host_id) VALUES (%(address)s, %(length)s, %(kind)s, %(host)s)
"""
_UPDATE = """
UPDATE hosts SET dhcp_identifier = %(identifier)s, dhcp_identifier_type = %(kind)s, {subnet} = %(subnet)s,
       hostname = %(hostname)s, {classes} = %(classes)s, user_context = %(context)s
 WHERE host_id = %(host)s
"""
_MOVE = "UPDATE hosts SET ipv4_address = %(address)s::inet - '0.0.0.0'::inet WHERE host_id = %(host)s"
_PUT_OPTION = """
INSERT INTO {table} (code, value, formatted_value, space, persistent, host_id, scope_id, user_context)
VALUES (%(code)s, %(value)s, %(text)s, %(space)s, %(persistent)s, %(host)s, %(scope)s, %(mark)s)
"""
_GLOBAL = """
SELECT {classes} AS classes FROM hosts
 WHERE dhcp_identifier_type = %(kind)s AND dhcp_identifier = %(identifier)s AND {subnet} = 0
"""
_FORGET_GLOBAL = """
DELETE FROM hosts WHERE dhcp_identifier_type = %(kind)s AND dhcp_identifier = %(identifier)s AND {subnet} = 0
   AND user_context = %(context)s
"""
_CLASSES_OF_CLIENT = """
SELECT {classes} AS classes FROM hosts
 WHERE dhcp_identifier_type = %(kind)s AND dhcp_identifier = %(identifier)s AND {subnet} <> 0
   AND user_context LIKE '%%"boss":%%svc-%%'
"""
_WRITE_GLOBAL = """
INSERT INTO hosts (dhcp_identifier, dhcp_identifier_type, {subnet}, {classes}, user_context)
VALUES (%(identifier)s, %(kind)s, 0, %(class)s, %(context)s)
"""
