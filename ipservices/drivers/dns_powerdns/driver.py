"""PowerDNS Authoritative (4.7 and later) through its HTTP API. What it does wrong is written in the README.

``dns.zone`` has the service id in the zone's ``account``; ``dns.host`` and ``dns.ptr`` (one name in a zone many
share) have it in the comments of their record sets. Suspended means every record set disabled:
the server refuses the name, the data stays. Marks in the comments keep the owner's own switches apart from that.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from django.utils.translation import gettext_noop as _

from boss.core.schema import Characteristic
from ipservices.contracts import (
    Capabilities,
    Conflict,
    Connection,
    Desired,
    Held,
    Invalid,
    Observed,
    Restriction,
    Safety,
    Transient,
)
from ipservices.drivers.dns_driver import KINDS, DnsDriver, is_suspended
from ipservices.drivers.dns_powerdns import records
from ipservices.drivers.dns_records import OWNER_OFF, SHARED, SUSPENDED, Key, absolute, in_order, switch_of
from ipservices.transport import Answer, HttpTransport

_JUST_NOW_SECONDS = 1.0

NameSets = Mapping[str, list[Mapping[str, Any]]]
"""Record sets by absolute name."""


class PowerDnsDriver(DnsDriver[NameSets]):
    key = "dns_powerdns"
    names_worth_a_zone = 1  # a name cannot be had without its zone's comments, as of 4.7
    title = _("PowerDNS Authoritative")
    settings: ClassVar[tuple[Characteristic, ...]] = (
        Characteristic("api_url", label=_("API address"), required=True, help=_("for instance http://192.0.2.53:8081")),
        *DnsDriver.service_plane,
        Characteristic("server_id", label=_("Server id"), default="localhost"),
        *DnsDriver.names,
    )
    secrets: ClassVar[tuple[Characteristic, ...]] = (
        Characteristic("api_key", "secret", label=_("API key"), required=True),
    )

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._http = HttpTransport(
            str(connection.settings["api_url"]),
            headers={"X-API-Key": connection.secrets.get("api_key", "")},
            deadline=self.deadline,
            networks=connection.networks,
            note=self.note,
            owner=connection.owner,
        )
        self._zones: list[tuple[str, str]] | None = None
        self._seen: tuple[str, dict[str, Any] | None, float] = ("", None, 0.0)
        self._server = f"/api/v1/servers/{connection.settings.get('server_id') or 'localhost'}"

    def close(self) -> None:
        self._http.close()

    @classmethod
    def capabilities(cls) -> Capabilities:
        return Capabilities(
            kinds=KINDS,
            restrictions=frozenset({Restriction.NONE, Restriction.BLOCKED}),
            safety=Safety.READBACK,
        )

    # --- changes (the zone is the lock: parallel PATCHes of one lose and double records, upstream 7128, 8374, 10448)

    def apply(self, desired: Desired, *, key: str) -> None:
        zone = self._zone(desired)
        present = self._seen_just_now(zone) or self._read_zone(zone, self._only(desired))
        owner = desired.service_ref if desired.kind == "zone" else SHARED
        if present is None:
            present = self._create_zone(zone, owner, self._nameservers(desired))
        if present["account"] != owner:
            raise Conflict(f"the zone {zone} belongs to {present['account'] or 'nobody BOSS knows'}", zone=zone)
        there = {(rrset["name"], rrset["type"]): rrset for rrset in present["rrsets"]}
        changes = self._changes(desired, there)
        if changes:
            self._expect(self._http.request("PATCH", self._zone_path(zone), {"rrsets": changes}), 204)

    def remove(self, desired: Desired, *, key: str) -> None:
        zone = self._zone(desired)
        if desired.kind == "zone":
            self._expect(self._http.request("DELETE", self._zone_path(zone)), 204, 404)
            return
        present = self._read_zone(zone, self._only(desired))
        mine = [] if present is None else self._sets_of_name(desired, present)
        gone = [records.delete((rrset["name"], rrset["type"])) for rrset in mine]
        if gone:
            self._expect(self._http.request("PATCH", self._zone_path(zone), {"rrsets": gone}), 204, 404)

    # --- reads

    def observe(self, desired: Desired) -> Observed | None:
        zone = self._zone(desired)
        present = self._read_zone(zone, self._only(desired))
        self._seen = (zone, present, time.monotonic())
        if present is None:
            return None
        if desired.kind == "zone":
            return self._observed_zone(desired, present)
        return self._observed_name(desired, self._sets_of_name(desired, present))

    def _take_picture(self, zone: str) -> NameSets | None:
        present = self._read_zone(zone)
        if present is None:
            return None
        names: dict[str, list[Mapping[str, Any]]] = {}
        for rrset in present["rrsets"]:
            names.setdefault(rrset["name"], []).append(rrset)
        return names

    def _observed_in(self, picture: NameSets, desired: Desired) -> Observed | None:
        types = self._types(desired)
        there = picture.get(f"{self._node(desired)}.", [])
        return self._observed_name(desired, [rrset for rrset in there if rrset["type"] in types])

    def list_all(self) -> Iterable[Held]:
        for name, account in self._owned_zones():
            yield from self._held_in(name, account)

    def list_after(self, place: str, *, most: int) -> tuple[list[Held], str]:
        """Zone by zone: one that services share is never given in parts, as the server has no way to read a part."""
        if self._zones is None:
            self._zones = self._owned_zones()
        page: list[Held] = []
        for name, account in self._zones[bisect_right(self._zones, place, key=lambda zone: zone[0]) :]:
            page += self._held_in(name, account)
            if len(page) >= most:
                return page, name
        return page, ""

    def _owned_zones(self) -> list[tuple[str, str]]:
        """The zones that somebody is said to own, and who; by name."""
        found = self._expect(self._http.request("GET", f"{self._server}/zones"), 200).body
        return sorted((zone["name"].rstrip("."), zone["account"]) for zone in found if zone["account"])

    def _held_in(self, zone: str, account: str) -> Iterable[Held]:
        if account != SHARED:
            return [Held(account, "zone", zone)]
        self.deadline.restart()  # a big one takes its time
        return self._names_of(zone)

    def _prove_control(self) -> str:
        self._expect(self._http.request("GET", self._server), 200)
        canary = str(self.connection.settings.get("zone") or "")
        return canary if canary and self._read_zone(canary) is not None else ""

    # --- how the kinds look

    def _changes(self, desired: Desired, there: Mapping[Key, Mapping[str, Any]]) -> list[dict[str, Any]]:
        """One PATCH's worth of what differs; nothing when all is as wanted."""
        zone, suspended = self._zone(desired), is_suspended(desired)
        wanted: dict[Key, dict[str, Any]] = {}
        for rrset in self._wanted_sets(desired):
            key = (absolute(rrset["name"], zone), rrset["type"])
            switch = switch_of(rrset) if desired.kind == "zone" else "record"
            off = switch in desired.switched_off
            marks = [SUSPENDED] * suspended + [OWNER_OFF] * off
            natives = records.native_records(rrset["values"], disabled=suspended or off)
            wanted[key] = records.replace(key, rrset["ttl"], natives, records.comments(desired.service_ref, *marks))
        if desired.kind == "zone":
            wanted |= self._frame(desired, there, suspended)
            strangers = set(there) - set(wanted)
        else:
            name = f"{self._node(desired)}."
            held = {key: rrset for key, rrset in there.items() if key[0] == name}
            foreign = [rrset for rrset in held.values() if records.owner_of(rrset) != desired.service_ref]
            if foreign:
                raise Conflict(f"{desired.name} has records that are not this service's", name=desired.name)
            strangers = set(held) - set(wanted)
        changes = [change for key, change in wanted.items() if not records.same(change, there.get(key))]
        return changes + [records.delete(key) for key in sorted(strangers)]

    def _frame(
        self, desired: Desired, there: Mapping[Key, Mapping[str, Any]], suspended: bool
    ) -> dict[Key, dict[str, Any]]:
        """SOA and NS of a zone: its own records stay, only switched with the suspension."""
        zone = self._zone(desired)
        apex = f"{zone}."
        marks = [SUSPENDED] * suspended
        note = records.comments(desired.service_ref, *marks)
        servers = [f"{name}." for name in self._nameservers(desired)]
        frame = {
            (apex, "NS"): records.replace((apex, "NS"), 3600, records.native_records(servers, disabled=suspended), note)
        }
        soa = there.get((apex, "SOA"))
        if soa is not None:
            content = [record["content"] for record in soa["records"]]
            natives = records.native_records(content, disabled=suspended)
            frame[(apex, "SOA")] = records.replace((apex, "SOA"), soa["ttl"], natives, note)
        return frame

    def _observed_zone(self, desired: Desired, present: Mapping[str, Any]) -> Observed:
        zone = desired.name.lower().rstrip(".")
        frame = {"SOA", "NS"}
        apex = {r["type"]: r for r in present["rrsets"] if r["name"] == f"{zone}." and r["type"] in frame}
        own = [r for r in present["rrsets"] if not (r["name"] == f"{zone}." and r["type"] in frame)]
        suspended = "SOA" not in apex or records.is_off(apex["SOA"])
        rrsets = in_order(records.from_native(r, zone) for r in own)
        off = {
            switch_of(records.from_native(r, zone))
            for r in own
            if OWNER_OFF in records.marks_of(r) and records.is_off(r)
        }
        # A record set on in a suspended zone, or off in an open one, is drift: it shows as a switch nobody threw.
        leaks = {f"leak {r['name']} {r['type']}" for r in own if suspended and not records.is_off(r)}
        leaks |= {
            f"dead {r['name']} {r['type']}"
            for r in own
            if not suspended and records.is_off(r) and OWNER_OFF not in records.marks_of(r)
        }
        servers = [record["content"].rstrip(".").lower() for record in apex.get("NS", {"records": []})["records"]]
        return Observed(
            service_ref=present["account"],
            family="dns",
            kind="zone",
            name=zone,
            attributes={"nameservers": sorted(servers), "rrsets": rrsets},
            restriction=Restriction.BLOCKED if suspended else Restriction.NONE,
            switched_off=frozenset(off | leaks),
        )

    def _observed_name(self, desired: Desired, sets: list[Mapping[str, Any]]) -> Observed | None:
        if not sets:
            return None
        owners = {records.owner_of(rrset) for rrset in sets}
        marks = frozenset().union(*(records.marks_of(rrset) for rrset in sets))
        off = all(records.is_off(rrset) for rrset in sets)
        suspended = off and SUSPENDED in marks
        switched = frozenset({"record"}) if off and OWNER_OFF in marks else frozenset()
        if off and not suspended and not switched:
            switched = frozenset({"dead record"})
        return Observed(
            service_ref=owners.pop() if len(owners) == 1 else "several",
            family="dns",
            kind=desired.kind,
            name=desired.name,
            attributes=self._attributes(desired, [records.from_native(one, self._zone(desired)) for one in sets]),
            restriction=Restriction.BLOCKED if suspended else Restriction.NONE,
            switched_off=switched,
        )

    def _sets_of_name(self, desired: Desired, present: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        name, types = f"{self._node(desired)}.", self._types(desired)
        return [rrset for rrset in present["rrsets"] if rrset["name"] == name and rrset["type"] in types]

    def _names_of(self, zone: str) -> Iterable[Held]:
        present = self._read_zone(zone) or {"rrsets": []}
        found = {(records.owner_of(r), r["name"].rstrip(".")) for r in present["rrsets"] if records.owner_of(r)}
        for owner, name in sorted(found):
            if owner != SHARED:
                yield self._held(owner, name)

    # --- the wire

    def _zone_path(self, zone: str) -> str:
        return f"{self._server}/zones/{quote(zone)}."

    def _only(self, desired: Desired) -> str:
        """The name whose records a call about this is about; empty for the whole zone."""
        return "" if desired.kind == "zone" else f"{self._node(desired)}."

    def _seen_just_now(self, zone: str) -> dict[str, Any] | None:
        """The zone as :meth:`observe` read it right before the change, under the same lease; once."""
        (seen_zone, present, at), self._seen = self._seen, ("", None, 0.0)
        return present if seen_zone == zone and time.monotonic() - at < _JUST_NOW_SECONDS else None

    def _read_zone(self, zone: str, only: str = "") -> dict[str, Any] | None:
        """The whole zone (4.7 leaves out disabled records where it is asked for one name); ``only`` is recorded."""

        def shown(body: Any) -> Any:
            if not only or not isinstance(body, dict) or not isinstance(body.get("rrsets"), list):
                return body
            own = [rrset for rrset in body["rrsets"] if rrset.get("name") == only]
            return {**body, "rrsets": own, "others": len(body["rrsets"]) - len(own)}

        answer = self._expect(self._http.request("GET", self._zone_path(zone), shown=shown), 200, 404)
        if answer.status == 404:
            return None
        if not isinstance(answer.body, dict) or "rrsets" not in answer.body:
            raise Transient(f"the server's answer about {zone} is not a zone")
        return answer.body

    def _create_zone(self, zone: str, owner: str, nameservers: list[str]) -> dict[str, Any]:
        body = {
            "name": f"{zone}.",
            "kind": "Native",
            "account": owner,
            "nameservers": [f"{name}." for name in nameservers],
        }
        # 409: an earlier attempt whose answer was lost, or somebody else; the account read back tells which.
        self._expect(self._http.request("POST", f"{self._server}/zones", body), 201, 409)
        created = self._read_zone(zone)
        if created is None:
            raise Transient(f"the zone {zone} was made and cannot be read", outcome_unknown=True)
        return created

    @staticmethod
    def _expect(answer: Answer, *good: int) -> Answer:
        """The answer, when its status is one of ``good``; else the typed error."""
        if answer.status in good:
            return answer
        words = answer.body.get("error") if isinstance(answer.body, dict) else answer.body
        if answer.status == 409:
            raise Conflict(str(words))
        raise Invalid(str(words or f"the server answered {answer.status}"))
