"""Tickets by the values of one of their category's own fields: what people answer, and what becomes of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Count, FilteredRelation, Q
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.scoping import ScopedQuerySet
from ticketing import by_values
from ticketing.reports.asking import ByField, Question, ended_within, open_at
from ticketing.reports.contracts import Cell, Chart, Column, NoSuchCell, Report, Row, Series, Table, reports
from ticketing.reports.measuring import Quantile, Seconds
from ticketing.reports.volume import compared, opened_within

MOST = 20
"""Values that have a line of their own: those that came in most."""

COLUMNS = {"t": "v_text", "n": "v_num", "b": "v_bool", "d": "v_ts"}
"""Where a value is kept, by the letter before it in the address of a number."""
NONE, ALL = "-", ""
MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the field; without a ``column``: that it holds none."""

    column: str = ""
    value: Any = None

    @property
    def cell(self) -> str:
        """As the address of a number names it: :func:`_read` reads it again."""
        if not self.column:
            return NONE
        letter = next(letter for letter, column in COLUMNS.items() if column == self.column)
        if isinstance(self.value, bool):
            return f"{letter}{str(self.value).lower()}"
        if isinstance(self.value, dt.datetime):
            return f"{letter}{self.value.astimezone(dt.UTC).isoformat()}"
        return f"{letter}{self.value:f}" if isinstance(self.value, Decimal) else f"{letter}{self.value}"


def _read(cell: str) -> Value:
    """Raises :class:`NoSuchCell`."""
    if cell == NONE:
        return Value()
    letter, text = cell[:1], cell[1:]
    try:
        if letter == "t" and text:
            return Value("v_text", text)
        if letter == "n" and (number := Decimal(text)).is_finite() and abs(number) < 10**MOST_DIGITS:
            return Value("v_num", number)
        if letter == "b" and text in ("true", "false"):
            return Value("v_bool", text == "true")
        if letter == "d" and (moment := dt.datetime.fromisoformat(text)).tzinfo is not None:
            return Value("v_ts", moment)
    except (InvalidOperation, ValueError):
        pass
    raise NoSuchCell(cell)


# What is counted


def _subsets(question: Question) -> dict[str, ScopedQuerySet]:
    """The tickets of each number, by what it counts: the same rows for the number and for the list it opens."""
    return {
        "in": opened_within(question),
        "out": ended_within(question),
        "open": open_at(question.rows(), question.until, question.now),
    }


def _counted(rows: ScopedQuerySet, by: ByField, **more: Any) -> dict[Value, dict[str, Any]]:
    """How many tickets hold each value. One statement; a ticket with several values counts for each."""
    held = FilteredRelation(
        "field_values", condition=Q(field_values__field=by.field.key, field_values__category=by.category.pk)
    )
    paths = [f"held__{column}" for column in COLUMNS.values()]
    told = rows.annotate(held=held).values(*paths).annotate(n=Count("pk", distinct=True), **more)
    return {_value_of(row): row for row in told}


def _value_of(row: Mapping[str, Any]) -> Value:
    for column in COLUMNS.values():
        if row[f"held__{column}"] is not None:
            return Value(column, row[f"held__{column}"])
    return Value()


def _by_field(question: Question) -> list[Table]:
    by = question.by
    if by is None:
        return [Table("values", _("Choose a category and one of its fields"), _("By value"), _columns(), [])]
    subsets = _subsets(question)
    took = {"took": Seconds("opened_at", "resolved_at")}
    told = {
        "in": _counted(subsets["in"], by),
        "out": _counted(subsets["out"].annotate(**took), by, half=Quantile("took", 0.5)),
        "open": _counted(subsets["open"], by),
        "before": _counted(opened_within(question.before()), by),
    }
    every = {value for counted in told.values() for value in counted}
    ranked = sorted(
        every, key=lambda value: (not value.column, *(-_n(told[name], value) for name in told), str(value.value))
    )
    shown = [value for value in ranked if value.column][:MOST] + [value for value in ranked if not value.column]
    rows = [Row(_label(question, by, value), _cells(told, value)) for value in shown]
    n = _in_all(question, by, subsets, told)
    return [
        Table(
            "values", _finding(question, by, ranked, told, n["in"]), _("By “%(field)s”") % {"field": by.field.title},
            _columns(), rows,
            Chart("rows", [Series("in", "in"), Series("out", "out"), Series("open", "backlog")]), _note(by, ranked),
        ),
        Table(
            "all", compared(n["in"], n["before"]), _("In all"),
            [column for column in _columns() if column.key != "half"], [Row(_("Every ticket once"), _numbers(n, ALL))],
        ),
    ]  # fmt: skip


def _columns() -> list[Column]:
    return [
        Column("in", _("Came in")), Column("out", _("Ended")), Column("half", _("Half solved within"), "seconds"),
        Column("open", _("Open at its end")), Column("before", _("Came in, before")),
    ]  # fmt: skip


def _n(counted: Mapping[Value, dict[str, Any]], value: Value) -> int:
    return int(counted[value]["n"]) if value in counted else 0


def _cells(told: Mapping[str, Mapping[Value, dict[str, Any]]], value: Value) -> dict[str, Cell]:
    half = told["out"].get(value, {}).get("half")
    return _numbers({name: _n(counted, value) for name, counted in told.items()}, value.cell) | {
        "half": Cell(half, f"out:{value.cell}", counts=False)
    }


def _numbers(n: Mapping[str, int], cell: str) -> dict[str, Cell]:
    found = {name: Cell(n[name], f"{name}:{cell}") for name in ("in", "out", "open")}
    return found | {"before": Cell(n["before"], f"in:{cell}", before=True)}


def _in_all(
    question: Question, by: ByField, subsets: Mapping[str, ScopedQuerySet],
    told: Mapping[str, Mapping[Value, dict[str, Any]]],
) -> dict[str, int]:  # fmt: skip
    """All tickets asked about, each once: where a field holds several values, the lines add up to more."""
    if by.field.type != "multi_choice":
        return {name: sum(int(row["n"]) for row in counted.values()) for name, counted in told.items()}
    n = {name: rows.count() for name, rows in subsets.items()}
    return n | {"before": opened_within(question.before()).count()}


def _finding(
    question: Question, by: ByField, ranked: list[Value], told: Mapping[str, Mapping[Value, dict[str, Any]]],
    came: int,
) -> str:  # fmt: skip
    first = next((value for value in ranked if value.column and _n(told["in"], value)), None)
    if first is None:
        return _("No ticket came in with an answer to “%(field)s”") % {"field": by.field.title}
    return _("Most that came in: %(what)s, %(n)s of %(all)s") % {
        "what": _label(question, by, first), "n": _n(told["in"], first), "all": came,
    }  # fmt: skip


def _note(by: ByField, ranked: list[Value]) -> str:
    said = []
    if by.field.type == "multi_choice":
        said.append(_("A ticket with several answers counts for each."))
    if (values := sum(1 for value in ranked if value.column)) > MOST:
        told = {"n": MOST, "all": values}
        said.append(_("The %(n)s of %(all)s values that came in most; the others count in all.") % told)
    return " ".join(said)


def _label(question: Question, by: ByField, value: Value) -> str:
    """The value in words: the option's own, a number with its unit, a day or moment where the provider is."""
    if not value.column:
        return _("No answer")
    if isinstance(value.value, bool):
        return _("Yes") if value.value else _("No")
    if isinstance(value.value, dt.datetime):
        if by.field.type == "date":  # kept as its midnight in UTC
            return formats.date_format(value.value.astimezone(dt.UTC).date(), "DATE_FORMAT")
        return formats.date_format(value.value.astimezone(question.zone), "DATETIME_FORMAT")
    if isinstance(value.value, Decimal):
        whole = f"{value.value:f}"
        number = Decimal(whole.rstrip("0").rstrip(".") if "." in whole else whole)
        return f"{formats.number_format(number)} {by.field.unit}".strip()
    words = {key.lower(): label for key, label in by.field.labels.items()}
    return words.get(str(value.value), str(value.value))


def _tickets(question: Question, cell: str) -> ScopedQuerySet:
    what, colon, key = cell.partition(":")
    rows = _subsets(question).get(what)
    if question.by is None or rows is None or not colon:
        raise NoSuchCell(cell)
    if key == ALL:
        return rows
    by, value = question.by, _read(key)
    if not value.column:
        without: ScopedQuerySet = rows.filter(~by_values.has(by.category, by.field))
        return without
    found: ScopedQuerySet = rows.filter(by_values.has(by.category, by.field, **{value.column: value.value}))
    return found


reports.register("by_field", Report(
    "by_field", 10, gettext_lazy("By a category's field"),
    gettext_lazy("What do people answer, and what becomes of it?"),
    gettext_lazy("Hours of the clock, from opening to the solution; nights, holidays and waiting count"),
    _by_field, _tickets, by_field=True, icon="list-check",
))  # fmt: skip
