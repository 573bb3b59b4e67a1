"""What a comparison saw, and writing it down: the same point again keeps the day it was first seen."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from boss.core import clock, events
from boss.core.crypto import masked
from ipservices import sentences
from ipservices.choices import FindingKind, FindingResolution
from ipservices.contracts import Difference, Observed
from ipservices.events import DriftFound
from ipservices.models import Comparison, Finding, Service
from ipservices.services.establishing import shown


@dataclass(frozen=True, slots=True)
class Seen:
    """One point in which server, inventory and what is sold do not agree."""

    kind: FindingKind
    place: str
    full_kind: str
    name: str
    reason: str
    service_ref: str = ""
    service_id: int | None = None
    subscription_id: int | None = None
    differences: tuple[Difference, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.place}"[:330]

    @staticmethod
    def of_service(
        kind: FindingKind, row: Service, server: str, *, reason: str = "", differences: tuple[Difference, ...] = ()
    ) -> Seen:
        return Seen(
            kind=kind,
            place=row.service_ref,
            full_kind=row.full_kind,
            name=row.name,
            reason=reason or _reason(kind, row, server, differences),
            service_ref=row.service_ref,
            service_id=row.pk,
            subscription_id=row.subscription_id,
            differences=differences,
        )


def _reason(kind: FindingKind, row: Service, server: str, differences: Iterable[Difference]) -> str:
    thing = sentences.named(row.full_kind, row.name)
    fields = {difference.field: difference for difference in differences}
    if kind == FindingKind.MISSING:
        return f"The {thing} is in service and is not there at {server}."
    if "service_ref" in fields:
        owner = fields["service_ref"].found or "nobody BOSS knows"
        return f"The {thing} at {server} belongs to {owner}."
    words = ", ".join(key.replace("_", " ") for key in sorted(fields))
    return f"The {thing} at {server} is not as wanted: {words}."


def plain_differences(differences: Iterable[Difference]) -> list[dict[str, Any]]:
    """Differences as they are kept and shown, with all that sounds secret masked."""
    return [
        {
            "field": one.field,
            "wanted": masked({one.field: one.wanted})[one.field],
            "found": masked({one.field: one.found})[one.field],
        }
        for one in differences
    ]


_SAID = ("service_id", "subscription_id", "full_kind", "name", "reason", "differences")
"""What a finding says, beside when it was seen."""


@dataclass
class Batch:
    """What one batch saw. ``undecided`` services were being changed: what stands open about them stays open."""

    seen: list[Seen] = field(default_factory=list)
    undecided: list[int] = field(default_factory=list)
    observed: dict[int, tuple[int, Observed | None, tuple[Difference, ...]]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def write(self, comparison: Comparison) -> None:
        """Write all of it, in the transaction that writes how far the comparison is."""
        now = clock.now()
        still_open = Finding.objects.filter(binding=comparison.binding_id, resolved_at=None)
        if self.undecided:
            still_open.filter(service__in=self.undecided).update(comparison=comparison)
        known = {row.key: row for row in still_open.filter(key__in=[one.key for one in self.seen])}
        fresh, changed = list[Finding](), list[Finding]()
        for one in {one.key: one for one in self.seen}.values():
            self.counts[str(one.kind)] += 1
            row = known.get(one.key) or Finding(
                binding=comparison.binding, kind=one.kind, key=one.key, first_seen_at=now, last_seen_at=now,
                comparison=comparison, service_ref=one.service_ref,
            )  # fmt: skip
            if row.run_id is not None:
                continue  # what a run is at stays as the person saw it
            before = [getattr(row, name) for name in _SAID]
            row.service_id, row.subscription_id = one.service_id, one.subscription_id
            row.full_kind, row.name, row.reason = one.full_kind, one.name[:255], one.reason[:500]
            row.differences = plain_differences(one.differences)
            if row.pk is None:
                fresh.append(row)
            elif [getattr(row, name) for name in _SAID] != before:
                changed.append(row)
        if known:
            Finding.objects.filter(pk__in=[row.pk for row in known.values()]).update(
                comparison=comparison, last_seen_at=now
            )
        Finding.objects.bulk_update(changed, _SAID)
        Finding.objects.bulk_create(fresh)
        worse = [row for row in fresh if row.kind in (FindingKind.DRIFT, FindingKind.MISSING)]
        events.publish_many([DriftFound(service_id=row.service_id or 0) for row in worse])
        self._write_observed(now)

    def _write_observed(self, now: dt.datetime) -> None:
        """What the server was seen to hold, of the services that are still as they were then."""
        rows = Service.objects.select_for_update(of=("self",)).filter(pk__in=self.observed).order_by("pk")
        seen = list[Service]()
        for row in rows if self.observed else ():
            revision, observed, differences = self.observed[row.pk]
            if row.revision == revision:
                row.observed = None if observed is None else shown(observed)
                row.observed_at, row.drift = now, plain_differences(differences)
                seen.append(row)
        Service.objects.bulk_update(seen, ["observed", "observed_at", "drift"])


def close_gone(comparison: Comparison) -> int:
    """Close what this comparison did not see again; how many. What a run is at is left to the run."""
    rows = Finding.objects.filter(binding=comparison.binding_id, resolved_at=None, run_id=None)
    return int(rows.exclude(comparison=comparison).update(resolved_at=clock.now(), resolution=FindingResolution.GONE))
