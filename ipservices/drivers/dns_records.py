"""Names and record sets in our words, the same for every name server: pure functions.

Names are relative to the zone (``@`` is the zone itself), values sorted, no final dot on the zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

DEFAULT_TTL = 300
SUSPENDED, OWNER_OFF = "suspended", "owner-off"
SHARED = "boss-shared"
"""Whose a zone is that holds names of many services."""

RecordSet = dict[str, Any]
Key = tuple[str, str]


def absolute(name: str, zone: str) -> str:
    """``www`` in ``example.test`` → ``www.example.test.``"""
    return f"{zone}." if name in ("@", "") else f"{name}.{zone}."


def relative(name: str, zone: str) -> str:
    name = name.rstrip(".")
    return "@" if name == zone else name.removesuffix(f".{zone}")


def bare(name: object) -> str:
    """A domain name in the one way we write it: lower case, no final dot."""
    return str(name).lower().rstrip(".")


def normal_value(kind: str, value: str) -> str:
    """The one spelling of a record's value that compares equal however it was typed. Raises ValueError."""
    try:
        rdatatype = dns.rdatatype.from_text(kind)
        return str(dns.rdata.from_text(dns.rdataclass.IN, rdatatype, value, origin=dns.name.root, relativize=False))
    except dns.exception.DNSException as error:
        raise ValueError(str(error) or f"not a value for {kind}") from error


def normal_rrset(rrset: Mapping[str, Any]) -> RecordSet:
    """One record set in our words, spelled in the one normal way."""
    kind, name = str(rrset["type"]).upper(), str(rrset.get("name") or "@").lower()
    try:
        dns.name.from_text(name)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise ValueError(f"{name!r} is not a name in a zone") from error
    return {
        "name": name,
        "type": kind,
        "ttl": int(rrset.get("ttl") or DEFAULT_TTL),
        "values": sorted(normal_value(kind, str(value)) for value in rrset["values"]),
    }


def normal_rrsets(rrsets: Iterable[Mapping[str, Any]]) -> list[RecordSet]:
    return in_order(normal_rrset(rrset) for rrset in rrsets)


def in_order(rrsets: Iterable[RecordSet]) -> list[RecordSet]:
    return sorted(rrsets, key=lambda rrset: (rrset["name"], rrset["type"]))


def impossible(rrsets: Iterable[RecordSet]) -> str:
    """What no zone can hold of these (RFC 1034, 3.6.2); empty when it could hold all."""
    kinds: dict[str, list[str]] = {}
    for rrset in rrsets:
        kinds.setdefault(rrset["name"], []).append(rrset["type"])
        if rrset["type"] == "CNAME" and len(rrset["values"]) != 1:
            return f"{rrset['name']}: an alias (CNAME) has one value"
    for name, found in kinds.items():
        if "CNAME" in found and (len(found) > 1 or name == "@"):
            return f"{name}: beside an alias (CNAME) there can be no other record"
        if len(set(found)) < len(found):
            return f"{name}: two record sets of one type"
    return ""


def switch_of(rrset: Mapping[str, Any]) -> str:
    """The name of the owner's switch for one record set: ``www A``."""
    return f"{rrset['name']} {rrset['type']}"
