"""Reads of tickets by what their fields hold: narrowed, sorted and searched by the typed copies of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Exists, F, OuterRef, Subquery

from boss.core.actors import Actor
from boss.core.scoping import ScopedQuerySet
from ticketing import selectors
from ticketing.fields import LONGEST, FieldDef, column_of, typed
from ticketing.models import Category, Ticket, TicketFieldValue
from ticketing.models.thread import VIEW_INTERNAL


def filterable_fields(actor: Actor, category: Category) -> list[FieldDef]:
    """The fields of the present version that lists of the category's tickets may be narrowed and sorted by, as far as
    the actor may read them. Customers are offered none."""
    return readable(actor, [field for field in _published(category) if field.filterable])


def reportable_fields(actor: Actor, category: Category) -> list[FieldDef]:
    """The fields of the present version that reports may use, as far as the actor may read them."""
    return readable(actor, [field for field in _published(category) if field.reportable])


def _published(category: Category) -> Sequence[FieldDef]:
    published = selectors.find_schema(category)
    return published.fields() if published else ()


def readable(actor: Actor, every: Sequence[FieldDef]) -> list[FieldDef]:
    """Those of ``every`` that the actor may read; for staff only."""
    viewer = selectors.viewer_of(actor, every)
    return [field for field in every if viewer.role in ("staff", "system") and field.level(viewer) != "none"]


def narrow(rows: ScopedQuerySet, category: Category, wanted: Mapping[str, tuple[FieldDef, Any]]) -> ScopedQuerySet:
    """Those of ``rows`` of a category whose fields have these values (as they are kept). By the fields' own index."""
    rows = rows.filter(category=category)
    for field, value in wanted.values():
        rows = rows.filter(has(category, field, **typed(field, value)))
    return rows


def has(category: Category, field: FieldDef, **value: Any) -> Exists:
    """Of tickets of the category: the field holds this value, given as the column it is kept in (``fields.typed``);
    without one, any."""
    held = TicketFieldValue.objects.filter(ticket_id=OuterRef("pk"), category=category, field=field.key, **value)
    return Exists(held)


def sort_by(rows: ScopedQuerySet, category: Category, field: FieldDef, *, falling: bool) -> ScopedQuerySet:
    """Rows of a category in the order of one field's values, those without one last."""
    column = column_of(field)
    value = TicketFieldValue.objects.filter(
        ticket_id=OuterRef("pk"), category=category, field=field.key, ordinal=0
    ).values(column)[:1]
    order = F("sorted_by").desc(nulls_last=True) if falling else F("sorted_by").asc(nulls_last=True)
    ordered: ScopedQuerySet = rows.filter(category=category).annotate(sorted_by=Subquery(value)).order_by(order, "-id")
    return ordered


def find_by_value(actor: Actor, text: str, limit: int = 10) -> list[Ticket]:
    """Tickets of which a searchable field holds exactly this text, newest first, for staff; what is kept to pools the
    actor is not in is not searched."""
    wanted = text.strip().lower()[:LONGEST]
    if not wanted or not actor.holds(VIEW_INTERNAL):
        return []
    held = TicketFieldValue.objects.filter(v_text=wanted, searchable=True).values_list("ticket_id", "field")[:200]
    by_ticket: dict[int, set[str]] = {}
    for ticket_id, key in held:
        by_ticket.setdefault(ticket_id, set()).add(key)
    found = []
    seen: dict[int, selectors.Known] = {}
    for ticket in selectors.list_tickets(actor).filter(pk__in=by_ticket)[:limit]:
        meaning = seen.setdefault(ticket.category_id, selectors.known(ticket.category))
        viewer = selectors.viewer_of(actor, meaning.fields.values())
        if by_ticket[ticket.pk] & meaning.data_for(ticket, viewer).keys():
            found.append(ticket)
    return found
