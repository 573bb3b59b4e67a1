"""PowerDNS's way of writing records: absolute names with a final dot, one object per record with a ``disabled`` flag,
comments per record set. Pure functions between that and our words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ipservices.drivers.dns_records import Key, RecordSet, normal_value, relative


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
