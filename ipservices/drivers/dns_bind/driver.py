"""BIND 9.18 and later: zones over its control channel, records by RFC 2136 with TSIG, read back by AXFR.

What it does wrong, and where the BOSS service id stands, is written in the README. Each update carries prerequisites:
that nothing changed since it was read, and that nothing stands there which BIND would let win in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar

import dns.flags
import dns.rcode
import dns.rdatatype
import dns.update
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
    UsageReading,
)
from ipservices.drivers import dns_records as records
from ipservices.drivers.dns_bind import notes, statistics
from ipservices.drivers.dns_bind import steps as steps_of
from ipservices.drivers.dns_bind.files import ZoneFiles, named
from ipservices.drivers.dns_bind.rndc import Control
from ipservices.drivers.dns_bind.wire import Contents, Wire
from ipservices.drivers.dns_bind.zones import SOA_TTL, Zones
from ipservices.drivers.dns_driver import KINDS, DnsDriver, is_domain_name, is_suspended
from ipservices.drivers.dns_records import OWNER_OFF, SHARED, SUSPENDED, Key, RecordSet, absolute, relative, switch_of
from ipservices.transport import HttpTransport

_SERVER_MADE = frozenset(
    (
        "SOA",
        "RRSIG",
        "NSEC",
        "NSEC3",
        "NSEC3PARAM",
        "DNSKEY",
        "CDS",
        "CDNSKEY",
        "TYPE65534",
        "TSIG",
        "OPT",
        "ANY",
        "AXFR",
    )
)
"""Types in a zone that are the server's business: its SOA, its signatures, and what can be in no zone."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A name in a shared zone: what BOSS wrote beside it, and its record sets."""

    note: tuple[str, ...]
    claim: notes.Claim | None
    sets: tuple[RecordSet, ...]


class BindDriver(DnsDriver[Contents]):
    key = "dns_bind"
    names_worth_a_zone = 20
    title = _("BIND 9")
    settings: ClassVar[tuple[Characteristic, ...]] = (
        *DnsDriver.service_plane,
        Characteristic(
            "control_host",
            label=_("Address for BOSS"),
            help=_("for the control channel and updates; empty when it is the name server's (no hidden primary)"),
        ),
        Characteristic(
            "control_port", "integer", label=_("Control channel port"), default=953, minimum=1, maximum=65535
        ),
        Characteristic(
            "update_port",
            "integer",
            label=_("Port for updates"),
            minimum=1,
            maximum=65535,
            help=_("empty when it is the name server's"),
        ),
        Characteristic("update_key_name", label=_("Name of the key for updates"), default="boss"),
        Characteristic(
            "zone_directory",
            label=_("Directory of new zones' files"),
            help=_("BOSS writes a zone's first file here; the platform operator must allow it"),
        ),
        Characteristic(
            "server_directory",
            label=_("The same directory as the name server sees it"),
            help=_("empty when it is the same path"),
        ),
        Characteristic(
            "statistics_url", label=_("Statistics channel"), help=_("for queries per zone: http://192.0.2.53:8053")
        ),
        *DnsDriver.names,
    )
    secrets: ClassVar[tuple[Characteristic, ...]] = (
        Characteristic("update_key", "secret", label=_("Key for updates (HMAC-SHA256)"), required=True),
        Characteristic("control_key", "secret", label=_("Key of the control channel (HMAC-SHA256)"), required=True),
    )

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        said, secrets = connection.settings, connection.secrets
        host, key_name = str(said.get("control_host") or said["dns_host"]), str(said.get("update_key_name") or "boss")
        if not is_domain_name(key_name):
            raise Invalid("the name of the key for updates is written like a domain name", name=key_name)
        self._wire = Wire(
            host,
            int(said.get("update_port") or said.get("dns_port") or 53),
            key_name,
            secrets.get("update_key", ""),
            deadline=self.deadline,
            networks=connection.networks,
            note=self.note,
        )
        self._control = Control(
            host,
            int(said.get("control_port") or 953),
            secrets.get("control_key", ""),
            deadline=self.deadline,
            networks=connection.networks,
            note=self.note,
        )
        self._files = ZoneFiles(
            str(said.get("zone_directory") or ""), str(said.get("server_directory") or ""), connection.directories
        )
        self._zones = Zones(self._control, self._files, key_name)

    def close(self) -> None:
        self._wire.close()
        self._control.close()

    @classmethod
    def capabilities(cls) -> Capabilities:
        return Capabilities(
            kinds=KINDS,
            restrictions=frozenset({Restriction.NONE, Restriction.BLOCKED}),
            usage=True,
            safety=Safety.READBACK,
        )

    # --- changes

    def apply(self, desired: Desired, *, key: str) -> None:
        if desired.kind == "zone":
            self._apply_zone(desired)
        else:
            self._apply_name(desired)

    def remove(self, desired: Desired, *, key: str) -> None:
        zone = self._zone(desired)
        if desired.kind == "zone":
            state = self._zones.find(zone)
            if state is not None:
                self._refuse_another(desired, state.service_ref)
                self._zones.remove(zone)
            return
        found = self._find_name(desired)
        if found is None or found.claim is None:
            return
        self._refuse_another(desired, found.claim.service_ref)
        self._write_name(desired, found, None, ())

    def _apply_zone(self, desired: Desired) -> None:
        zone, suspended = self._zone(desired), is_suspended(desired)
        state = self._zones.find(zone)
        if state is None:
            glue = self._glue(desired)
            state = self._zones.create(zone, desired.service_ref, self._nameservers(desired), glue, shut=suspended)
            state = self._zones.find(zone) or state
        self._refuse_another(desired, state.service_ref)
        shut = state.shut_for is not None
        # Shut before the records change and opened after, so that nobody is told what is not meant for him.
        if suspended or shut:
            self._zones.shut(state)
        self._write_zone(desired)
        if shut and not suspended:
            self._zones.open(state)

    def _write_zone(self, desired: Desired) -> None:
        zone = self._zone(desired)
        there = self._transfer(zone)
        wanted = self._wanted_contents(desired)
        frame = (absolute("@", zone), "NS")
        own = {key: content for key, content in there.items() if key[1] not in _SERVER_MADE}
        # Deletions first, for what cannot stand beside the new; the addresses of name servers after the servers.
        last_ns = {value.rstrip(".") for value in own.get(frame, (0, []))[1]}
        gone = sorted(set(own) - set(wanted) - {frame}, key=lambda key: (key[0].rstrip(".") in last_ns, key))
        early = [key for key in gone if key[0].rstrip(".") not in last_ns]
        changed = [key for key in wanted if wanted[key] != own.get(key)]
        steps: list[tuple[Key, tuple[int, list[str]] | None]] = [(key, None) for key in early]
        steps += [(key, wanted[key]) for key in changed if key != frame]
        steps += [(key, wanted[key]) for key in changed if key == frame]
        steps += [(key, None) for key in gone if key not in early]
        soa = there.get((absolute("@", zone), "SOA"), (0, []))[1]
        for part in steps_of.parts(steps):
            update = dns.update.UpdateMessage(f"{zone}.")
            for value in soa:
                update.present(f"{zone}.", "SOA", value)
            for (name, kind), content in part:
                if (name, kind) == frame and content is not None:
                    # BIND ignores in silence what would take a zone's last name server: the new ones first.
                    steps_of.add(update, frame, content)
                    for value in sorted(set(own.get(frame, (0, []))[1]) - set(content[1])):
                        update.delete(name, kind, value)
                    continue
                update.delete(name, kind)
                if content is not None:
                    steps_of.add(update, (name, kind), content)
            if self._wire.update(update, {"update": zone, "changes": [steps_of.said(step) for step in part]}) != 0:
                raise Transient(f"the zone {zone} was changed by somebody else at the same moment")
            soa = []

    def _apply_name(self, desired: Desired) -> None:
        zone, found = self._zone(desired), self._find_name(desired)
        if found is None:
            self._zones.create(zone, SHARED, self._nameservers(desired), (), shut=False)
            found = _Found((), None, ())
        if found.claim is None:
            state = self._zones.find(zone)
            if state is not None and state.service_ref not in ("", SHARED):
                raise Conflict(f"the zone {zone} belongs to {state.service_ref}", zone=zone)
        else:
            self._refuse_another(desired, found.claim.service_ref)
        off = [SUSPENDED] * is_suspended(desired) + [OWNER_OFF] * ("record" in desired.switched_off)
        wanted = tuple(self._wanted_sets(desired))
        claim = notes.Claim(desired.service_ref, tuple(off), wanted if off else ())
        self._write_name(desired, found, claim, () if off else wanted)

    def _write_name(
        self, desired: Desired, found: _Found, claim: notes.Claim | None, sets: Iterable[RecordSet]
    ) -> None:
        """One update that changes the name and what is noted beside it, if both still are as they were ``found``."""
        zone, node = self._zone(desired), f"{self._node(desired)}."
        note = f"{notes.LABEL}.{node}"
        update = dns.update.UpdateMessage(f"{zone}.")
        if found.note:
            update.present(note, "TXT", *found.note)
        else:
            update.absent(note, "TXT")
        # BIND ignores in silence what is added beside an alias.
        for kind in ("CNAME", *(() if found.claim else self._types(desired))):
            update.absent(node, kind)
        for name, kind in ((note, "TXT"), *((node, kind) for kind in self._types(desired))):
            update.delete(name, kind)
        if claim is not None:
            update.add(note, notes.TTL, "TXT", claim.text())
        for rrset in sets:
            steps_of.add(update, (node, rrset["type"]), (rrset["ttl"], rrset["values"]))
        said = [f"{rrset['type']} {', '.join(rrset['values'])}" for rrset in sets]
        code = self._wire.update(update, {"update": zone, "name": node, "record sets": said, "keeps": bool(claim)})
        if code == dns.rcode.YXRRSET:
            words = "an alias (CNAME) stands there" if found.claim else "it has records that are not this service's"
            raise Conflict(f"{desired.name} cannot be written: {words}", name=desired.name)
        if code != dns.rcode.NOERROR:
            raise Transient(f"{desired.name} was changed by somebody else at the same moment")

    # --- reads

    def observe(self, desired: Desired) -> Observed | None:
        return self._observe_zone(desired) if desired.kind == "zone" else self._observe_name(desired)

    def _observe_zone(self, desired: Desired) -> Observed | None:
        zone = self._zone(desired)
        state = self._zones.find(zone)
        if state is None:
            return None
        there = self._transfer(zone)
        frame, note = (absolute("@", zone), "NS"), (absolute(notes.LABEL, zone), "TXT")
        served = {
            key: {"name": relative(key[0], zone), "type": key[1], "ttl": ttl, "values": values}
            for key, (ttl, values) in there.items()
            if key not in (frame, note) and key[1] not in _SERVER_MADE
        }
        kept = notes.switched_off(there.get(note, (0, []))[1])
        leaks = [f"leak {switch_of(one)}" for one in kept if (absolute(one["name"], zone), one["type"]) in served]
        return Observed(
            service_ref=state.service_ref,
            family="dns",
            kind="zone",
            name=zone,
            attributes={
                "nameservers": sorted(records.bare(value) for value in there.get(frame, (0, []))[1]),
                "rrsets": records.in_order(chain(served.values(), kept)),
            },
            restriction=Restriction.NONE if state.shut_for is None else Restriction.BLOCKED,
            switched_off=frozenset(chain(map(switch_of, kept), leaks)),
        )

    def _take_picture(self, zone: str) -> Contents | None:
        return self._wire.transfer(zone)

    def _observed_in(self, picture: Contents, desired: Desired) -> Observed | None:
        zone, node = self._zone(desired), f"{self._node(desired)}."
        note = picture.get((f"{notes.LABEL}.{node}", "TXT"), (0, []))[1]
        sets: list[RecordSet] = [
            {"name": relative(node, zone), "type": kind, "ttl": ttl, "values": values}
            for kind in self._types(desired)
            for ttl, values in (picture.get((node, kind), (0, [])),)
            if values
        ]
        return self._observed_name(desired, _Found(tuple(note), notes.claim(note), tuple(records.in_order(sets))))

    def _observe_name(self, desired: Desired) -> Observed | None:
        return self._observed_name(desired, self._find_name(desired))

    def _observed_name(self, desired: Desired, found: _Found | None) -> Observed | None:
        if found is None or found.claim is None:
            return None
        off = found.claim.off if not found.sets else ()
        return Observed(
            service_ref=found.claim.service_ref,
            family="dns",
            kind=desired.kind,
            name=desired.name,
            attributes=self._attributes(desired, found.claim.kept if off else found.sets),
            restriction=Restriction.BLOCKED if SUSPENDED in off else Restriction.NONE,
            switched_off=frozenset({"record"} if OWNER_OFF in off else ()),
        )

    def _find_name(self, desired: Desired) -> _Found | None:
        """A name in a shared zone, or None when the server does not hold the zone at all."""
        zone, node = self._zone(desired), f"{self._node(desired)}."
        if not zone:
            return None
        frame = self._wire.ask(f"{zone}.", "SOA")
        if not frame.flags & dns.flags.AA or not any(str(one.name).lower() == f"{zone}." for one in frame.answer):
            return None
        note: list[str] = []
        sets: list[RecordSet] = []
        for name, kind in ((f"{notes.LABEL}.{node}", "TXT"), (node, "ANY")):
            for rrset in self._wire.ask(name, kind).answer:
                found = dns.rdatatype.to_text(rrset.rdtype)
                if str(rrset.name).lower() != name or rrset.ttl is None:
                    continue
                values = sorted(str(record) for record in rrset)
                if kind == "TXT" and found == "TXT":
                    note = values
                elif kind == "ANY" and found in self._types(desired):
                    sets.append({"name": relative(node, zone), "type": found, "ttl": rrset.ttl, "values": values})
        return _Found(tuple(note), notes.claim(note), tuple(records.in_order(sets)))

    def list_all(self) -> Iterable[Held]:
        said = self.connection.settings
        shared = {records.bare(said.get("zone") or ""), *self._reverse_zones()} - {""}
        for path in self._files.listed():
            ours = named(path)
            # A file may be left of a zone that is gone: BIND deletes it later than it says.
            state = None if ours is None else self._zones.find(ours.zone)
            if ours is None or state is None or state.file != path:
                continue
            if ours.service_ref == SHARED:
                shared.add(ours.zone)
            else:
                yield Held(ours.service_ref, "zone", ours.zone)
        for zone in sorted(shared):
            yield from self._names_in(self._wire.transfer(zone) or {})

    def _names_in(self, contents: Contents) -> Iterator[Held]:
        begins = f"{notes.LABEL}."
        for (name, kind), (_ttl, values) in sorted(contents.items()):
            claim = notes.claim(values) if kind == "TXT" and name.startswith(begins) else None
            if claim is not None:
                yield self._held(claim.service_ref, name.removeprefix(begins))

    def usage(self, cursor: Mapping[str, Any]) -> UsageReading:
        """Queries per zone of a subscriber's own; nothing without a statistics channel."""
        url = str(self.connection.settings.get("statistics_url") or "")
        if not url:
            return UsageReading((), cursor)
        http = HttpTransport(
            url, headers={}, deadline=self.deadline, networks=self.connection.networks, note=self._note_statistics
        )
        try:
            answer = http.request("GET", statistics.PATH)
        finally:
            http.close()
        if answer.status != 200 or not isinstance(answer.body, dict):
            raise Invalid(f"the statistics channel answers {answer.status}, not with statistics of zones")
        return statistics.reading(answer.body, cursor, self._owner)

    def _owner(self, zone: str) -> str:
        state = self._zones.find(zone)
        return "" if state is None else state.service_ref

    def _note_statistics(self, request: Mapping[str, Any], answer: Mapping[str, Any], started: float) -> None:
        # What every zone of the server was asked is not this call's story.
        self.note(request, {key: value for key, value in answer.items() if key != "body"}, started)

    def _prove_control(self) -> str:
        reply = self._control.command("status", changes=False)
        if reply.error:
            raise Invalid(reply.error)
        canary = records.bare(self.connection.settings.get("zone") or "")
        if not canary:
            return ""
        # Signed: the key for updates is proved with it.
        return canary if self._wire.ask(f"{canary}.", "SOA").answer else ""

    # --- how the kinds look

    def validate(self, desired: Desired) -> None:
        super().validate(desired)
        names = (desired.name.lower(), *(str(one["name"]).lower() for one in self._own_sets(desired)))
        if any(notes.LABEL in name.split(".") for name in names):
            words = f"names with {notes.LABEL} in them are kept for BOSS"
            raise Invalid(words, fields={"name" if desired.kind != "zone" else "rrsets": [words]})
        if desired.kind != "zone":
            return
        for rrset in self._own_sets(desired):
            if rrset["type"] in _SERVER_MADE or (rrset["name"], rrset["type"]) == ("@", "NS"):
                words = f"{switch_of(rrset)} is not a record set of the owner's"
                raise Invalid(words, fields={"rrsets": [words]})
        served = {one["name"] for one in self._glue(desired)}
        missing = [name for name in self._inside(desired) if name not in served]
        if missing:
            words = f"{missing[0]}.{self._zone(desired)} is a name server in its own zone and needs an address there"
            raise Invalid(words, fields={"nameservers": [words]})

    def _own_sets(self, desired: Desired) -> list[RecordSet]:
        return self._wanted_sets(desired) if desired.kind == "zone" else []

    def _inside(self, desired: Desired) -> list[str]:
        """Name servers whose own name is in the zone: BIND takes them only with an address."""
        zone = self._zone(desired)
        return [relative(name, zone) for name in self._nameservers(desired) if f".{name}".endswith(f".{zone}")]

    def _glue(self, desired: Desired) -> list[RecordSet]:
        inside = self._inside(desired)
        sets = [one for one in self._own_sets(desired) if one["type"] in ("A", "AAAA") and one["name"] in inside]
        return [one for one in sets if switch_of(one) not in desired.switched_off]

    def _wanted_contents(self, desired: Desired) -> Contents:
        """All the zone shall hold but its SOA; what its owner switched off stands in BOSS's note."""
        zone = self._zone(desired)
        servers = [f"{name}." for name in self._nameservers(desired)]
        wanted: Contents = {(absolute("@", zone), "NS"): (SOA_TTL, servers)}
        kept = []
        for rrset in self._own_sets(desired):
            if switch_of(rrset) in desired.switched_off:
                kept.append(records.normal_value("TXT", notes.keep(rrset)))
            else:
                wanted[absolute(rrset["name"], zone), rrset["type"]] = (rrset["ttl"], rrset["values"])
        if kept:
            wanted[absolute(notes.LABEL, zone), "TXT"] = (notes.TTL, sorted(kept))
        return wanted

    def _transfer(self, zone: str) -> Contents:
        there = self._wire.transfer(zone)
        if there is None:
            raise Transient(f"the server has the zone {zone} in its configuration but has not loaded it; see its log")
        return there

    def _refuse_another(self, desired: Desired, service_ref: str) -> None:
        if service_ref != desired.service_ref:
            raise Conflict(f"{desired.name} belongs to {service_ref or 'nobody BOSS knows'}", name=desired.name)
