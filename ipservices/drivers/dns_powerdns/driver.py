"""PowerDNS Authoritative (4.7 and later) through its HTTP API. What it does wrong is written in the README.

Two kinds: ``dns.zone`` (a subscriber's own zone, the service id in the zone's ``account``) and ``dns.host`` (one name
in a zone many share, the service id in the comments of its record sets). Suspended means every record set disabled:
the server refuses the name, the data stays. Marks in the comments keep the owner's own switches apart from that.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
from django.utils.translation import gettext_noop as _

from boss.core.schema import Characteristic
from ipservices.contracts import (
    TRIAL_REF,
    Capabilities,
    Conflict,
    Connection,
    Desired,
    Difference,
    Driver,
    DriverError,
    Health,
    Held,
    Invalid,
    Observed,
    Restriction,
    Safety,
    Transient,
    Unreachable,
)
from ipservices.drivers.dns_powerdns import records
from ipservices.transport import Answer, HttpTransport, reachable_address

SHARED = "boss-shared"
"""The ``account`` of a zone that holds host names of many services."""


class PowerDnsDriver(Driver):
    key = "dns_powerdns"
    title = _("PowerDNS Authoritative")
    settings: ClassVar[tuple[Characteristic, ...]] = (
        Characteristic("api_url", label=_("API address"), required=True, help=_("for instance http://192.0.2.53:8081")),
        Characteristic("dns_host", label=_("Name server address"), required=True),
        Characteristic("dns_port", "integer", label=_("Name server port"), default=53, minimum=1, maximum=65535),
        Characteristic("server_id", label=_("Server id"), default="localhost"),
        Characteristic("zone", "hostname", label=_("Zone of the subscribers' host names")),
        Characteristic("nameservers", label=_("Name servers of new zones"), help=_("several with spaces between")),
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
        )
        self._server = f"/api/v1/servers/{connection.settings.get('server_id') or 'localhost'}"

    def close(self) -> None:
        self._http.close()

    @classmethod
    def capabilities(cls) -> Capabilities:
        return Capabilities(
            kinds=frozenset({"dns.zone", "dns.host"}),
            restrictions=frozenset({Restriction.NONE, Restriction.BLOCKED}),
            safety=Safety.READBACK,
        )

    def validate(self, desired: Desired) -> None:
        wrong: dict[str, list[str]] = {}
        if desired.full_kind not in self.capabilities().kinds:
            raise Invalid(f"PowerDNS does not provide {desired.full_kind}")
        for field, name in (("name", desired.name), ("zone", self._zone(desired))):
            try:
                if dns.name.from_text(name) == dns.name.root:
                    wrong[field] = ["a domain name is needed"]
            except dns.exception.DNSException as error:
                wrong[field] = [f"{name!r} is not a domain name: {error}"]
        if desired.kind == "host" and not desired.name.endswith(f".{self._zone(desired)}"):
            wrong["name"] = [f"{desired.name} is not in the zone {self._zone(desired)}"]
        try:
            self._wanted_sets(desired)
        except (ValueError, KeyError, TypeError) as error:
            wrong["rrsets" if desired.kind == "zone" else "addresses"] = [str(error)]
        if desired.kind == "zone" and not self._nameservers(desired):
            wrong["nameservers"] = ["a zone needs at least one name server"]
        if wrong:
            raise Invalid("; ".join(message for messages in wrong.values() for message in messages), fields=wrong)

    def lock_key(self, desired: Desired) -> str:
        # Parallel PATCHes of one zone lose and double records (upstream issues 7128, 8374, 10448).
        return f"zone:{self._zone(desired)}"

    # --- changes

    def apply(self, desired: Desired, *, key: str) -> None:
        zone = self._zone(desired)
        present = self._read_zone(zone)
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
        present = self._read_zone(zone)
        mine = [] if present is None else self._sets_of_host(present, desired.name)
        gone = [records.delete((rrset["name"], rrset["type"])) for rrset in mine]
        if gone:
            self._expect(self._http.request("PATCH", self._zone_path(zone), {"rrsets": gone}), 204, 404)

    # --- reads

    def observe(self, desired: Desired) -> Observed | None:
        zone = self._zone(desired)
        present = self._read_zone(zone)
        if present is None:
            return None
        return (
            self._observed_zone(desired, present) if desired.kind == "zone" else self._observed_host(desired, present)
        )

    def compare(self, desired: Desired, observed: Observed | None) -> tuple[Difference, ...]:
        if desired.kind == "zone":
            attributes = {
                "nameservers": self._nameservers(desired),
                "rrsets": records.normal_rrsets(list(desired.attributes.get("rrsets") or [])),
            }
        else:
            attributes = {
                "zone": self._zone(desired),
                "addresses": sorted(str(a) for a in desired.attributes.get("addresses") or []),
                "ttl": int(desired.attributes.get("ttl") or records.DEFAULT_TTL),
            }
        return super().compare(replace(desired, attributes=attributes), observed)

    def list_all(self) -> Iterable[Held]:
        for zone in self._expect(self._http.request("GET", f"{self._server}/zones"), 200).body:
            name = zone["name"].rstrip(".")
            if zone["account"] == SHARED:
                yield from self._hosts_of(name)
            elif zone["account"]:
                yield Held(zone["account"], "zone", name)

    def health(self) -> Health:
        started = time.monotonic()
        control, service, words = True, False, []
        canary = str(self.connection.settings.get("zone") or "")
        try:
            self._expect(self._http.request("GET", self._server), 200)
            canary = canary if canary and self._read_zone(canary) is not None else ""
        except DriverError as error:
            control = False
            words.append(f"API: {error}")
        try:
            service = self._answers(canary)
            if not service:
                words.append(f"no authoritative answer for {canary}")
        except (OSError, dns.exception.DNSException, DriverError) as error:
            words.append(f"port {self.connection.settings.get('dns_port')}: {error or type(error).__name__}")
        took = round((time.monotonic() - started) * 1000)
        return Health(control=control, service=service, detail="; ".join(words), milliseconds=took)

    def trial(self, full_kind: str, number: int = 0) -> Desired:
        zone = str(self.connection.settings.get("zone") or "boss-trial.invalid").lower().rstrip(".")
        if full_kind == "dns.host":
            addresses = [f"198.51.100.{number}"] if number else ["203.0.113.7", "2001:db8::7"]
            attributes = {"zone": zone, "addresses": addresses, "ttl": 300}
            return Desired(TRIAL_REF, "dns", "host", f"boss-trial-host.{zone}", attributes)
        rrsets: list[dict[str, Any]] = [{"name": "www", "type": "A", "values": [f"198.51.100.{number}"]}]
        if not number:
            rrsets = [
                {"name": "www", "type": "A", "values": ["203.0.113.7"]},
                {"name": "@", "type": "MX", "ttl": 600, "values": [f"10 mx.{zone}"]},
                {"name": "@", "type": "TXT", "values": ['"v=spf1 -all"']},
            ]
        return Desired(TRIAL_REF, "dns", "zone", f"boss-trial.{zone}", {"rrsets": rrsets})

    def gets_through(self, desired: Desired, switch: str = "") -> bool | None:
        """A query for the name, or for the record set that a switch of a zone names ("www A")."""
        name, kind = desired.name, "A"
        if desired.kind == "zone":
            label, _space, kind = switch.rpartition(" ") if switch else ("@", "", "SOA")
            name = desired.name if label == "@" else f"{label}.{desired.name}"
        elif not any("." in str(address) for address in desired.attributes.get("addresses") or []):
            kind = "AAAA"
        try:
            reply = self._ask(name, kind)
        except (OSError, dns.exception.DNSException) as error:
            raise Unreachable(str(error) or type(error).__name__) from error
        return reply.rcode() == dns.rcode.NOERROR and bool(reply.answer)

    def _answers(self, canary: str) -> bool:
        """A real question over UDP, as a subscriber's resolver asks it. Without a zone any reply will do."""
        reply = self._ask(canary or "boss-health.invalid", "SOA")
        if not canary:
            return True
        return reply.rcode() == dns.rcode.NOERROR and bool(reply.answer) and bool(reply.flags & dns.flags.AA)

    def _ask(self, name: str, kind: str) -> dns.message.Message:
        host = reachable_address(str(self.connection.settings["dns_host"]), self.connection.networks)
        port = int(self.connection.settings.get("dns_port") or 53)
        question = dns.message.make_query(name, kind)
        return dns.query.udp(question, host, port=port, timeout=min(2.0, max(0.1, self.deadline.left)))

    # --- how the two kinds look

    def _zone(self, desired: Desired) -> str:
        if desired.kind == "zone":
            return desired.name.lower().rstrip(".")
        return str(desired.attributes.get("zone") or self.connection.settings.get("zone") or "").lower().rstrip(".")

    def _nameservers(self, desired: Desired) -> list[str]:
        given = desired.attributes.get("nameservers") if desired.kind == "zone" else None
        usual = str(self.connection.settings.get("nameservers") or "").split()
        chosen = given or usual or [f"ns1.{self._zone(desired)}"]
        return sorted(str(name).lower().rstrip(".") for name in chosen)

    def _wanted_sets(self, desired: Desired) -> list[records.RecordSet]:
        if desired.kind == "zone":
            return records.normal_rrsets(list(desired.attributes.get("rrsets") or []))
        addresses = [str(address) for address in desired.attributes.get("addresses") or []]
        ttl = desired.attributes.get("ttl")
        name = records.relative(desired.name, self._zone(desired))
        split = {"A": [a for a in addresses if ":" not in a], "AAAA": [a for a in addresses if ":" in a]}
        return [
            records.normal_rrset({"name": name, "type": kind, "ttl": ttl, "values": values})
            for kind, values in split.items()
            if values
        ]

    def _changes(self, desired: Desired, there: Mapping[records.Key, Mapping[str, Any]]) -> list[dict[str, Any]]:
        """One PATCH's worth of what differs; nothing when all is as wanted."""
        zone, suspended = self._zone(desired), desired.restriction is not Restriction.NONE
        wanted: dict[records.Key, dict[str, Any]] = {}
        for rrset in self._wanted_sets(desired):
            key = (records.absolute(rrset["name"], zone), rrset["type"])
            switch = records.switch_of(rrset) if desired.kind == "zone" else "record"
            off = switch in desired.switched_off
            marks = [records.SUSPENDED] * suspended + [records.OWNER_OFF] * off
            natives = records.native_records(rrset["values"], disabled=suspended or off)
            wanted[key] = records.replace(key, rrset["ttl"], natives, records.comments(desired.service_ref, *marks))
        if desired.kind == "zone":
            wanted |= self._frame(desired, there, suspended)
            strangers = set(there) - set(wanted)
        else:
            name = f"{desired.name.lower()}."
            held = {key: rrset for key, rrset in there.items() if key[0] == name}
            foreign = [rrset for rrset in held.values() if records.owner_of(rrset) != desired.service_ref]
            if foreign:
                raise Conflict(f"{desired.name} has records that are not this service's", name=desired.name)
            strangers = set(held) - set(wanted)
        changes = [change for key, change in wanted.items() if not records.same(change, there.get(key))]
        return changes + [records.delete(key) for key in sorted(strangers)]

    def _frame(
        self, desired: Desired, there: Mapping[records.Key, Mapping[str, Any]], suspended: bool
    ) -> dict[records.Key, dict[str, Any]]:
        """SOA and NS of a zone: its own records stay, only switched with the suspension."""
        zone = self._zone(desired)
        apex = f"{zone}."
        marks = [records.SUSPENDED] * suspended
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
        rrsets = sorted((records.from_native(r, zone) for r in own), key=lambda r: (r["name"], r["type"]))
        off = {
            records.switch_of(records.from_native(r, zone))
            for r in own
            if records.OWNER_OFF in records.marks_of(r) and records.is_off(r)
        }
        # A record set on in a suspended zone, or off in an open one, is drift: it shows as a switch nobody threw.
        leaks = {f"leak {r['name']} {r['type']}" for r in own if suspended and not records.is_off(r)}
        leaks |= {
            f"dead {r['name']} {r['type']}"
            for r in own
            if not suspended and records.is_off(r) and records.OWNER_OFF not in records.marks_of(r)
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

    def _observed_host(self, desired: Desired, present: Mapping[str, Any]) -> Observed | None:
        sets = self._sets_of_host(present, desired.name)
        if not sets:
            return None
        owners = {records.owner_of(rrset) for rrset in sets}
        marks = frozenset().union(*(records.marks_of(rrset) for rrset in sets))
        off = all(records.is_off(rrset) for rrset in sets)
        suspended = off and records.SUSPENDED in marks
        switched = frozenset({"record"}) if off and records.OWNER_OFF in marks else frozenset()
        if off and not suspended and not switched:
            switched = frozenset({"dead record"})
        values = sorted(record["content"] for rrset in sets for record in rrset["records"])
        return Observed(
            service_ref=owners.pop() if len(owners) == 1 else "several",
            family="dns",
            kind="host",
            name=desired.name,
            attributes={"zone": self._zone(desired), "addresses": values, "ttl": sets[0]["ttl"]},
            restriction=Restriction.BLOCKED if suspended else Restriction.NONE,
            switched_off=switched,
        )

    @staticmethod
    def _sets_of_host(present: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
        return [r for r in present["rrsets"] if r["name"] == f"{name.lower()}." and r["type"] in ("A", "AAAA")]

    def _hosts_of(self, zone: str) -> Iterable[Held]:
        present = self._read_zone(zone) or {"rrsets": []}
        found = {(records.owner_of(r), r["name"].rstrip(".")) for r in present["rrsets"] if records.owner_of(r)}
        for owner, name in sorted(found):
            if owner != SHARED:
                yield Held(owner, "host", name)

    # --- the wire

    def _zone_path(self, zone: str) -> str:
        return f"{self._server}/zones/{quote(zone)}."

    def _read_zone(self, zone: str) -> dict[str, Any] | None:
        answer = self._expect(self._http.request("GET", self._zone_path(zone)), 200, 404)
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
