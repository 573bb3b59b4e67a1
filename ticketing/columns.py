"""A list of tickets as columns by where they stand: a category's statuses, or the states all categories share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from boss.core.problems import InvalidInput
from boss.core.scoping import ScopedQuerySet
from ticketing import lists, selectors, statuses
from ticketing.choices import OPEN_STATES, TicketState
from ticketing.lists import MOST_COUNTED, Found
from ticketing.models import Ticket
from ticketing.selectors import DUE_FIRST

STATE = "state:"
"""Before a state's name in the key of a column: in a ticket's category it is the first status of that state."""
CARDS = 20
MOST_CARDS = 100


@dataclass(slots=True)
class Column:
    """``count`` goes no further than ``lists.MOST_COUNTED``; ``more``: there are cards beyond those shown."""

    key: str
    label: str
    state: str
    count: int = 0
    tickets: list[Ticket] = field(default_factory=list)
    more: bool = False

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def is_beyond_counting(self) -> bool:
        return self.count >= MOST_COUNTED


def of(found: Found, *, open_more: str = "") -> list[Column]:
    """The columns with their first cards, what is due soonest first; ended tickets newest first. ``open_more``: the key
    of the one column that is shown up to ``MOST_CARDS``. Three statements for any number of columns.

    A list of open tickets has columns for the ends as well, so that cards can be moved there: with what ended last.
    """
    columns = _columns(found)
    lists_ = [_rows(found, column) for column in columns]
    for column, count in zip(columns, lists.counted(lists_), strict=True):
        column.count = count
    ids = _first(columns, lists_, open_more)
    rows = selectors.list_rows().filter(pk__in={pk for few in ids for pk in few})
    by_id = {ticket.pk: ticket for ticket in rows.order_by(*DUE_FIRST)}
    for column, few in zip(columns, ids, strict=True):
        shown = [ticket for pk, ticket in by_id.items() if pk in few]
        if not column.is_open:
            shown.sort(key=lambda ticket: -ticket.pk)
        most = _most(column, open_more)
        column.more = len(shown) > most
        column.tickets = shown[:most]
    return columns


def _most(column: Column, open_more: str) -> int:
    return MOST_CARDS if column.key == open_more else CARDS


def _first(columns: Sequence[Column], rows: Sequence[ScopedQuerySet], open_more: str) -> list[set[int]]:
    ordered = [
        each.order_by(*DUE_FIRST) if column.is_open else each.order_by("-id")
        for column, each in zip(columns, rows, strict=True)
    ]
    most = MOST_CARDS if open_more else CARDS
    return lists.first_of(ordered, most + 1)


def _columns(found: Found) -> list[Column]:
    if found.category is not None:
        columns = [Column(status.key, status.label, status.state) for status in found.statuses]
    else:
        columns = [Column(STATE + state, str(TicketState(state).label), state) for state in TicketState.values]
    wanted = found.wanted
    if wanted.status:
        return [column for column in columns if column.key == wanted.status] or columns
    if wanted.state in TicketState.values:
        return [column for column in columns if column.state == wanted.state] or columns
    if wanted.state == "unresolved":
        # What is closed for good is nothing to move to: a resolution comes before it.
        return [column for column in columns if column.state != TicketState.CLOSED]
    return columns


def _rows(found: Found, column: Column) -> ScopedQuerySet:
    rows: ScopedQuerySet = found.whatever_state
    if column.key.startswith(STATE):
        narrowed: ScopedQuerySet = rows.filter(state=column.state)
        return narrowed
    same: ScopedQuerySet = rows.filter(status=column.key)
    return same


def status_for(ticket: Ticket, key: str) -> str:
    """The status of the ticket's own category that the column ``key`` means. Raises :class:`InvalidInput`, field
    ``status``."""
    if not key.startswith(STATE):
        return key
    state = key.removeprefix(STATE)
    if state not in TicketState.values:
        raise InvalidInput(fields={"status": [_("There is no such status.")]})
    published = selectors.find_schema(ticket.category)
    return statuses.first_of(published.status_defs() if published else (), state).key
