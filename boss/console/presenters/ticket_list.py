"""Lists of tickets as the console shows them: views, filters, columns, cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.console.presenters.marks import PRIORITY, TICKET, mark
from boss.console.presenters.tickets import TicketRow, row, state_of
from boss.look.marks import Mark
from boss.look.values import in_words
from ticketing import columns as board_columns
from ticketing import statuses
from ticketing.choices import TicketState
from ticketing.columns import STATE, Column
from ticketing.fields import FieldDef
from ticketing.lists import FIELD, MOST_COUNTED, Found
from ticketing.models import SavedView, Ticket

COLUMN_WORDS = {
    "state": gettext_lazy("State"),
    "priority": gettext_lazy("Priority"),
    "category": gettext_lazy("Category"),
    "pool": gettext_lazy("Pool"),
    "owner": gettext_lazy("Owner"),
    "requester": gettext_lazy("Requester"),
    "site": gettext_lazy("Site"),
    "due": gettext_lazy("Due"),
    "opened": gettext_lazy("Opened"),
}
VERBS = {
    "take": (gettext_lazy("Take"), "hand-click", ""),
    "assign": (gettext_lazy("Assign…"), "user", "a"),
    "status": (gettext_lazy("Status…"), "circle-dot", "s"),
    "pool": (gettext_lazy("Move to a pool…"), "users", "m"),
    "priority": (gettext_lazy("Priority…"), "flag", ""),
    "note": (gettext_lazy("Internal note…"), "lock", ""),
    "release": (gettext_lazy("Put back…"), "arrow-back-up", ""),
    "resolve": (gettext_lazy("Resolve…"), "circle-check", ""),
    "close": (gettext_lazy("Close…"), "check", ""),
}


@dataclass(frozen=True, slots=True)
class ViewTab:
    public_id: str
    name: str
    url: str
    is_here: bool
    is_shared: bool
    count: str


def views(kept: Sequence[SavedView], here: SavedView | None, counted: Mapping[str, int] | None = None) -> list[ViewTab]:
    """The views for the bar above the list; with ``counted`` how many tickets each has."""
    return [
        ViewTab(
            view.public_id, view.name, url_of_view(view), here is not None and view.pk == here.pk,
            view.shared_with != "nobody", "" if counted is None else in_figures(counted.get(view.public_id, 0)),
        )
        for view in kept
    ]  # fmt: skip


def url_of_view(view: SavedView) -> str:
    return f"{reverse('console:tickets')}?{urlencode({'view': view.public_id})}"


def in_figures(count: int) -> str:
    return f"{MOST_COUNTED - 1}+" if count >= MOST_COUNTED else str(count)


@dataclass(frozen=True, slots=True)
class Filter:
    """A field of the category to narrow by: a choice where it has ``options``, else a text."""

    name: str
    label: str
    value: str
    options: list[tuple[str, str]] = field(default_factory=list)
    error: str = ""


def filters(found: Found) -> list[Filter]:
    given = dict(found.wanted.fields)
    return [
        Filter(
            FIELD + each.key, each.title, given.get(each.key, ""), _options(each),
            " ".join(found.errors.get(FIELD + each.key, ())),
        )
        for each in found.fields
    ]  # fmt: skip


def _options(each: FieldDef) -> list[tuple[str, str]]:
    if each.type == "boolean":
        return [("true", _("Yes")), ("false", _("No"))]
    return list(each.labels.items()) if each.choices else []


def sorts(found: Found) -> list[tuple[str, str]]:
    known = [("", _("Newest first")), ("oldest", _("Oldest first")), ("due", _("Due first")),
             ("priority", _("Most urgent first"))]  # fmt: skip
    for each in found.fields:
        known += [(FIELD + each.key, f"{each.title} ↑"), (f"-{FIELD}{each.key}", f"{each.title} ↓")]
    return known


def column_choices(chosen: Sequence[str], known: Mapping[str, str]) -> list[tuple[str, str, bool]]:
    words = {**COLUMN_WORDS, **{FIELD + key: title for key, title in known.items()}}
    return [(key, str(word), key in chosen) for key, word in words.items()]


def heads(chosen: Sequence[str], found: Found) -> list[str]:
    known = {FIELD + each.key: each.title for each in found.fields}
    return [str(COLUMN_WORDS.get(key) or known.get(key, "")) for key in chosen]


@dataclass(frozen=True, slots=True)
class Cell:
    label: str
    text: str = ""
    mark: Mark | None = None
    at: datetime | None = None
    is_late: bool = False
    url: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: the ticket, and a cell for each column chosen. ``choice``: how a form names it."""

    row: TicketRow
    cells: list[Cell]
    choice: str

    @property
    def number(self) -> str:
        return self.row.number


def line(ticket: Ticket, chosen: Sequence[str], found: Found, user_id: int | None) -> Line:
    shown = row(ticket, user_id)
    labels = heads(chosen, found)
    cells = [_cell(key, label, ticket, shown, found) for key, label in zip(chosen, labels, strict=True)]
    return Line(shown, cells, f"{ticket.public_id}.{ticket.version}")


def _cell(key: str, label: str, ticket: Ticket, shown: TicketRow, found: Found) -> Cell:
    if key.startswith(FIELD):
        by = next((each for each in found.fields if FIELD + each.key == key), None)
        value = ticket.data.get(by.key) if by else None
        return Cell(label, in_words(by, value, by.labels) if by is not None and value not in (None, "", []) else "")
    if key == "state":
        return Cell(label, mark=_mark(ticket, found))
    if key == "priority":
        return Cell(label, mark=mark(PRIORITY, ticket.priority))
    if key == "due":
        return Cell(label, at=shown.due_at, is_late=shown.is_late)
    if key == "opened":
        return Cell(label, at=shown.opened_at)
    if key == "requester" and ticket.requester is not None:
        return Cell(label, ticket.requester.full_name, url=_narrowed("requester", ticket.requester.public_id))
    if key == "site" and ticket.site is not None:
        return Cell(label, str(ticket.site), url=_narrowed("site", ticket.site.public_id))
    return Cell(label, {"category": shown.category, "pool": shown.pool, "owner": shown.assignee}.get(key, ""))


def _mark(ticket: Ticket, found: Found) -> Mark:
    known = statuses.find(found.statuses, ticket.status)
    return state_of(ticket, known) if known is not None else mark(TICKET, ticket.state)


def _narrowed(name: str, public_id: str) -> str:
    return f"{reverse('console:tickets')}?{urlencode({'state': 'all', name: public_id})}"


@dataclass(frozen=True, slots=True)
class Verb:
    key: str
    word: str
    icon: str
    letter: str


def verbs(keys: Sequence[str]) -> list[Verb]:
    """What may be done to many tickets, in the order of use."""
    return [Verb(key, str(word), icon, letter) for key, (word, icon, letter) in VERBS.items() if key in keys]


@dataclass(frozen=True, slots=True)
class Card:
    row: TicketRow
    version: int
    ways: list[tuple[str, str]]
    place_url: str


@dataclass(frozen=True, slots=True)
class BoardColumn:
    key: str
    label: str
    count: str
    cards: list[Card]
    more: int


def board(shown: Sequence[Column], found: Found, *, may_move: bool) -> list[BoardColumn]:
    """Columns with their cards. ``more``: how many cards a column shows when it is opened further, 0 for all shown."""
    places = [(column.key, column.label) for column in shown]
    return [
        BoardColumn(
            column.key, column.label, in_figures(column.count),
            [
                Card(
                    row(ticket), ticket.version, _ways(ticket, found, places) if may_move else [],
                    reverse("console:ticket_place", args=[ticket.public_id]),
                )
                for ticket in column.tickets
            ],
            board_columns.MOST_CARDS if column.more and len(column.tickets) < board_columns.MOST_CARDS else 0,
        )
        for column in shown
    ]  # fmt: skip


def _ways(ticket: Ticket, found: Found, places: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The columns this card may be put into. The service decides again."""
    if found.category is not None:
        allowed = {each.key for each in statuses.next_of(found.statuses, ticket.status, ticket.state)}
    else:
        allowed = {STATE + state for state in statuses.REACHABLE[TicketState(ticket.state)]}
    return [(key, label) for key, label in places if key in allowed]
