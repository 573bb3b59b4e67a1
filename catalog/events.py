"""Facts the catalog publishes."""

from __future__ import annotations

from dataclasses import dataclass

from boss.core.events import fact


@fact("catalog.plan_published")
@dataclass(frozen=True)
class PlanPublished:
    plan_version_id: int


@fact("catalog.plan_retired")
@dataclass(frozen=True)
class PlanRetired:
    plan_version_id: int
