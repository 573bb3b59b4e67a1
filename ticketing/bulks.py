"""Reads of actions on many tickets at once: how far they are, and what became of each ticket."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count

from boss.core.actors import Actor
from boss.core.problems import NotFound
from boss.core.scoping import ScopedQuerySet
from ticketing.choices import BulkResult
from ticketing.models import TicketBulk, TicketBulkItem


def list_all(actor: Actor) -> ScopedQuerySet:
    """The actor's own actions, newest first."""
    rows: ScopedQuerySet = TicketBulk.objects.visible_to(actor).order_by("-id")
    return rows


def get(actor: Actor, public_id: str) -> TicketBulk:
    """Raises :class:`boss.core.problems.NotFound`."""
    bulk: TicketBulk | None = list_all(actor).filter(public_id=public_id).first()
    if bulk is None:
        raise NotFound
    return bulk


def list_items(bulk: TicketBulk) -> ScopedQuerySet:
    """Its tickets in the order they were named."""
    items: ScopedQuerySet = (
        TicketBulkItem.objects.filter(bulk=bulk).select_related("ticket").order_by("position")
    )  # fmt: skip
    return items


@dataclass(frozen=True, slots=True)
class Progress:
    """How many tickets of an action have which result."""

    total: int
    done: int
    refused: int
    failed: int

    @property
    def settled(self) -> int:
        return self.done + self.refused + self.failed


def progress(bulk: TicketBulk) -> Progress:
    rows = TicketBulkItem.objects.filter(bulk=bulk).order_by().values_list("result").annotate(Count("id"))
    counted = dict(rows)
    return Progress(
        total=bulk.total,
        done=counted.get(BulkResult.DONE, 0),
        refused=counted.get(BulkResult.REFUSED, 0),
        failed=counted.get(BulkResult.FAILED, 0),
    )
