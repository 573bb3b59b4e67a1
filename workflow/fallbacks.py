"""R18: tasks that failed and came to people, by task and error, with the time it took them."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Count, Exists, OuterRef, Subquery, Sum, Value
from django.db.models.functions import MD5, Concat, Left
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.scoping import ScopedQuerySet
from ticketing.models import TimeEntry
from ticketing.reports.asking import Question
from ticketing.reports.contracts import Cell, Chart, Column, NoSuchCell, Report, Row, Series, Table, reports
from ticketing.reports.measuring import length
from workflow.choices import AttemptOutcome
from workflow.engine.people import SUBJECT_KIND
from workflow.models import Attempt, TaskRun

FAILED = (AttemptOutcome.FAILED, AttemptOutcome.RETRY, AttemptOutcome.LOST)
ERROR_LETTERS = 80
"""Errors that begin alike are one: what follows are mostly ids and addresses."""


def _fallbacks(question: Question) -> ScopedQuerySet:
    """Tickets opened within the period about tasks that had failed, with ``task`` (workflow and key) and ``error``."""
    tasks = TaskRun.objects.filter(pk=OuterRef("subject_id"))
    failed = Attempt.objects.filter(task_id=OuterRef("subject_id"), outcome__in=FAILED).order_by("-number")
    found: ScopedQuerySet = (
        question.rows()
        .filter(question.within("opened_at"), Exists(failed), subject_kind=SUBJECT_KIND)
        .annotate(
            task=Subquery(
                tasks.values(name=Concat("run__version__definition__title", Value(" › "), "key"))[:1],
                output_field=CharField(),
            ),
            error=Subquery(failed.values(begins=Left("error", ERROR_LETTERS))[:1], output_field=CharField()),
        )
        .annotate(place=MD5("task"), fault=MD5("error"))
    )
    return found


def _spent(question: Question) -> dict[int, int]:
    """Seconds that people wrote down on these tickets, by ticket, for those who may read time."""
    entries = TimeEntry.objects.visible_to(question.actor).filter(ticket__in=_fallbacks(question).values("pk"))
    told = entries.order_by().values("ticket_id").annotate(spent=Sum("seconds"))
    return dict(told.values_list("ticket_id", "spent"))


def _run(question: Question) -> list[Table]:
    rows = list(_fallbacks(question).values_list("pk", "task", "error", "place", "fault", "resolved_at"))
    spent = _spent(question)
    before = question.before()
    was_task = dict(_fallbacks(before).values("place").annotate(n=Count("pk")).values_list("place", "n"))
    by_task: dict[Any, dict[str, Any]] = {}
    by_error: dict[Any, dict[str, Any]] = {}
    for pk, task, error, place, fault, resolved_at in rows:
        for group, key, name in (
            (by_task, place, task),
            (by_error, (place, fault), f"{task}: {' '.join((error or _('no error kept')).split())}"),
        ):
            entry = group.setdefault(key, {"name": name, "n": 0, "solved": 0, "spent": 0})
            entry["n"] += 1
            entry["solved"] += resolved_at is not None
            entry["spent"] += spent.get(pk, 0)
    tasks = []
    for place, entry in sorted(by_task.items(), key=lambda item: (-item[1]["n"], item[1]["name"])):
        cells = _cells(entry, place)
        cells["before"] = Cell(was_task.get(place, 0), f"all:{place}", before=True)
        tasks.append(Row(entry["name"], cells))
    errors = [
        Row(entry["name"], _cells(entry, f"{place}:{fault}"))
        for (place, fault), entry in sorted(by_error.items(), key=lambda item: (-item[1]["n"], item[1]["name"]))
    ]
    total = {"n": len(rows), "spent": sum(spent.values())}
    finding = _("No task came to people") if not tasks else _(
        "%(n)s tasks came to people, most of them: %(task)s"
    ) % {"n": total["n"], "task": tasks[0].label}  # fmt: skip
    second = _("No error was kept") if not errors else _("They took %(time)s of people's time") % {
        "time": length(total["spent"])}  # fmt: skip
    note = _("Time as people wrote it down on the tickets.")
    return [
        Table(
            "tasks", finding, _("By task"), [*_columns(), Column("before", _("Before"))], tasks,
            Chart("rows", [Series("n", "missed")]), note,
        ),
        Table("errors", second, _("By task and error"), _columns(), errors),
    ]  # fmt: skip


def _columns() -> list[Column]:
    return [
        Column("n", _("Tickets")), Column("solved", _("Solved")), Column("spent", _("People's time"), "seconds"),
    ]  # fmt: skip


def _cells(entry: dict[str, Any], address: str) -> dict[str, Cell]:
    return {
        "n": Cell(entry["n"], f"all:{address}"),
        "solved": Cell(entry["solved"], f"solved:{address}"),
        "spent": Cell(entry["spent"], f"all:{address}", counts=False),
    }


def _tickets(question: Question, cell: str) -> ScopedQuerySet:
    what, _colon, address = cell.partition(":")
    place, _colon, fault = address.partition(":")
    if what not in ("all", "solved") or not place:
        raise NoSuchCell(cell)
    rows = _fallbacks(question).filter(place=place)
    if fault:
        rows = rows.filter(fault=fault)
    return rows.filter(resolved_at__isnull=False) if what == "solved" else rows


def register() -> None:
    """Called when Django is ready."""
    reports.register("fallbacks", Report(
        "fallbacks", 18, gettext_lazy("Workflow fallbacks"), gettext_lazy("What should be automated next?"),
        gettext_lazy("Tickets opened within the period; time as people wrote it down"),
        _run, _tickets, permission="workflow.view_run", icon="robot",
    ))  # fmt: skip
