"""What a report is and what it gives back. Rooms above register theirs here (``boss.core.registry``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from django.utils.functional import Promise

from boss.core.registry import Registry
from boss.core.scoping import ScopedQuerySet
from ticketing.reports.asking import Question

Unit = Literal["count", "seconds", "percent", "money", "text"]
"""Money is a text with two decimals ("1204.50"), never a float; its column says the currency."""
ChartKind = Literal["lines", "bars", "rows", "band", "box", "heat", "pareto"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One number. ``cell`` names the tickets it was made of (see :attr:`Report.tickets`); empty: it stands alone.

    ``counts``: the value is the number of exactly those tickets. ``before``: it is about the period before.
    """

    value: float | str | None
    cell: str = ""
    counts: bool = True
    before: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    label: str
    unit: Unit = "count"


@dataclass(frozen=True, slots=True)
class Row:
    """``cells`` by the key of their column; what is left out is empty."""

    label: str
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Series:
    """A column as it is drawn. ``role`` decides its colour: one meaning, one colour, in every report."""

    column: str
    role: str
    as_line: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """How a table is drawn: its rows are the categories. ``stacked`` bars add up; ``rows`` are bars that lie down."""

    kind: ChartKind
    series: Sequence[Series]
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a report and, with ``chart``, its picture. ``finding`` is the title: what the numbers say."""

    key: str
    finding: str
    heading: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    chart: Chart | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """``basis`` says what kind of hours the report counts. ``filters`` are those that mean something to it.

    ``tickets(question, cell)`` gives the tickets behind a :class:`Cell`: the same rows from which it was counted, by
    the same conditions. It raises :class:`NoSuchCell` for an address that no cell has.
    ``permission``: what one must hold beside the right to reports. ``by_field``: it counts by the values of one field
    of a category (``Question.by``), which is one more filter.
    """

    key: str
    order: int
    title: str | Promise
    question: str | Promise
    basis: str | Promise
    run: Callable[[Question], list[Table]]
    tickets: Callable[[Question, str], ScopedQuerySet]
    has_period: bool = True
    by_field: bool = False
    permission: str = ""
    icon: str = "chart-bar"
    words: Mapping[str, str] = field(default_factory=dict)


class NoSuchCell(LookupError):
    """No number of this report has this address."""


reports: Registry[Report] = Registry("ticket reports", Report)


def ratio(part: float, whole: float) -> float | None:
    """In percent; None of nothing."""
    return 100 * part / whole if whole else None
