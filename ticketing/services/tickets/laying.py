"""The points of a category's checklist on its tickets: laid out, taken back, and asked for before the end."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Max
from django.utils.translation import gettext as _

from boss.core.actors import Actor
from ticketing.choices import ChecklistSource
from ticketing.errors import ChecklistOpen
from ticketing.models import CategorySchema, ChecklistItem, Ticket


def lay_out(ticket: Ticket, published: CategorySchema | None, *, actor: Actor) -> None:
    """Put the points of the published version on a ticket; one that is there already stays as it is."""
    wanted = published.points() if published else []
    if not wanted:
        return
    there = set(ChecklistItem.objects.filter(ticket=ticket).exclude(key="").values_list("key", flat=True))
    first = next_position(ticket)
    ChecklistItem.objects.bulk_create(
        ChecklistItem(
            ticket=ticket, position=first + offset, text=point.text, is_required=point.required,
            source=ChecklistSource.CATEGORY, key=point.key, added_by=actor.label[:200],
        )
        for offset, point in enumerate(point for point in wanted if point.key not in there)
    )  # fmt: skip


def change_over(ticket: Ticket, published: CategorySchema | None, *, actor: Actor) -> None:
    """Another category: points of the former one that nobody has done go, those that were done stay as history."""
    former = ChecklistItem.objects.filter(ticket=ticket, source=ChecklistSource.CATEGORY)
    wanted = {point.key for point in published.points()} if published else set()
    former.filter(done_at=None).exclude(key__in=wanted).delete()
    lay_out(ticket, published, actor=actor)


def append(ticket: Ticket, texts: Iterable[str], *, actor: Actor, source: str) -> list[ChecklistItem]:
    """Further points at the end. The ticket is locked by the caller, so no two get one place."""
    first = next_position(ticket)
    made: list[ChecklistItem] = ChecklistItem.objects.bulk_create(
        ChecklistItem(ticket=ticket, position=first + offset, text=text, source=source, added_by=actor.label[:200])
        for offset, text in enumerate(texts)
    )
    return made


def refuse_unless_done(ticket: Ticket) -> None:
    """Raises :class:`ChecklistOpen` while a required point is open."""
    left = ChecklistItem.objects.filter(ticket=ticket, is_required=True, done_at=None).order_by("position")
    texts = list(left.values_list("text", flat=True))
    if texts:
        raise ChecklistOpen(_("To be done first: %(points)s") % {"points": "; ".join(texts)}, open=texts)


def next_position(ticket: Ticket) -> int:
    last = ChecklistItem.objects.filter(ticket=ticket).aggregate(last=Max("position"))["last"]
    return 0 if last is None else int(last) + 1
