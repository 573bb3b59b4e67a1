"""The typed copy of tickets' own fields: written with the ticket, made anew when the fields' marks change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ticketing import selectors
from ticketing.fields import FieldDef, typed
from ticketing.models import Category, Ticket, TicketFieldValue

BATCH = 500


def copy(ticket: Ticket) -> None:
    """Write the copy of one ticket's values. The marks of the category's present version decide what is copied."""
    marked = _marked(ticket.category)
    TicketFieldValue.objects.filter(ticket=ticket).delete()
    if marked:
        TicketFieldValue.objects.bulk_create(_rows(ticket, marked))


def copy_new(ticket: Ticket, asked: Iterable[FieldDef]) -> None:
    """The same for a ticket that has just been made, with the fields it was made by."""
    marked = [field for field in asked if field.is_projected]
    if marked:
        TicketFieldValue.objects.bulk_create(_rows(ticket, marked))


def copy_all(category: Category) -> int:
    """Make the copy of every ticket of a category anew; how many tickets that were. Each batch holds its tickets, so
    that an edit meanwhile is not undone."""
    marked = _marked(category)
    done, last = 0, 0
    while True:
        rows = Ticket.objects.select_for_update().filter(category=category, pk__gt=last).order_by("pk")
        batch = list(rows[:BATCH])
        if not batch:
            return done
        TicketFieldValue.objects.filter(ticket__in=batch).delete()
        TicketFieldValue.objects.bulk_create(row for ticket in batch for row in _rows(ticket, marked))
        done, last = done + len(batch), batch[-1].pk


def _marked(category: Category) -> list[FieldDef]:
    published = selectors.find_schema(category)
    return [field for field in (published.fields() if published else ()) if field.is_projected]


def _rows(ticket: Ticket, marked: Iterable[FieldDef]) -> Iterator[TicketFieldValue]:
    for field in marked:
        value = ticket.data.get(field.key)
        for ordinal, one in enumerate(value if isinstance(value, list) else [value]):
            if one is None or one == "":
                continue
            yield TicketFieldValue(
                ticket=ticket,
                category_id=ticket.category_id,
                field=field.key,
                ordinal=ordinal,
                searchable=field.searchable,
                **typed(field, one),
            )
