"""Numbers of reports as people and spreadsheets read them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from django.utils import formats
from django.utils.translation import gettext as _

from ticketing.reports.contracts import Table, Unit
from ticketing.reports.measuring import length


def in_words(value: float | str | None, unit: Unit) -> str:
    """ "1,204", "3 h 5 min", "92 %", "1,204.50"; a dash for what is not there."""
    if value is None:
        return "—"
    if unit == "money":
        return formats.number_format(Decimal(str(value)), decimal_pos=2, use_l10n=True, force_grouping=True)
    if isinstance(value, str):
        return value
    if unit == "seconds":
        return length(value)
    if unit == "percent":
        return f"{value:.0f} %"
    return formats.number_format(value, decimal_pos=0, use_l10n=True, force_grouping=True)


def bare(value: float | str | None, unit: Unit) -> float | Decimal | str:
    """For a spreadsheet: whole numbers, seconds, money, percent with one decimal; empty for what is not there."""
    if value is None:
        return ""
    if unit == "money":
        return Decimal(str(value))
    if isinstance(value, str):
        return value
    return round(value, 1) if unit == "percent" else round(value)


def as_words(table: Table) -> Iterator[list[str]]:
    """The heads, then the rows."""
    yield ["", *(column.label for column in table.columns)]
    for row in table.rows:
        cells = [row.cells.get(column.key) for column in table.columns]
        yield [
            row.label,
            *(in_words(cell.value, at.unit) if cell else "" for cell, at in zip(cells, table.columns, strict=True)),
        ]  # fmt: skip


def as_lines(table: Table) -> Iterator[list[float | Decimal | str]]:
    """The heads with their units, then the rows, as numbers."""
    units = {"seconds": _("seconds"), "percent": "%"}
    yield [
        table.heading,
        *(f"{each.label} ({units[each.unit]})" if each.unit in units else each.label for each in table.columns),
    ]  # fmt: skip
    for row in table.rows:
        cells = [row.cells.get(column.key) for column in table.columns]
        yield [
            row.label,
            *(bare(cell.value, at.unit) if cell else "" for cell, at in zip(cells, table.columns, strict=True)),
        ]  # fmt: skip
