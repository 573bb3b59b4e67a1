"""Queries per zone, from BIND's statistics channel. The counters begin anew with the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ipservices.contracts import UsageReading, UsageSample, counted_since
from ipservices.drivers.dns_records import SHARED, bare

PATH = "/json/v1/zones"
_OWN_READING = frozenset(("AXFR", "IXFR"))


def reading(statistics: Mapping[str, Any], cursor: Mapping[str, Any], owner: Callable[[str], str]) -> UsageReading:
    """What subscribers' zones were asked since ``cursor``; ``owner`` says whose a zone is, empty for nobody's."""
    born = str(statistics.get("boot-time"))
    before = cursor.get("zones", {}) if cursor.get("born") == born else {}
    seen: dict[str, list[Any]] = {}
    samples: list[UsageSample] = []
    for zone, count in _queries(statistics):
        whose, counted = before.get(zone, ["", 0])
        if count != counted:
            ref = owner(zone)
            counted, whose = counted if ref == whose else 0, ref
            if ref not in ("", SHARED):
                samples.append(UsageSample(ref, "queries", counted_since(counted, count)))
        seen[zone] = [whose, count]
    return UsageReading(tuple(samples), {"born": born, "zones": seen})


def _queries(statistics: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Zones and how often each was asked, without our own readings."""
    for view in statistics.get("views", {}).values():
        for zone in view.get("zones", ()):
            kinds: Mapping[str, int] = zone.get("qtypes", {})
            count = sum(number for kind, number in kinds.items() if kind not in _OWN_READING)
            if count and zone.get("class") == "IN":
                yield bare(zone["name"]), count
