"""What BOSS writes beside a zone's own records: TXT records at ``_boss.<name>``. Pure functions.

For a name in a shared zone there is always one: whose the name is, and, while it is off, why and what it had. In a
subscriber's own zone there is one for each record set that its owner switched off (BIND knows no such switch).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.txtbase import TXTBase

from ipservices.drivers.dns_records import RecordSet, normal_rrset

LABEL = "_boss"
TTL = 60
_LONGEST = 255
"""Octets in one string of a TXT record (RFC 1035, 3.3.14); a longer text is several strings."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose a name in a shared zone is; ``kept`` are its record sets while it is ``off``."""

    service_ref: str
    off: tuple[str, ...] = ()
    kept: tuple[RecordSet, ...] = field(default=())

    def text(self) -> str:
        """As the value of a TXT record."""
        said: dict[str, Any] = {"boss": self.service_ref}
        if self.off:
            said |= {"off": sorted(self.off), "kept": list(self.kept)}
        return _value(said)


def claim(values: Iterable[str]) -> Claim | None:
    """The claim among the values of a TXT record set; None when BOSS did not write one."""
    for said in map(_said, values):
        if isinstance(said.get("boss"), str):
            return Claim(said["boss"], tuple(said.get("off", ())), tuple(map(normal_rrset, said.get("kept", ()))))
    return None


def switched_off(values: Iterable[str]) -> list[RecordSet]:
    """The record sets kept in a subscriber's own zone."""
    return [normal_rrset(said["kept"]) for said in map(_said, values) if "kept" in said]


def keep(rrset: RecordSet) -> str:
    """A switched-off record set as the value of a TXT record."""
    return _value({"kept": rrset})


def _value(said: dict[str, Any]) -> str:
    octets = json.dumps(said, separators=(",", ":"), sort_keys=True).encode()
    pieces = [octets[at : at + _LONGEST] for at in range(0, len(octets), _LONGEST)]
    return " ".join('"' + piece.decode().replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)


def _said(value: str) -> dict[str, Any]:
    record = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.TXT, value)
    assert isinstance(record, TXTBase)
    try:
        said = json.loads(b"".join(record.strings))
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
