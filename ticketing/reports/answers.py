"""R3, how long people wait for an answer, and R4, how long until it is solved."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.scoping import ScopedQuerySet
from ticketing.choices import TicketState
from ticketing.models import SlaClock
from ticketing.reports.asking import Bucket, Question, ended_within
from ticketing.reports.contracts import Cell, Chart, Column, NoSuchCell, Report, Row, Series, Table, reports
from ticketing.reports.measuring import Quantile, Seconds, half_and_ninety, length
from ticketing.sla.kinds import ClockKind, ClockState

MINUTE, HOUR, DAY = 60, 3600, 86400
WAITS = (
    ("w0", gettext_lazy("up to 15 minutes"), 0, 15 * MINUTE),
    ("w1", gettext_lazy("15 minutes to 1 hour"), 15 * MINUTE, HOUR),
    ("w2", gettext_lazy("1 to 4 hours"), HOUR, 4 * HOUR),
    ("w3", gettext_lazy("4 to 8 hours"), 4 * HOUR, 8 * HOUR),
    ("w4", gettext_lazy("8 to 24 hours"), 8 * HOUR, DAY),
    ("w5", gettext_lazy("1 to 3 days"), DAY, 3 * DAY),
    ("w6", gettext_lazy("over 3 days"), 3 * DAY, None),
)
SOLVED = (TicketState.RESOLVED, TicketState.CLOSED)


# R3


def _first(question: Question, part: Bucket | None = None) -> ScopedQuerySet:
    """Tickets that were answered for the first time within the period, with how long that took."""
    rows = question.rows().filter(question.within("first_response_at", part))
    found: ScopedQuerySet = rows.annotate(took=Seconds("opened_at", "first_response_at"))
    return found


def _next(question: Question, part: Bucket | None = None) -> ScopedQuerySet:
    """Later answers that were promised and given within the period, with how long each took."""
    given = SlaClock.objects.filter(kind=ClockKind.NEXT, state__in=[ClockState.MET, ClockState.MISSED])
    found: ScopedQuerySet = (
        question.among(given).filter(question.within("stopped_at", part)).annotate(
            took=Seconds("started_at", "stopped_at"))
    )  # fmt: skip
    return found


def _measured(question: Question, rows: ScopedQuerySet, field: str, n: Any) -> dict[str, dict[str, Any]]:
    """By bucket. A month or week that the period cuts is one bucket and one group in SQL as well."""
    told = rows.annotate(cut=question.cut(field)).values("cut").annotate(n=n, **half_and_ninety("took"))
    return {question.key_of(row["cut"]): row for row in told}


def _answers(question: Question) -> list[Table]:
    first = _measured(question, _first(question), "first_response_at", Count("pk"))
    after = _measured(question, _next(question), "stopped_at", Count("ticket", distinct=True))
    rows = []
    for part in question.buckets:
        if part.since > question.now:
            break
        cells = _wait_cells(first.get(part.key), "first", f"first:{part.key}")
        rows.append(Row(part.label, cells | _wait_cells(after.get(part.key), "next", f"next:{part.key}")))
    in_all, histogram = _histogram(question)
    finding = _("Nobody was answered for the first time") if not in_all["n"] else _(
        "Half of the first answers came within %(half)s, nine of ten within %(ninety)s"
    ) % {"half": length(in_all["p50"]), "ninety": length(in_all["p90"])}  # fmt: skip
    return [
        Table(
            "answers", finding, _("Over time"), _wait_columns(), rows,
            Chart("band", [Series("first_p50", "p50"), Series("first_p90", "p90")]),
            _("Next answers are counted where one was promised; tickets with several count once."),
        ),
        histogram,
        _answers_in_all(question, in_all),
    ]  # fmt: skip


def _wait_columns() -> list[Column]:
    return [
        Column("first_n", _("First answers")), Column("first_p50", _("Half within"), "seconds"),
        Column("first_p90", _("Nine of ten within"), "seconds"), Column("next_n", _("Tickets answered again")),
        Column("next_p50", _("Again: half within"), "seconds"),
        Column("next_p90", _("Again: nine of ten within"), "seconds"),
    ]  # fmt: skip


def _wait_cells(row: dict[str, Any] | None, name: str, cell: str, *, before: bool = False) -> dict[str, Cell]:
    if row is None or not row["n"]:
        return {f"{name}_n": Cell(0, cell, before=before)}
    return {
        f"{name}_n": Cell(row["n"], cell, before=before),
        f"{name}_p50": Cell(row["p50"], cell, counts=False, before=before),
        f"{name}_p90": Cell(row["p90"], cell, counts=False, before=before),
    }


def _histogram(question: Question) -> tuple[dict[str, Any], Table]:
    bands = {key: Count("pk", filter=_lasted(low, high)) for key, _word, low, high in WAITS}
    in_all = _first(question).aggregate(n=Count("pk"), **half_and_ninety("took"), **bands)
    rows = [Row(str(word), {"n": Cell(in_all[key], f"wait:{key}")}) for key, word, _low, _high in WAITS]
    quick = in_all["w0"] + in_all["w1"]
    finding = _("%(n)s of %(all)s had their first answer within the hour") % {"n": quick, "all": in_all["n"]}
    return in_all, Table(
        "waits", finding, _("How long until the first answer"), [Column("n", _("Tickets"))], rows,
        Chart("bars", [Series("n", "in")]),
    )  # fmt: skip


def _lasted(low: int, high: int | None) -> Q:
    return Q(took__gte=low) if high is None else Q(took__gte=low, took__lt=high)


def _answers_in_all(question: Question, first: dict[str, Any]) -> Table:
    before = question.before()
    next_n = {"n": Count("ticket", distinct=True)}
    after = _next(question).aggregate(**next_n, **half_and_ninety("took"))
    first_before = _first(before).aggregate(n=Count("pk"), **half_and_ninety("took"))
    after_before = _next(before).aggregate(**next_n, **half_and_ninety("took"))
    rows = [
        Row(_("This period"), _wait_cells(first, "first", "first:") | _wait_cells(after, "next", "next:")),
        Row(
            _("The period before"),
            _wait_cells(first_before, "first", "first:", before=True)
            | _wait_cells(after_before, "next", "next:", before=True),
        ),
    ]
    return Table("all", _quicker(first["p50"], first_before["p50"]), _("In all"), _wait_columns(), rows)


def _quicker(now: float | None, before: float | None) -> str:
    if now is None or before is None:
        return _("There is nothing to compare")
    told = {"now": length(now), "before": length(before)}
    if now < before:
        return _("First answers became quicker: half within %(now)s after %(before)s") % told
    if now > before:
        return _("First answers became slower: half within %(now)s after %(before)s") % told
    return _("First answers came as quickly as before: half within %(now)s") % told


def _tickets_of_answers(question: Question, cell: str) -> ScopedQuerySet:
    what, _colon, key = cell.partition(":")
    if what == "wait":
        for name, _word, low, high in WAITS:
            if name == key:
                found: ScopedQuerySet = _first(question).filter(_lasted(low, high))
                return found
        raise NoSuchCell(cell)
    part = question.bucket(key) if key else None
    if (key and part is None) or what not in ("first", "next"):
        raise NoSuchCell(cell)
    if what == "first":
        return _first(question, part)
    again: ScopedQuerySet = question.rows().filter(pk__in=_next(question, part).values("ticket"))
    return again


# R4


def _solved(question: Question) -> ScopedQuerySet:
    # By the index of what ended, which for these is when they were solved.
    rows = ended_within(question).filter(state__in=SOLVED)
    found: ScopedQuerySet = rows.annotate(took=Seconds("opened_at", "resolved_at"))
    return found


_BOX = {"p10": 0.1, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9}


def _resolution(question: Question) -> list[Table]:
    by_category = ("category__key", "category__name")
    shares = {key: Quantile("took", share) for key, share in _BOX.items()}
    told = list(_solved(question).values(*by_category).annotate(n=Count("pk"), **shares))
    past = {
        row["category__key"]: row
        for row in _solved(question.before()).values(*by_category).annotate(n=Count("pk"), p50=Quantile("took", 0.5))
    }
    told.sort(key=lambda row: (-row["p50"], row["category__name"]))
    rows = []
    for row in told:
        key = row["category__key"]
        cells = {share: Cell(row[share], f"{key}:", counts=False) for share in _BOX}
        cells["n"] = Cell(row["n"], f"{key}:")
        was = past.get(key)
        cells["n_before"] = Cell(was["n"] if was else 0, f"{key}:", before=True)
        if was:
            cells["p50_before"] = Cell(was["p50"], f"{key}:", counts=False, before=True)
        rows.append(Row(row["category__name"], cells))
    finding = _("Nothing was solved in this time") if not told else _(
        "“%(category)s” takes longest: half are solved within %(half)s"
    ) % {"category": told[0]["category__name"], "half": length(told[0]["p50"])}  # fmt: skip
    columns = [
        Column("n", _("Solved")), Column("p10", _("One of ten within"), "seconds"),
        Column("p25", _("A quarter within"), "seconds"), Column("p50", _("Half within"), "seconds"),
        Column("p75", _("Three quarters within"), "seconds"), Column("p90", _("Nine of ten within"), "seconds"),
        Column("n_before", _("Solved, before")), Column("p50_before", _("Half within, before"), "seconds"),
    ]  # fmt: skip
    return [
        Table("resolution", finding, _("By category"), columns, rows, Chart("box", [Series(key, key) for key in _BOX]))
    ]


def _tickets_of_resolution(question: Question, cell: str) -> ScopedQuerySet:
    key, colon, rest = cell.partition(":")
    if not colon or rest:
        raise NoSuchCell(cell)
    found: ScopedQuerySet = _solved(question).filter(category__key=key)
    return found


reports.register("answers", Report(
    "answers", 3, gettext_lazy("First and next answer"), gettext_lazy("How long do people wait?"),
    gettext_lazy("Hours of the clock, from opening to the answer; nights and holidays count"),
    _answers, _tickets_of_answers, icon="message",
))  # fmt: skip
reports.register("resolution", Report(
    "resolution", 4, gettext_lazy("Time to solution"), gettext_lazy("Where does it hurt?"),
    gettext_lazy("Hours of the clock, from opening to the solution; nights, holidays and waiting count"),
    _resolution, _tickets_of_resolution, icon="clock",
))  # fmt: skip
