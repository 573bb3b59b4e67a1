"""What moving a ticket into another category would do to it: really tried, and taken back."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from boss.core.actors import Actor
from boss.core.rehearsal import rehearsed
from boss.core.services import service
from ticketing import selectors
from ticketing.fields import FieldDef
from ticketing.models import Category, Ticket
from ticketing.selectors import ORPHANS
from ticketing.services.tickets.filling import recategorise


@dataclass(frozen=True, slots=True)
class NewHome:
    """``taken``: fields whose values go along; ``apart``: what is kept apart, for staff to read, with its words;
    ``asked``: what the new category wants filled in and nothing is known for."""

    category: str
    status: str
    due_at: dt.datetime | None
    taken: tuple[tuple[FieldDef, Any], ...]
    apart: tuple[tuple[str, Any], ...]
    asked: tuple[str, ...]


@service
def preview_recategorise(*, actor: Actor, ticket: Ticket, category: Category) -> NewHome:
    """What :func:`recategorise` would do now. Raises as it does. Changes nothing.

    Fields that this person may not read are not told, neither those that go along nor those kept apart.
    """
    with rehearsed():
        moved = recategorise(actor=actor, ticket=ticket, category=category)
        published = selectors.find_schema(category)
        every = published.fields() if published else []
        known = selectors.known(category)
        viewer = selectors.viewer_of(actor, every)
        data = known.data_for(moved, viewer)
        readable = {field.key for field in every if field.level(viewer) != "none"}
        return NewHome(
            category=category.name,
            status=known.status(moved).label,
            due_at=moved.due_at,
            taken=tuple((field, data[field.key]) for field in every if field.key in data and field.key in readable),
            apart=tuple((entry["label"], entry["value"]) for entry in data.get(ORPHANS, {}).values()),
            asked=tuple(
                field.title for field in every
                if field.is_given and field.required and field.key in readable and field.key not in moved.data
            ),
        )  # fmt: skip
