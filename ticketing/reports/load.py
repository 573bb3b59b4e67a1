"""R7, when work comes, and R8, who has how much of it."""

from __future__ import annotations

import statistics
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.scoping import ScopedQuerySet
from ticketing.choices import OPEN_STATES, Priority
from ticketing.reports.asking import Question, ended_within
from ticketing.reports.contracts import Cell, Chart, Column, NoSuchCell, Report, Row, Series, Table, reports

HOURS = tuple(range(24))


# R7


def _timed(question: Question, field: str) -> ScopedQuerySet:
    rows = question.rows().filter(question.within(field))
    found: ScopedQuerySet = rows.annotate(
        weekday=ExtractIsoWeekDay(field, tzinfo=question.zone), hour=ExtractHour(field, tzinfo=question.zone)
    )
    return found


def _by_hour(question: Question, field: str) -> dict[int, int]:
    told = _timed(question, field).values("hour").annotate(n=Count("pk"))
    return dict(told.values_list("hour", "n"))


def _heat(question: Question) -> list[Table]:
    told = _timed(question, "opened_at").values("weekday", "hour").annotate(n=Count("pk"))
    counted = {(row["weekday"], row["hour"]): row["n"] for row in told}
    rows = []
    for day in range(1, 8):
        cells = {f"h{hour}": Cell(counted.get((day, hour), 0), f"in:{day}:{hour}") for hour in HOURS}
        cells["all"] = Cell(sum(counted.get((day, hour), 0) for hour in HOURS), f"in:{day}:")
        rows.append(Row(str(WEEKDAYS[day - 1]), cells))
    busiest = max(counted, key=lambda key: (counted[key], -key[0], -key[1]), default=None)
    finding = _("Nothing came in") if busiest is None else _("Most comes on %(day)s at %(from)s to %(to)s o'clock") % {
        "day": WEEKDAYS[busiest[0] - 1], "from": busiest[1], "to": busiest[1] + 1}  # fmt: skip
    columns = [Column(f"h{hour}", f"{hour:02d}") for hour in HOURS]
    return [
        Table(
            "heat", finding, _("Came in, by weekday and hour"), [*columns, Column("all", _("All day"))], rows,
            Chart("heat", [Series(f"h{hour}", "in") for hour in HOURS]),
        ),
        _staffing(question),
    ]  # fmt: skip


def _staffing(question: Question) -> Table:
    came, answered = _by_hour(question, "opened_at"), _by_hour(question, "first_response_at")
    before = _by_hour(question.before(), "opened_at")
    rows = [
        Row(
            f"{hour:02d}–{hour + 1:02d}",
            {
                "in": Cell(came.get(hour, 0), f"in::{hour}"),
                "first": Cell(answered.get(hour, 0), f"first::{hour}"),
                "before": Cell(before.get(hour, 0), f"in::{hour}", before=True),
            },
        )
        for hour in HOURS
    ]
    short = {hour: came.get(hour, 0) - answered.get(hour, 0) for hour in HOURS}
    worst = max(HOURS, key=lambda hour: (short[hour], -hour))
    finding = _("More is answered than comes in at every hour") if short[worst] <= 0 else _(
        "Answers lag most at %(from)s to %(to)s o'clock: %(n)s fewer than came in"
    ) % {"from": worst, "to": worst + 1, "n": short[worst]}  # fmt: skip
    columns = [
        Column("in", _("Came in")), Column("first", _("First answers given")), Column("before", _("Came in, before")),
    ]  # fmt: skip
    chart = Chart("bars", [Series("in", "in"), Series("first", "out", as_line=True)])
    return Table("staffing", finding, _("What comes and what is answered, by hour"), columns, rows, chart)


def _tickets_of_heat(question: Question, cell: str) -> ScopedQuerySet:
    parts = cell.split(":")
    if len(parts) != 3 or parts[0] not in ("in", "first"):
        raise NoSuchCell(cell)
    rows = _timed(question, "opened_at" if parts[0] == "in" else "first_response_at")
    for name, text, known in (("weekday", parts[1], range(1, 8)), ("hour", parts[2], HOURS)):
        if not text:
            continue
        if not (text.isascii() and text.isdigit() and len(text) < 3 and int(text) in known):
            raise NoSuchCell(cell)
        rows = rows.filter(**{name: int(text)})
    return rows


# R8


def _held(question: Question) -> ScopedQuerySet:
    found: ScopedQuerySet = question.rows().filter(state__in=OPEN_STATES)
    return found


def _done(question: Question) -> ScopedQuerySet:
    found: ScopedQuerySet = ended_within(question).filter(resolved_at__isnull=False)
    return found


_OWNER = ("assignee_id", "assignee__public_id", "assignee__full_name")


def _workload(question: Question) -> list[Table]:
    late, urgent = Q(due_at__lt=question.now), Q(priority__lte=Priority.HIGH)
    held = _held(question).values(*_OWNER).annotate(
        open=Count("pk"), late=Count("pk", filter=late), urgent=Count("pk", filter=urgent)
    )  # fmt: skip
    people: dict[str, dict[str, Any]] = {}
    for row in held:
        people.setdefault(row["assignee__public_id"] or "", {"name": row["assignee__full_name"]}).update(row)
    for name, asked in (("done", question), ("before", question.before())):
        for row in _done(asked).values(*_OWNER).annotate(n=Count("pk")):
            known = people.setdefault(row["assignee__public_id"] or "", {"name": row["assignee__full_name"]})
            known[name] = row["n"]
    rows = []
    for key, row in sorted(people.items(), key=lambda item: (not item[0], -item[1].get("open", 0), item[1]["name"])):
        cells = {name: Cell(row.get(name, 0), f"{name}:{key}") for name in ("open", "late", "urgent", "done")}
        cells["before"] = Cell(row.get("before", 0), f"done:{key}", before=True)
        rows.append(Row(row["name"] or _("Nobody"), cells))
    loads = [row.get("open", 0) for key, row in people.items() if key]
    finding = _("Nobody has open tickets") if not any(loads) else _(
        "%(name)s has most, %(n)s; half of the people have at most %(half)s"
    ) % {"name": rows[0].label, "n": max(loads), "half": int(statistics.median(loads))}  # fmt: skip
    return [
        Table(
            "workload", finding, _("By person"),
            [
                Column("open", _("Open now")), Column("late", _("Late")), Column("urgent", _("High or critical")),
                Column("done", _("Solved")), Column("before", _("Solved, before")),
            ],
            rows, Chart("rows", [Series("open", "backlog"), Series("done", "out")]),
            _("Who has it now, or had it when it was solved."),
        )
    ]  # fmt: skip


def _tickets_of_workload(question: Question, cell: str) -> ScopedQuerySet:
    what, colon, key = cell.partition(":")
    if not colon or what not in ("open", "late", "urgent", "done"):
        raise NoSuchCell(cell)
    rows = _done(question) if what == "done" else _held(question)
    rows = rows.filter(assignee__public_id=key) if key else rows.filter(assignee=None)
    if what == "late":
        return rows.filter(due_at__lt=question.now)
    return rows.filter(priority__lte=Priority.HIGH) if what == "urgent" else rows


reports.register("heat", Report(
    "heat", 7, gettext_lazy("When work comes"), gettext_lazy("When do we need people?"),
    gettext_lazy("Hours of the clock where the provider is"), _heat, _tickets_of_heat, icon="calendar",
))  # fmt: skip
reports.register("workload", Report(
    "workload", 8, gettext_lazy("Workload"), gettext_lazy("Is work shared out fairly?"),
    gettext_lazy("Open work as it is now; solved tickets within the period"),
    _workload, _tickets_of_workload, icon="users",
))  # fmt: skip
