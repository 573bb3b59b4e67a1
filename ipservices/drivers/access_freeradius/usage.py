"""What services used, from the accounting table: 64-bit counters of every session, open ones too, by ``Class``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ipservices.contracts import UsageReading, UsageSample
from ipservices.drivers.access_freeradius.accounts import CLASS

METRICS = ("octets_in", "octets_out", "seconds")
"""In: what the access device received from the subscriber."""

_IN_FLIGHT = 1000
"""Rows get their number before they are committed, so that many of the newest are always looked at again."""

READ = """
    SELECT radacctid, class, coalesce(extract(epoch FROM acctstarttime), 0)::bigint AS started,
           coalesce(acctinputoctets, 0) AS octets_in, coalesce(acctoutputoctets, 0) AS octets_out,
           coalesce(acctsessiontime, 0) AS seconds,
           coalesce(acctstoptime < now() - interval '2 days', false) AS settled
      FROM radacct
     WHERE (radacctid > %(floor)s OR radacctid = ANY(%(watched)s::bigint[]))
       AND class LIKE ANY(%(ours)s)
     ORDER BY radacctid
"""
NEWEST = "SELECT coalesce(max(radacctid), 0) AS newest FROM radacct"


def question(cursor: Mapping[str, Any]) -> dict[str, Any]:
    """The values of :data:`READ` for a cursor."""
    watched = [int(row) for row in cursor.get("watched", {})]
    ours = [f"{CLASS}%", f"0x{CLASS.encode().hex()}%"]
    return {"floor": int(cursor.get("floor", 0)), "watched": watched, "ours": ours}


def reading(cursor: Mapping[str, Any], rows: Iterable[Mapping[str, Any]], newest: int) -> UsageReading:
    """What was used since ``cursor``. Each session is counted up to the highest it ever reported.

    A counter that goes back is late accounting and counts nothing, unless the session began anew under the same name
    (an access device that restarted): then all it shows is new. Sessions are watched until two days after they ended,
    since a late or repeated Stop still changes them.
    """
    watched: Mapping[str, list[int]] = cursor.get("watched", {})
    floor = max(int(cursor.get("floor", 0)), newest - _IN_FLIGHT)
    used: Counter[tuple[str, str]] = Counter()
    kept: dict[str, list[int]] = {}
    for row in rows:
        key, now = str(row["radacctid"]), [int(row[metric]) for metric in METRICS]
        began, *before = watched.get(key, [0, 0, 0, 0])
        anew = began != int(row["started"]) and now[2] < before[2]
        highest = now if anew else [max(pair) for pair in zip(before, now, strict=True)]
        for metric, was, is_now in zip(METRICS, [0, 0, 0] if anew else before, highest, strict=True):
            used[_service_ref(str(row["class"])), metric] += is_now - was
        if not row["settled"] or int(row["radacctid"]) > floor:
            kept[key] = [int(row["started"]), *highest]
    samples = tuple(UsageSample(ref, metric, amount) for (ref, metric), amount in used.items() if amount and ref)
    return UsageReading(samples, {"floor": floor, "watched": kept})


def _service_ref(written: str) -> str:
    """From ``Class`` as FreeRADIUS stores it: octets in hexadecimal."""
    try:
        text = bytes.fromhex(written[2:]).decode() if written.startswith("0x") else written
    except ValueError:
        return ""
    return text.removeprefix(CLASS)
