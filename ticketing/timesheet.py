"""Reads of the time spent on tickets. What counts of an entry is its sum with its corrections."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from django.db.models import F, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from boss.core.actors import Actor
from boss.core.problems import NotFound
from boss.core.scoping import ScopedQuerySet
from ticketing import costs
from ticketing.models import Ticket, TimeEntry, Timer
from ticketing.selectors import whole_of

By = Literal["person", "pool", "category", "account", "activity"]
_GROUPS: dict[str, tuple[str, str]] = {
    "person": ("user_id", "user__full_name"),
    "pool": ("pool_id", "pool__name"),
    "category": ("ticket__category_id", "ticket__category__name"),
    "account": ("account_id", "account_id"),
    "activity": ("activity", "activity"),
}
GROUPS = tuple(_GROUPS)


def _entries(actor: Actor) -> ScopedQuerySet:
    """Entries without corrections, each with what counts of it as ``counted``."""
    corrected = (
        TimeEntry.objects.filter(corrects=OuterRef("pk")).order_by().values("corrects").annotate(all=Sum("seconds"))
    )
    entries: ScopedQuerySet = (
        TimeEntry.objects.visible_to(actor)
        .filter(corrects=None)
        .annotate(counted=F("seconds") + Coalesce(Subquery(corrected.values("all")), Value(0)))
        .select_related("user", "ticket")
    )
    return entries


def list_entries(actor: Actor) -> ScopedQuerySet:
    """All entries the actor may see, newest first."""
    return _entries(actor).order_by("-id")


def get_entry(actor: Actor, public_id: str) -> TimeEntry:
    """One entry. Raises NotFound."""
    entry: TimeEntry | None = _entries(actor).filter(public_id=public_id).first()
    if entry is None:
        raise NotFound
    return entry


def list_for_ticket(actor: Actor, ticket: Ticket) -> list[TimeEntry]:
    """The time on one ticket and those merged into it, latest first, each with its corrections as ``said`` in order.
    Two statements."""
    whole = whole_of(ticket)
    entries = list(_entries(actor).filter(ticket_id__in=whole).order_by("-started_at", "-id"))
    said: dict[int, list[TimeEntry]] = {}
    corrections = TimeEntry.objects.visible_to(actor).filter(ticket_id__in=whole, corrects__isnull=False)
    for correction in corrections.order_by("id"):
        said.setdefault(correction.corrects_id, []).append(correction)
    for entry in entries:
        entry.said = said.get(entry.pk, [])
    return entries


def find_timer(actor: Actor) -> Timer | None:
    """The timer that runs for the actor, with its ticket."""
    if actor.user_id is None:
        return None
    timer: Timer | None = (
        Timer.objects.visible_to(actor, "ticketing.add_timeentry")
        .filter(user_id=actor.user_id)
        .select_related("ticket")
        .first()
    )
    return timer


def list_worked(actor: Actor, user_id: int, since: dt.datetime, until: dt.datetime) -> list[TimeEntry]:
    """One person's entries that began in [since, until), in order."""
    return list(
        _entries(actor)
        .filter(user_id=user_id, started_at__gte=since, started_at__lt=until)
        .order_by("started_at", "id")
    )


@dataclass(frozen=True, slots=True)
class Total:
    """Time of one group: of ``seconds`` in all, ``billable``; ``entries`` says how often it was written down.

    ``cost`` is money times seconds, exact (``costs.money_of``), of the time with a known rate; ``uncosted`` are the
    seconds without one. Both are None for those who may not see costs, ``cost`` also where no rate was known.
    """

    key: Any
    name: str
    seconds: int
    billable: int
    entries: int
    cost: Decimal | None = None
    uncosted: int | None = None


def totals(actor: Actor, *, by: By, since: dt.datetime, until: dt.datetime) -> list[Total]:
    """Time that began in [since, until), summed up by group, most first. One statement.

    ``name`` is empty where there is none: a person erased, no pool, no account; for accounts it is always.
    """
    key, name = _GROUPS[by]
    with_costs = costs.may_see(actor)
    rows = (
        TimeEntry.objects.visible_to(actor)
        .filter(started_at__gte=since, started_at__lt=until)
        .order_by()
        .values(key, name)
        .annotate(
            all=Sum("seconds"),
            charged=Coalesce(Sum("seconds", filter=Q(is_billable=True)), Value(0)),
            times=Sum(Value(1), filter=Q(corrects=None)),
            **(costs.SUMS if with_costs else {}),
        )
    )
    named = by in ("person", "pool", "category")
    found = [
        Total(
            row[key], str(row[name] or "") if named else "", row["all"], row["charged"], row["times"] or 0,
            row.get("cost"), row["uncosted"] or 0 if with_costs else None,
        )
        for row in rows
    ]  # fmt: skip
    return sorted(found, key=lambda total: (-total.seconds, total.name))


def seconds_of(entries: Sequence[TimeEntry]) -> int:
    return sum(entry.counted for entry in entries)
