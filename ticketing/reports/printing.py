"""A report on paper: the same findings, pictures and tables as on its page, and in words what was asked."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.utils import formats
from django.utils.translation import gettext as _

from boss.core import colours
from boss.core.colours import Rgb
from boss.core.pdf.document import Document, Grid
from boss.core.pdf.pictures import Drawn, Picture
from boss.core.pdf.scales import Unit
from boss.tenancy import selectors as tenancy
from boss.tenancy.letterheads import letterhead_of
from boss.tenancy.models import Site
from ticketing.choices import Priority
from ticketing.models import Category, TalentPool
from ticketing.reports import figures
from ticketing.reports.asking import CHANNELS, Question
from ticketing.reports.contracts import Table
from ticketing.reports.running import Ran

MOST_ROWS = 300
"""Rows of one table; below it stands how many there are, and that the CSV file has them all."""
MOST_DRAWN = 40
"""Lines of a picture that lies down; it says so where there are more."""
_WIDE = 8

ROLES = {
    "in": 1, "out": 7, "backlog": 6, "p10": 6, "p25": 1, "p50": 1, "p75": 1, "p90": 2, "kept": 7, "missed": 5,
    "late": 5, "sum": 6, "age0": 3, "age1": 1, "age2": 8, "age3": 2, "age4": 5, "s0": 1, "s1": 2, "s2": 3, "s3": 4,
    "s4": 8,
}  # fmt: skip
"""The colour of a role, as in ``charts.js``: one meaning, one colour, on the page and on paper."""
PALETTE = (
    "#1f5fbf", "#b45309", "#0f766e", "#6b3fa0", "#b3202a", "#5b6b7f", "#2f7d32", "#8a6d00",
)  # fmt: skip
"""The light ones of ``--boss-chart-1`` to ``-8`` in ``tokens.css``."""


def as_pdf(ran: Ran, *, title: str = "", made_for: str, language: str) -> bytes:
    """The whole report. ``title``: the name somebody keeps it under; ``made_for``: with whose rights it was run."""
    question, report = ran.question, ran.report
    document = Document(
        title=title or str(report.title),
        letterhead=letterhead_of(question.actor.realm_id),
        language=language,
        made=_("Made for %(name)s, %(at)s (%(zone)s)") % {
            "name": made_for, "at": _moment(question), "zone": question.zone.key},
        created_at=question.now,
        wide=any(len(table.columns) > _WIDE for table in ran.tables),
    )  # fmt: skip
    document.paragraph(f"{report.title}. {report.question}" if title else str(report.question))
    document.paragraph(_period(ran), quiet=True)
    document.paragraph(told_filters(question), quiet=True)
    for table in ran.tables:
        _write(document, table)
    return document.content()


def _moment(question: Question) -> str:
    return formats.date_format(question.now.astimezone(ZoneInfo(question.zone.key)), "M j Y, H:i")


def _period(ran: Ran) -> str:
    """ "Nov 1 2026 to Nov 30 2026, beside Oct 2 2026 to Oct 31 2026. Days of the clock." """
    if not ran.report.has_period:
        return f"{ran.report.basis}."
    before = ran.question.before()
    days = {
        name: formats.date_format(day, "M j Y")
        for name, day in (
            ("a", ran.question.first), ("b", ran.question.last), ("c", before.first), ("d", before.last),
        )
    }  # fmt: skip
    return _("%(a)s to %(b)s, beside %(c)s to %(d)s.") % days + f" {ran.report.basis}."


def told_filters(question: Question) -> str:
    """ "Category: Fault; Pool: Network." as far as the person sees what they name; that nothing is filtered, too."""
    wanted, found = question.wanted, []
    if wanted.category:
        name = Category.objects.filter(key=wanted.category).values_list("name", flat=True).first()
        found.append((_("Category"), name))
    if wanted.pool:
        found.append((_("Pool"), TalentPool.objects.filter(key=wanted.pool).values_list("name", flat=True).first()))
    if wanted.channel:
        found.append((_("How it came"), CHANNELS[wanted.channel]))
    if wanted.priority:
        found.append((_("Priority"), Priority(wanted.priority).label))
    if wanted.organization:
        found.append((_("Organization"), tenancy.find_organization(question.actor, wanted.organization)))
    if wanted.site:
        site = Site.objects.visible_to(question.actor).filter(public_id=wanted.site).first()
        found.append((_("Site"), site))
    if not found:
        return _("Every ticket that this person may see.")
    return "; ".join(f"{label}: {what}" for label, what in found) + "."


def _write(document: Document, table: Table) -> None:
    picture = _picture(table)
    document.heading(table.finding, keep=picture.height + 14 if picture and table.rows else 30)
    document.paragraph(table.heading, quiet=True)
    if not table.rows:
        document.paragraph(_("Nothing to show for these filters."))
        return
    if picture:
        document.picture(picture)
        if len(picture.labels) < len(table.rows):
            told = {"n": len(picture.labels), "all": len(table.rows)}
            document.paragraph(_("The picture shows the first %(n)s of %(all)s rows.") % told, quiet=True)
    heads, *lines = figures.as_words(table)
    more = ""
    if len(lines) > MOST_ROWS:
        told = {"n": MOST_ROWS, "all": len(lines)}
        more = _("The first %(n)s of %(all)s rows; the CSV file has all of them.") % told
    texts = frozenset(at for at, column in enumerate(table.columns, 1) if column.unit == "text")
    document.table(Grid(table.heading, heads, lines[:MOST_ROWS], texts, more))
    document.paragraph(table.note, quiet=True)


def _picture(table: Table) -> Picture | None:
    """What ``charts.js`` draws of the same table."""
    chart = table.chart
    if chart is None:
        return None
    lies = chart.kind in ("rows", "box")
    rows = table.rows[:MOST_DRAWN] if lies else table.rows
    columns = {column.key: column for column in table.columns}
    series = []
    for each in chart.series:
        column = columns[each.column]
        cells = [row.cells.get(each.column) for row in rows]
        values = [cell.value if cell and not isinstance(cell.value, str) else None for cell in cells]
        unit: Unit = "count" if column.unit == "text" or column.unit == "money" else column.unit
        # What waits is many times what comes and goes, and a share is no number: each has its scale on the right.
        on_right = (chart.kind == "lines" and each.role == "backlog") or (chart.kind == "pareto" and each.as_line)
        series.append(
            Drawn(column.label, _colour(each.role), values, unit, each.as_line, each.role == "p90", on_right)
        )  # fmt: skip
    told = f"{table.finding}. {table.heading}. " + _("The table below says the same.")
    return Picture(chart.kind, [row.label for row in rows], series, told, chart.stacked)


def _colour(role: str) -> Rgb:
    return colours.parse(PALETTE[ROLES.get(role, 1) - 1]) or (0, 0, 0)
