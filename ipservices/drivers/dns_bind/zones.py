"""Zones on one BIND: made, removed, opened and shut over the control channel (`addzone`, `modzone`, `delzone`)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass

from ipservices.contracts import Conflict, Invalid, Transient
from ipservices.drivers.dns_bind.files import MOST_LETTERS, ZoneFiles, named
from ipservices.drivers.dns_bind.rndc import Control
from ipservices.drivers.dns_driver import is_domain_name
from ipservices.drivers.dns_records import RecordSet, absolute

SOA_TTL = 3600
_OPTIONS = re.compile(r"zone\s[^{]*\{(?P<options>.*)\}\s*;?\s*", re.DOTALL)
_FILE = re.compile(r'\bfile\s+"(?P<path>[^"]+)"')
_ACCESS = re.compile(r"\s*\ballow-query\s*\{(?P<who>[^{}]*)\}\s*;")


@dataclass(frozen=True, slots=True)
class ZoneState:
    """A zone as the server has it configured."""

    zone: str
    options: str

    @property
    def file(self) -> str:
        found = _FILE.search(self.options)
        return "" if found is None else found["path"]

    @property
    def service_ref(self) -> str:
        """Whose it is, by the name of its file; empty when BOSS did not make it."""
        ours = named(self.file)
        return ours.service_ref if ours is not None and ours.zone == self.zone else ""

    @property
    def shut_for(self) -> str | None:
        """Who alone is still answered: a key, or nobody. None while the zone is open."""
        found = _ACCESS.search(self.options)
        who = "" if found is None else found["who"].replace('"', "").strip(" ;")
        return who if who == "none" or who.startswith("key ") else None


class Zones:
    """Nothing here looks at records. ``key_name`` is the TSIG key BOSS changes them with."""

    def __init__(self, control: Control, files: ZoneFiles, key_name: str) -> None:
        self._control = control
        self._files = files
        self._key = key_name

    def find(self, zone: str) -> ZoneState | None:
        """The zone's configuration, or None when the server has no such zone."""
        if not is_domain_name(zone):
            return None  # nothing of that name can be on a server, nor may it be part of a command
        reply = self._control.command(f"showzone {zone}", changes=False)
        if reply.error:
            if "not found" in reply.error:
                return None
            raise Invalid(f"the name server does not show its zones: {reply.error} (allow-new-zones)")
        found = _OPTIONS.fullmatch(reply.text)
        if found is None:
            raise Transient(f"the name server's configuration of {zone} cannot be read")
        return ZoneState(zone, found["options"].strip())

    def create(
        self, zone: str, service_ref: str, nameservers: list[str], glue: Iterable[RecordSet], *, shut: bool
    ) -> ZoneState:
        """Make a zone that holds its SOA, its name servers and their addresses in it. Raises Invalid, Conflict."""
        if len(zone) > MOST_LETTERS:
            raise Invalid(f"{zone} is too long for this server", fields={"name": ["the name is too long"]})
        path = self._files.write(zone, service_ref, _first_content(zone, nameservers, glue))
        options = f'type primary; file "{path}"; update-policy {{ grant "{self._key}" zonesub ANY; }}; '
        # What the owner may write is not this server's to judge: PowerDNS takes it too, and so a zone can move.
        options += "zone-statistics full; check-names ignore; check-integrity no;"
        reply = self._control.command(f"addzone {zone} {{ {options}{self._shut() if shut else ''} }};")
        if reply.error:
            self._files.forget(path)
            if "already exists" in reply.error:
                raise Conflict(f"the zone {zone} is on the server already", zone=zone)
            if "file not found" in reply.error:
                raise Invalid("the name server does not find the zone's first file: its directory is another one")
            raise Invalid(f"the name server does not make the zone {zone}: {reply.error}")
        return ZoneState(zone, options)

    def shut(self, state: ZoneState) -> None:
        """Answer nobody's questions any more (REFUSED), but take the changes of BOSS's own key."""
        if state.shut_for != f"key {self._key}":
            self._configure(state.zone, _ACCESS.sub("", state.options) + self._shut())

    def open(self, state: ZoneState) -> None:
        """Answer whom the server answers by its own configuration."""
        self._configure(state.zone, _ACCESS.sub("", state.options))

    def remove(self, zone: str) -> None:
        """Take the zone away with its files. No error when it is gone."""
        reply = self._control.command(f"delzone -clean {zone}")
        if reply.error and "not found" not in reply.error:
            raise Invalid(f"the name server does not remove the zone {zone}: {reply.error}")

    def _shut(self) -> str:
        # With `none` instead of our key the server would refuse our changes too, until the zone is opened again.
        return f' allow-query {{ key "{self._key}"; }};'

    def _configure(self, zone: str, options: str) -> None:
        reply = self._control.command(f"modzone {zone} {{ {options} }};")
        if reply.error:
            raise Invalid(f"the name server does not reconfigure the zone {zone}: {reply.error}")


def _first_content(zone: str, nameservers: list[str], glue: Iterable[RecordSet]) -> str:
    # Seconds as the first serial: a zone made again begins above where its secondaries left off.
    soa = f"{nameservers[0]}. hostmaster.{zone}. {int(time.time())} 10800 3600 604800 3600"
    lines = [f"{zone}. {SOA_TTL} IN SOA {soa}"]
    lines += [f"{zone}. {SOA_TTL} IN NS {name}." for name in nameservers]
    lines += [
        f"{absolute(rrset['name'], zone)} {rrset['ttl']} IN {rrset['type']} {value}"
        for rrset in glue
        for value in rrset["values"]
    ]
    return "\n".join(lines) + "\n"
