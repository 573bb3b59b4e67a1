"""PowerDNS's way of writing records, and ours: pure functions between the two.

Ours: names relative to the zone (``@`` is the zone itself), values sorted, no trailing dot on the zone. PowerDNS:
absolute names with a final dot, one object per record with a ``disabled`` flag, comments per record set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

DEFAULT_TTL = 300
SUSPENDED, OWNER_OFF = "suspended", "owner-off"

RecordSet = dict[str, Any]
Key = tuple[str, str]


def absolute(name: str, zone: str) -> str:
    """``www`` in ``example.test`` → ``www.example.test.``"""
    return f"{zone}." if name in ("@", "") else f"{name}.{zone}."


def relative(name: str, zone: str) -> str:
    name = name.rstrip(".")
    return "@" if name == zone else name.removesuffix(f".{zone}")


def normal_value(kind: str, value: str) -> str:
    """The one spelling of a record's value that compares equal however it was typed. Raises ValueError."""
    try:
        rdatatype = dns.rdatatype.from_text(kind)
        return str(dns.rdata.from_text(dns.rdataclass.IN, rdatatype, value, origin=dns.name.root, relativize=False))
    except dns.exception.DNSException as error:
        raise ValueError(str(error) or f"not a value for {kind}") from error


def normal_rrset(rrset: Mapping[str, Any]) -> RecordSet:
    """One record set in our words, spelled in the one normal way."""
    kind = str(rrset["type"]).upper()
    return {
        "name": str(rrset.get("name") or "@").lower(),
        "type": kind,
        "ttl": int(rrset.get("ttl") or DEFAULT_TTL),
        "values": sorted(normal_value(kind, str(value)) for value in rrset["values"]),
    }


def normal_rrsets(rrsets: list[Mapping[str, Any]]) -> list[RecordSet]:
    return sorted((normal_rrset(rrset) for rrset in rrsets), key=lambda rrset: (rrset["name"], rrset["type"]))


def switch_of(rrset: Mapping[str, Any]) -> str:
    """The name of the owner's switch for one record set: ``www A``."""
    return f"{rrset['name']} {rrset['type']}"


def from_native(rrset: Mapping[str, Any], zone: str) -> RecordSet:
    return {
        "name": relative(rrset["name"], zone),
        "type": rrset["type"],
        "ttl": rrset["ttl"],
        "values": sorted(normal_value(rrset["type"], record["content"]) for record in rrset["records"]),
    }


def native_records(values: list[str], *, disabled: bool) -> list[dict[str, Any]]:
    return [{"content": value, "disabled": disabled} for value in values]


def replace(key: Key, ttl: int, records: list[dict[str, Any]], comments: list[dict[str, str]]) -> dict[str, Any]:
    """One REPLACE of a PATCH."""
    name, kind = key
    return {
        "name": name,
        "type": kind,
        "ttl": ttl,
        "changetype": "REPLACE",
        "records": records,
        "comments": comments,
    }


def delete(key: Key) -> dict[str, Any]:
    return {"name": key[0], "type": key[1], "changetype": "DELETE"}


def comments(service_ref: str, *marks: str) -> list[dict[str, str]]:
    """What BOSS writes beside a record set: whose it is, and why it is off."""
    return [{"account": service_ref, "content": " ".join(("boss", *sorted(marks)))}]


def owner_of(rrset: Mapping[str, Any]) -> str:
    """The service id in the comments of a record set; empty when BOSS did not write it."""
    return next((str(c["account"]) for c in rrset.get("comments", []) if c["content"].startswith("boss")), "")


def marks_of(rrset: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(
        mark for c in rrset.get("comments", []) if c["content"].startswith("boss") for mark in c["content"].split()[1:]
    )


def is_off(rrset: Mapping[str, Any]) -> bool:
    return all(record["disabled"] for record in rrset["records"])


def same(wanted: Mapping[str, Any], present: Mapping[str, Any] | None) -> bool:
    """Whether a record set on the server already is what a REPLACE would make it (each PATCH bumps the serial)."""
    if present is None or wanted["ttl"] != present["ttl"]:
        return False

    def picture(rrset: Mapping[str, Any]) -> tuple[Any, ...]:
        kind = rrset["type"]
        records = sorted((normal_value(kind, r["content"]), bool(r["disabled"])) for r in rrset["records"])
        return records, owner_of(rrset), marks_of(rrset)

    return picture(wanted) == picture(present)
