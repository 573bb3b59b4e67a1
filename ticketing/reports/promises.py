"""R5, whether promised times were kept, and R6, what is due next."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Case, Count, F, Q, When
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.scoping import ScopedQuerySet
from ticketing.choices import OPEN_STATES
from ticketing.models import SlaClock
from ticketing.reports.asking import Bucket, Question
from ticketing.reports.contracts import Cell, Chart, Column, NoSuchCell, Report, Row, Series, Table, ratio, reports
from ticketing.sla.kinds import ClockKind, ClockState

# R5: a promise is decided once, when it is kept or in the instant it is broken (even while its clock runs on).

_BROKEN = Q(state__in=[ClockState.MISSED, ClockState.RUNNING, ClockState.PAUSED])


def _decided(question: Question, part: Bucket | None = None) -> ScopedQuerySet:
    """Promises that were decided within the period: ``broken`` says how, ``at`` when."""
    at: Any = part or question
    kept = Q(state=ClockState.MET) & question.within("stopped_at", part)
    broken = _BROKEN & Q(due_at__gte=at.since, due_at__lt=min(at.until, question.now))
    found: ScopedQuerySet = (
        question.among(SlaClock.objects.all())
        .filter(kept | broken)
        .annotate(at=Case(When(state=ClockState.MET, then=F("stopped_at")), default=F("due_at")))
    )
    return found


_TICKETS: dict[str, Any] = {
    "all": Count("ticket", distinct=True),
    "missed": Count("ticket", distinct=True, filter=~Q(state=ClockState.MET)),
}


def _kept_cells(row: dict[str, Any] | None, cell: str, *, before: bool = False) -> dict[str, Cell]:
    """A ticket with several promises of the kind counts once, as missed if any of them was."""
    every, missed = (row["all"], row["missed"]) if row else (0, 0)
    return {
        "kept": Cell(every - missed, f"kept:{cell}", before=before),
        "missed": Cell(missed, f"missed:{cell}", before=before),
        "share": Cell(ratio(every - missed, every), f"all:{cell}" if every else "", counts=False, before=before),
    }


def _promises(question: Question) -> list[Table]:
    before = question.before()
    pooled = _by_pool_and_kind(question)
    pooled_before = _by_pool_and_kind(before)
    kinds = [str(each) for each in ClockKind]
    rows = []
    for (pool, name, kind), row in sorted(pooled.items(), key=lambda item: (item[0][1], kinds.index(item[0][2]))):
        cells = _kept_cells(row, f"{kind}:{pool}")
        was = _kept_cells(pooled_before.get((pool, name, kind)), f"{kind}:{pool}", before=True)
        title = f"{name or _('No pool')} · {ClockKind(kind).label}"
        rows.append(Row(title, cells | {"before": was["share"]}))
    in_all, in_all_before = _decided(question).aggregate(**_TICKETS), _decided(before).aggregate(**_TICKETS)
    return [
        _trend(question, _finding(in_all, in_all_before)),
        Table(
            "pools", _worst(pooled), _("By pool and promise"),
            [*_columns(), Column("before", _("Kept, before"), "percent")], rows,
            Chart("rows", [Series("kept", "kept"), Series("missed", "missed")], stacked=True),
        ),
        _causes(question),
        Table(
            "all", _finding(in_all, in_all_before), _("In all"), _columns(),
            [
                Row(_("This period"), _kept_cells(in_all, ":")),
                Row(_("The period before"), _kept_cells(in_all_before, ":", before=True)),
            ],
        ),
    ]  # fmt: skip


def _columns() -> list[Column]:
    return [
        Column("kept", _("Tickets kept")), Column("missed", _("Tickets missed")),
        Column("share", _("Kept"), "percent"),
    ]  # fmt: skip


def _by_pool_and_kind(question: Question) -> dict[tuple[str, str, str], dict[str, Any]]:
    told = _decided(question).values("kind", "ticket__pool__key", "ticket__pool__name").annotate(**_TICKETS)
    return {(row["ticket__pool__key"] or "", row["ticket__pool__name"] or "", row["kind"]): row for row in told}


def _trend(question: Question, finding: str) -> Table:
    told: dict[str, dict[str, Any]] = {}
    for row in _decided(question).annotate(cut=question.cut("at")).values("cut").annotate(**_TICKETS):
        told[question.key_of(row["cut"])] = row
    rows = [
        Row(part.label, _kept_cells(told.get(part.key), f"@{part.key}:"))
        for part in question.buckets
        if part.since <= question.now
    ]
    note = _("A promise counts when it was kept, or when its time ran out. Tickets with several count once.")
    chart = Chart("bars", [Series("kept", "kept"), Series("missed", "missed")], stacked=True)
    return Table("trend", finding, _("Over time"), _columns(), rows, chart, note)


def _finding(now: dict[str, Any], before: dict[str, Any]) -> str:
    share, was = ratio(now["all"] - now["missed"], now["all"]), ratio(before["all"] - before["missed"], before["all"])
    if share is None:
        return _("No promise was decided in this time")
    if was is None:
        return _("%(share)s %% of the tickets had their promises kept") % {"share": round(share)}
    told = {"share": round(share), "points": abs(round(share) - round(was))}
    if round(share) == round(was):
        return _("%(share)s %% of the tickets had their promises kept, as before") % told
    if round(share) < round(was):
        return _("%(share)s %% of the tickets had their promises kept, %(points)s points down") % told
    return _("%(share)s %% of the tickets had their promises kept, %(points)s points up") % told


def _worst(pooled: dict[tuple[str, str, str], dict[str, Any]]) -> str:
    missed = {key: row["missed"] for key, row in pooled.items() if row["missed"]}
    if not missed:
        return _("No pool missed a promise")
    _key, name, kind = max(missed, key=lambda key: (missed[key], key))
    return _("Most misses: %(what)s in %(pool)s") % {
        "what": ClockKind(kind).label, "pool": name or _("no pool")}  # fmt: skip


def _causes(question: Question) -> Table:
    """Pareto of what missed: the categories, most first, with the part of all that they and those above make up."""
    named = ("ticket__category__key", "ticket__category__name")
    told = list(
        _decided(question).exclude(state=ClockState.MET).values(*named).annotate(n=Count("ticket", distinct=True))
    )
    told.sort(key=lambda row: (-row["n"], row["ticket__category__name"]))
    total, sofar, rows = sum(row["n"] for row in told), 0, []
    for row in told:
        sofar += row["n"]
        cells = {
            "n": Cell(row["n"], f"category:{row['ticket__category__key']}"),
            "sum": Cell(ratio(sofar, total), "", counts=False),
        }
        rows.append(Row(row["ticket__category__name"], cells))
    few = next((at for at, row in enumerate(rows, 1) if float(row.cells["sum"].value or 0) >= 80), 0)
    finding = _("Nothing was missed") if not rows else _(
        "%(n)s of %(all)s categories make up four fifths of what was missed"
    ) % {"n": few, "all": len(rows)}  # fmt: skip
    columns = [Column("n", _("Tickets missed")), Column("sum", _("With those above"), "percent")]
    chart = Chart("pareto", [Series("n", "missed"), Series("sum", "sum", as_line=True)])
    return Table("causes", finding, _("Where promises were missed"), columns, rows, chart)


def _tickets_of_promises(question: Question, cell: str) -> ScopedQuerySet:
    what, _colon, rest = cell.partition(":")
    rows = question.rows()
    if what == "category":
        broken = _decided(question).exclude(state=ClockState.MET)
        found: ScopedQuerySet = rows.filter(category__key=rest, pk__in=broken.values("ticket"))
        return found
    where, _colon, pool = rest.partition(":")
    part = None
    if where.startswith("@"):
        part = question.bucket(where[1:])
        if part is None:
            raise NoSuchCell(cell)
    decided = _decided(question, part)
    if where in ClockKind.values:
        decided = decided.filter(kind=where)
        rows = rows.filter(pool__key=pool) if pool else rows.filter(pool=None)
    elif where and part is None:
        raise NoSuchCell(cell)
    broken = decided.exclude(state=ClockState.MET)
    if what == "all":
        return rows.filter(pk__in=decided.values("ticket"))
    if what == "missed":
        return rows.filter(pk__in=broken.values("ticket"))
    if what == "kept":
        return rows.filter(pk__in=decided.values("ticket")).exclude(pk__in=broken.values("ticket"))
    raise NoSuchCell(cell)


# R6

MINUTE = dt.timedelta(minutes=1)
BANDS: tuple[tuple[str, Any, dt.timedelta | None, dt.timedelta | None], ...] = (
    ("late", gettext_lazy("Late"), None, dt.timedelta()),
    ("d15", gettext_lazy("Within 15 minutes"), dt.timedelta(), 15 * MINUTE),
    ("d60", gettext_lazy("15 minutes to 1 hour"), 15 * MINUTE, 60 * MINUTE),
    ("d240", gettext_lazy("1 to 4 hours"), 60 * MINUTE, 240 * MINUTE),
    ("d1440", gettext_lazy("4 to 24 hours"), 240 * MINUTE, 1440 * MINUTE),
    ("later", gettext_lazy("Later"), 1440 * MINUTE, None),
)
NEXT = 20


def _falls(question: Question, low: dt.timedelta | None, high: dt.timedelta | None) -> Q:
    found = Q(due_at__isnull=False)
    if low is not None:
        found &= Q(due_at__gte=question.now + low)
    return found if high is None else found & Q(due_at__lt=question.now + high)


def _open(question: Question) -> ScopedQuerySet:
    found: ScopedQuerySet = question.rows().filter(state__in=OPEN_STATES)
    return found


def _due(question: Question) -> list[Table]:
    counts = {key: Count("pk", filter=_falls(question, low, high)) for key, _word, low, high in BANDS}
    told = _open(question).aggregate(**counts, none=Count("pk", filter=Q(due_at=None)))
    rows = [Row(str(word), {"n": Cell(told[key], f"band:{key}")}) for key, word, _low, _high in BANDS]
    rows.append(Row(_("Nothing promised"), {"n": Cell(told["none"], "band:none")}))
    finding = _("%(late)s are late, %(soon)s are due within the hour") % {
        "late": told["late"], "soon": told["d15"] + told["d60"]}  # fmt: skip
    next_ones = _open(question).filter(due_at__isnull=False).select_related("pool", "assignee")
    lines = []
    for ticket in next_ones.order_by("due_at", "id")[:NEXT]:
        left = (ticket.due_at - question.now).total_seconds()
        lines.append(
            Row(
                f"{ticket.number} {ticket.title}",
                {
                    "left": Cell(left, f"one:{ticket.public_id}", counts=False),
                    "pool": Cell(ticket.pool.name if ticket.pool else ""),
                    "owner": Cell(ticket.assignee.full_name if ticket.assignee else ""),
                },
            )
        )
    first = _("Nothing is due") if not lines else _("Next: %(ticket)s") % {"ticket": lines[0].label}
    return [
        Table(
            "due", finding, _("How soon"), [Column("n", _("Open tickets"))], rows, Chart("rows", [Series("n", "late")])
        ),
        Table(
            "next", first, _("The next %(n)s") % {"n": NEXT},
            [
                Column("left", _("Time left"), "seconds"), Column("pool", _("Pool"), "text"),
                Column("owner", _("Owner"), "text"),
            ],
            lines,
        ),
    ]  # fmt: skip


def _tickets_of_due(question: Question, cell: str) -> ScopedQuerySet:
    what, _colon, key = cell.partition(":")
    if what == "one":
        return _open(question).filter(public_id=key)
    if what == "band" and key == "none":
        return _open(question).filter(due_at=None)
    for name, _word, low, high in BANDS:
        if what == "band" and name == key:
            return _open(question).filter(_falls(question, low, high))
    raise NoSuchCell(cell)


reports.register("promises", Report(
    "promises", 5, gettext_lazy("Promised times kept"), gettext_lazy("Do we keep our word, and if not, where?"),
    gettext_lazy("Each promise by its own hours: those of its calendar, with its pauses left out"),
    _promises, _tickets_of_promises, icon="shield-check",
))  # fmt: skip
reports.register("due", Report(
    "due", 6, gettext_lazy("Due next"), gettext_lazy("What breaks within the hour?"),
    gettext_lazy("As it is now; due times by each promise's own hours"),
    _due, _tickets_of_due, has_period=False, icon="alert-triangle",
))  # fmt: skip
