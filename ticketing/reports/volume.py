"""R1, what comes in and goes out, and R2, how old what waits is."""

from __future__ import annotations

import datetime as dt

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.scoping import ScopedQuerySet
from ticketing.reports.asking import Bucket, Question, ended_within, open_at
from ticketing.reports.contracts import Cell, Chart, Column, NoSuchCell, Report, Row, Series, Table, reports

DAY = dt.timedelta(days=1)
AGES = (
    ("a0", gettext_lazy("up to 1 day"), dt.timedelta(), DAY),
    ("a1", gettext_lazy("1 to 3 days"), DAY, 3 * DAY),
    ("a2", gettext_lazy("3 to 7 days"), 3 * DAY, 7 * DAY),
    ("a3", gettext_lazy("7 to 30 days"), 7 * DAY, 30 * DAY),
    ("a4", gettext_lazy("over 30 days"), 30 * DAY, None),
)


# R1


def opened_within(question: Question, part: Bucket | None = None) -> ScopedQuerySet:
    found: ScopedQuerySet = question.rows().filter(question.within("opened_at", part))
    return found


def _by_bucket(question: Question, rows: ScopedQuerySet, field: str) -> dict[str, int]:
    counted = rows.annotate(cut=question.cut(field)).values("cut").annotate(n=Count("pk"))
    found: dict[str, int] = {}
    for row in counted:
        key = question.key_of(row["cut"])
        found[key] = found.get(key, 0) + row["n"]
    return found


def _volume(question: Question) -> list[Table]:
    before = question.before()
    came, went = _flows(question)
    came_before, went_before = _flows(before)
    backlog = open_at(question.rows(), question.until, question.now).count()
    in_all = {"in": sum(came.values()), "out": sum(went.values())}
    before_in_all = {"in": sum(came_before.values()), "out": sum(went_before.values())}
    began = backlog - in_all["in"] + in_all["out"]

    rows, standing = [], began
    # The period before has as many days, but its weeks and months may be cut otherwise: they are shown in order.
    earlier = [*before.buckets, *[None] * len(question.buckets)]
    for part, past in zip(question.buckets, earlier, strict=False):
        if part.since > question.now:
            break
        standing += came.get(part.key, 0) - went.get(part.key, 0)
        cells = {
            "in": Cell(came.get(part.key, 0), f"in:{part.key}"),
            "out": Cell(went.get(part.key, 0), f"out:{part.key}"),
            "backlog": Cell(standing, f"open:{part.key}"),
        }
        if past is not None:
            cells["in_before"] = Cell(came_before.get(past.key, 0), f"in:{past.key}", before=True)
            cells["out_before"] = Cell(went_before.get(past.key, 0), f"out:{past.key}", before=True)
        rows.append(Row(part.label, cells))
    finding = _finding_of_volume(in_all["in"], in_all["out"], began, backlog)
    return [
        Table(
            "volume", finding, _("Over time"),
            [
                Column("in", _("Came in")), Column("out", _("Ended")), Column("backlog", _("Open at its end")),
                Column("in_before", _("Came in, before")), Column("out_before", _("Ended, before")),
            ],
            rows,
            Chart("lines", [Series("in", "in"), Series("out", "out"), Series("backlog", "backlog")]),
            _("Opened again is as if it had never ended. What is open has its scale on the right."),
        ),
        Table(
            "all", compared(in_all["in"], before_in_all["in"]), _("In all"),
            [Column("now", _("This period")), Column("before", _("The period before"))],
            [
                Row(_("Came in"), _pair(in_all["in"], before_in_all["in"], "in")),
                Row(_("Ended"), _pair(in_all["out"], before_in_all["out"], "out")),
                Row(_("Open at the end"), _pair(backlog, began, "open")),
            ],
        ),
    ]  # fmt: skip


def _flows(question: Question) -> tuple[dict[str, int], dict[str, int]]:
    came = _by_bucket(question, opened_within(question), "opened_at")
    return came, _by_bucket(question, ended_within(question), "ended")


def _pair(now: int, before: int, cell: str) -> dict[str, Cell]:
    return {"now": Cell(now, f"{cell}:"), "before": Cell(before, f"{cell}:", before=True)}


def _finding_of_volume(came: int, went: int, began: int, backlog: int) -> str:
    told = {"in": came, "out": went, "open": backlog, "by": abs(backlog - began)}
    if backlog < began:
        return _("%(in)s came in, %(out)s ended: %(by)s fewer wait, %(open)s in all") % told
    if backlog > began:
        return _("%(in)s came in, %(out)s ended: %(by)s more wait, %(open)s in all") % told
    return _("%(in)s came in, %(out)s ended: %(open)s wait as before") % told


def compared(now: int, before: int) -> str:
    """What came in, beside the period before, as a sentence."""
    told = {"now": now, "before": before}
    if now > before:
        return _("More came in than before: %(now)s after %(before)s") % told
    if now < before:
        return _("Fewer came in than before: %(now)s after %(before)s") % told
    return _("As many came in as before: %(now)s") % told


def _tickets_of_volume(question: Question, cell: str) -> ScopedQuerySet:
    what, _colon, key = cell.partition(":")
    part = question.bucket(key) if key else None
    if key and part is None:
        raise NoSuchCell(cell)
    if what == "in":
        return opened_within(question, part)
    if what == "out":
        return ended_within(question, part)
    if what == "open":
        return open_at(question.rows(), (part or question).until, question.now)
    raise NoSuchCell(cell)


# R2


def _of_age(question: Question, at: dt.datetime, younger: dt.timedelta, older: dt.timedelta | None) -> Q:
    # The youngest have no bound below: clocks of two machines differ by moments.
    found = Q(opened_at__lte=at - younger) if younger else Q()
    return found if older is None else found & Q(opened_at__gt=at - older)


def _backlog(question: Question) -> list[Table]:
    ages = {key: Count("pk", filter=_of_age(question, question.now, low, high)) for key, _word, low, high in AGES}
    at = question.now
    counted = list(
        open_at(question.rows(), at, at).values("category_id", "category__key", "category__name").annotate(**ages)
    )
    then = _standing(question)
    was = dict(open_at(question.rows(), then, at).values("category_id").annotate(n=Count("pk")).values_list(
        "category_id", "n"))  # fmt: skip
    counted.sort(key=lambda row: (-sum(row[key] for key in ages), row["category__name"]))
    rows = []
    for row in counted:
        key = row["category__key"]
        cells = {age: Cell(row[age], f"{key}:{age}") for age in ages}
        cells["all"] = Cell(sum(row[age] for age in ages), f"{key}:")
        cells["before"] = Cell(was.get(row["category_id"], 0), f"{key}:then")
        rows.append(Row(row["category__name"], cells))
    total = sum(row[age] for row in counted for age in ages)
    old = sum(row["a3"] + row["a4"] for row in counted)
    finding = _("Nothing waits") if not total else _("%(old)s of %(all)s open tickets are older than 7 days") % {
        "old": old, "all": total}  # fmt: skip
    labels = [Column(key, str(word)) for key, word, _low, _high in AGES]
    return [
        Table(
            "backlog", finding, _("By category and age"),
            [Column("all", _("Open now")), *labels, Column("before", _("Open %(n)s days ago") % {"n": question.span})],
            rows, Chart("rows", [Series(key, f"age{at}") for at, key in enumerate(ages)], stacked=True),
        )
    ]  # fmt: skip


def _standing(question: Question) -> dt.datetime:
    """The moment that the present is compared with: so many days ago as the period is long."""
    return question.now - dt.timedelta(days=question.span)


def _tickets_of_backlog(question: Question, cell: str) -> ScopedQuerySet:
    key, _colon, age = cell.partition(":")
    rows = question.rows().filter(category__key=key)
    if age == "then":
        return open_at(rows, _standing(question), question.now)
    rows = open_at(rows, question.now, question.now)
    if not age:
        return rows
    for name, _word, low, high in AGES:
        if name == age:
            return rows.filter(_of_age(question, question.now, low, high))
    raise NoSuchCell(cell)


reports.register("volume", Report(
    "volume", 1, gettext_lazy("Volume and backlog"), gettext_lazy("Are we keeping up?"),
    gettext_lazy("Days of the clock"), _volume, _tickets_of_volume, icon="activity",
))  # fmt: skip
reports.register("backlog", Report(
    "backlog", 2, gettext_lazy("Age of the backlog"), gettext_lazy("What is lying around?"),
    gettext_lazy("Age by the clock, as it is now"), _backlog, _tickets_of_backlog, icon="hourglass",
))  # fmt: skip
