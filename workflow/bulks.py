"""Reads of actions on many runs at once: which there are, how far they are, where the runs could be moved to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count

from boss.core.actors import Actor
from boss.core.problems import NotFound
from boss.core.scoping import ScopedQuerySet
from workflow.choices import BulkOutcome
from workflow.models import Bulk, BulkItem, DefinitionVersion, Run


def list_all(actor: Actor) -> ScopedQuerySet:
    """Actions on many runs, newest first."""
    rows: ScopedQuerySet = Bulk.objects.visible_to(actor).order_by("-id")
    return rows


def get(actor: Actor, public_id: str) -> Bulk:
    """One of them. Raises :class:`boss.core.problems.NotFound`."""
    bulk: Bulk | None = list_all(actor).filter(public_id=public_id).first()
    if bulk is None:
        raise NotFound
    return bulk


def list_items(bulk: Bulk) -> ScopedQuerySet:
    """The runs of an action in the order they were named."""
    rows: ScopedQuerySet = (
        BulkItem.objects.filter(bulk=bulk)
        .select_related("run__version__definition")
        .defer("run__version__document", "run__outputs", "run__inputs")
        .order_by("position")
    )
    return rows


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an action on many runs is."""

    total: int
    done: int
    refused: int
    failed: int

    @property
    def settled(self) -> int:
        return self.done + self.refused + self.failed


def progress(bulk: Bulk) -> Progress:
    """How many of its runs have which outcome."""
    counted = dict(BulkItem.objects.filter(bulk=bulk).order_by().values_list("outcome").annotate(Count("id")))
    return Progress(
        total=bulk.total,
        done=counted.get(BulkOutcome.DONE, 0),
        refused=counted.get(BulkOutcome.REFUSED, 0),
        failed=counted.get(BulkOutcome.FAILED, 0),
    )


def list_common_versions(actor: Actor, public_ids: Sequence[str]) -> list[DefinitionVersion]:
    """The versions that all of these runs could be moved to, newest first; none for runs of several workflows."""
    rows = Run.objects.visible_to(actor).filter(public_id__in=public_ids)
    definitions = list(rows.order_by().values_list("version__definition", flat=True).distinct()[:2])
    if len(definitions) != 1:
        return []
    found = DefinitionVersion.objects.filter(definition=definitions[0]).defer("document").order_by("-number")
    return list(found)
