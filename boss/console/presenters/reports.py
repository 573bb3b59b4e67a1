"""Reports as the console shows them: a table of linked numbers, and the same as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.dates import WEEKDAYS
from django.utils.formats import time_format
from django.utils.translation import gettext as _

from ticketing.choices import Cadence
from ticketing.models import SavedReport
from ticketing.reports import figures
from ticketing.reports.asking import Wanted
from ticketing.reports.contracts import Cell, Table
from ticketing.reports.running import Ran


@dataclass(frozen=True, slots=True)
class Number:
    text: str
    url: str
    label: str
    is_text: bool


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    numbers: list[Number]


@dataclass(frozen=True, slots=True)
class Shown:
    """A table; ``chart`` is what ``charts.js`` draws, ``wide`` scrolls sideways instead of becoming cards."""

    key: str
    finding: str
    heading: str
    note: str
    heads: list[tuple[str, bool]]
    lines: list[Line]
    chart: dict[str, Any] | None
    file_url: str
    wide: bool

    @property
    def chart_id(self) -> str:
        return f"chart-{self.key}"


def report_url(key: str, wanted: Wanted) -> str:
    return f"{reverse('console:report', args=[key])}?{urlencode(wanted.named())}"


def shown(ran: Ran) -> list[Shown]:
    """The tables of a report that was run, every number with the address of its tickets."""
    past = ran.question.before().wanted
    base = reverse("console:report_tickets", args=[ran.report.key])
    file = reverse("console:report_file", args=[ran.report.key])

    def url_of(cell: Cell | None) -> str:
        if cell is None or not cell.cell or not cell.value:
            return ""
        wanted = past if cell.before else ran.question.wanted
        return f"{base}?{urlencode({**wanted.named(), 'cell': cell.cell})}"

    found = []
    for table in ran.tables:
        lines = []
        for row in table.rows:
            numbers = []
            for column in table.columns:
                cell = row.cells.get(column.key)
                text = figures.in_words(cell.value, column.unit) if cell else ""
                numbers.append(Number(text, url_of(cell), column.label, column.unit == "text"))
            lines.append(Line(row.label, numbers))
        query = urlencode({**ran.question.wanted.named(), "table": table.key})
        found.append(
            Shown(
                table.key, table.finding, table.heading, table.note,
                [(column.label, column.unit == "text") for column in table.columns], lines,
                _chart(table, url_of), f"{file}?{query}", len(table.columns) > 10,
            )
        )  # fmt: skip
    return found


def _chart(table: Table, url_of: Any) -> dict[str, Any] | None:
    """What is drawn, as plain data: the script knows the looks, nothing here does."""
    if table.chart is None or not table.rows:
        return None
    columns = {column.key: column for column in table.columns}
    series = []
    for each in table.chart.series:
        cells = [row.cells.get(each.column) for row in table.rows]
        column = columns[each.column]
        series.append(
            {
                "name": column.label,
                "role": each.role,
                "unit": column.unit,
                "line": each.as_line,
                "values": [cell.value if cell else None for cell in cells],
                "words": [figures.in_words(cell.value, column.unit) if cell else "" for cell in cells],
                "urls": [url_of(cell) for cell in cells],
            }
        )
    return {
        "kind": table.chart.kind,
        "stacked": table.chart.stacked,
        "title": f"{table.finding}. {table.heading}. " + _("The table below says the same."),
        "labels": [row.label for row in table.rows],
        "series": series,
    }


@dataclass(frozen=True, slots=True)
class Kept:
    """A saved report in a list."""

    name: str
    url: str
    edit_url: str
    report: str
    owner: str
    is_shared: bool
    sent: str
    next_at: Any


def kept(saved: SavedReport, titles: dict[str, Any], user_id: int | None) -> Kept:
    mine = saved.owner_id == user_id
    return Kept(
        name=saved.name,
        url=f"{reverse('console:report', args=[saved.report])}?{urlencode(saved.filters)}",
        edit_url=reverse("console:report_saved", args=[saved.public_id]) if mine else "",
        report=str(titles.get(saved.report, saved.report)),
        owner=_("You") if mine else saved.owner.full_name,
        is_shared=saved.is_shared,
        sent=when_sent(saved),
        next_at=saved.next_at,
    )


def when_sent(saved: SavedReport) -> str:
    """ "Every week on Monday at 07:00"; empty for never."""
    if not saved.cadence or saved.at is None:
        return ""
    at = time_format(saved.at, "H:i")
    if saved.cadence == Cadence.WEEKLY:
        return _("Every week on %(day)s at %(at)s") % {"day": WEEKDAYS[saved.weekday - 1], "at": at}
    if saved.cadence == Cadence.MONTHLY:
        return _("Every month on day %(day)s at %(at)s") % {"day": saved.monthday, "at": at}
    return _("Every day at %(at)s") % {"at": at}
