"""R9, where working time goes."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, Sum, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.scoping import ScopedQuerySet
from boss.tenancy import selectors as tenancy
from ticketing import costs
from ticketing.choices import Activity
from ticketing.models import TimeEntry
from ticketing.reports.asking import Bucket, Question
from ticketing.reports.contracts import Cell, Chart, Column, NoSuchCell, Report, Row, Series, Table, reports
from ticketing.reports.measuring import length

MOST = 20
"""Lines of one table: those with the most time."""

GROUPS: dict[str, tuple[str, str, Any]] = {
    "person": ("user__public_id", "user__full_name", gettext_lazy("By person")),
    "pool": ("pool__key", "pool__name", gettext_lazy("By pool")),
    "category": ("ticket__category__key", "ticket__category__name", gettext_lazy("By category")),
    "customer": ("ticket__requester__public_id", "ticket__requester__full_name", gettext_lazy("By customer")),
    "site": ("ticket__site__public_id", "ticket__site__street", gettext_lazy("By site")),
}


def _entries(question: Question, part: Bucket | None = None) -> ScopedQuerySet:
    """Time that began within the period, with its corrections."""
    found: ScopedQuerySet = (
        question.among(TimeEntry.objects.visible_to(question.actor)).filter(question.within("started_at", part))
    )  # fmt: skip
    return found


_SUMS: dict[str, Any] = {
    "spent": Coalesce(Sum("seconds"), Value(0)),
    "billed": Coalesce(Sum("seconds", filter=Q(is_billable=True)), Value(0)),
    "n": Count("ticket", distinct=True),
}


def _sums(question: Question) -> dict[str, Any]:
    """What is added up; what it cost only for those who may see that."""
    return _SUMS | costs.SUMS if costs.may_see(question.actor) else _SUMS


def _cells(row: dict[str, Any] | None, cell: str, *, before: bool = False) -> dict[str, Cell]:
    row = row or {"spent": 0, "billed": 0, "n": 0}
    found = {
        "spent": Cell(row["spent"], cell, counts=False, before=before),
        "billed": Cell(row["billed"], cell, counts=False, before=before),
        "n": Cell(row["n"], cell, before=before),
    }
    if "cost" in row:  # they were asked for: see _sums
        cost = costs.money_of(row["cost"])
        found["cost"] = Cell(None if cost is None else str(cost), cell, counts=False, before=before)
        found["uncosted"] = Cell(row["uncosted"], cell, counts=False, before=before)
    return found


def _columns(question: Question) -> list[Column]:
    found = [
        Column("spent", _("Time"), "seconds"), Column("billed", _("Can be billed"), "seconds"),
        Column("n", _("Tickets")), Column("before", _("Time, before"), "seconds"),
    ]  # fmt: skip
    if costs.may_see(question.actor):
        currency = tenancy.get_realm(question.actor.realm_id).currency
        found += [
            Column("cost", _("Cost (%(currency)s)") % {"currency": currency}, "money"),
            Column("uncosted", _("Time without a rate"), "seconds"),
        ]
    return found


def _time(question: Question) -> list[Table]:
    before = question.before()
    found = [_over_time(question), _by_activity(question, before)]
    found += [_grouped(question, before, group) for group in GROUPS]
    return found


def _over_time(question: Question) -> Table:
    told: dict[str, dict[str, Any]] = {}
    sums = {key: Coalesce(Sum("seconds", filter=Q(activity=key)), Value(0)) for key in Activity.values}
    for row in (
        _entries(question).annotate(cut=question.cut("started_at")).values("cut").annotate(**_SUMS, **sums)
    ):  # fmt: skip
        told[question.key_of(row["cut"])] = row
    rows = []
    for part in question.buckets:
        if part.since > question.now:
            break
        row = told.get(part.key, {})
        cell = f"@{part.key}:"
        cells = {key: Cell(row.get(key, 0), f"{cell}{key}", counts=False) for key in Activity.values}
        rows.append(Row(part.label, cells | {"n": Cell(row.get("n", 0), cell)}))
    spent = sum(row["spent"] for row in told.values())
    by = {key: sum(row[key] for row in told.values()) for key in Activity.values}
    most = max(by, key=lambda key: by[key])
    finding = _("No time was written down") if not spent else _("%(time)s written down, most of it: %(activity)s") % {
        "time": length(spent), "activity": Activity(most).label}  # fmt: skip
    columns = [
        *(Column(key, str(Activity(key).label), "seconds") for key in Activity.values),
        Column("n", _("Tickets")),
    ]
    chart = Chart("bars", [Series(key, f"s{at}") for at, key in enumerate(Activity.values)], stacked=True)
    return Table("activity_over_time", finding, _("Over time, by activity"), columns, rows, chart)


def _by_activity(question: Question, before: Question) -> Table:
    told = {row["activity"]: row for row in _entries(question).values("activity").annotate(**_sums(question))}
    was = {row["activity"]: row for row in _entries(before).values("activity").annotate(**_SUMS)}
    rows = []
    for key in sorted({*told, *was}, key=lambda key: (-(told[key]["spent"] if key in told else 0), key)):
        cells = _cells(told.get(key), f"activity:{key}")
        cells["before"] = _cells(was.get(key), f"activity:{key}", before=True)["spent"]
        rows.append(Row(str(Activity(key).label), cells))
    rows.append(_in_all(question, before))
    now, then = rows[-1].cells["spent"].value, rows[-1].cells["before"].value
    finding = _("%(now)s after %(before)s in the period before") % {
        "now": length(_number(now)), "before": length(_number(then))}  # fmt: skip
    return Table("activity", finding, _("By activity"), _columns(question), rows)


def _in_all(question: Question, before: Question) -> Row:
    cells = _cells(_entries(question).aggregate(**_sums(question)), "all:")
    return Row(
        _("In all"), cells | {"before": _cells(_entries(before).aggregate(**_SUMS), "all:", before=True)["spent"]}
    )


def _number(value: float | str | None) -> float:
    return float(value or 0)


def _grouped(question: Question, before: Question, group: str) -> Table:
    key, name, heading = GROUPS[group]
    told = list(_entries(question).values(key, name).annotate(**_sums(question)).order_by("-spent", name)[:MOST])
    keys = [row[key] for row in told if row[key] is not None]
    # Nobody, by the reference itself: asked of the joined table, Postgres takes it for rare and walks every ticket.
    none = Q(**{f"{key.rpartition('__')[0]}__isnull": True})
    past = _entries(before).filter(Q(**{f"{key}__in": keys}) | none)
    was = {row[key]: row for row in past.values(key).annotate(**_SUMS)}
    rows = []
    for row in told:
        cells = _cells(row, f"{group}:{row[key] or ''}")
        cells["before"] = _cells(was.get(row[key]), f"{group}:{row[key] or ''}", before=True)["spent"]
        rows.append(Row(row[name] or _("None"), cells))
    finding = _("No time was written down") if not rows else _("Most on: %(what)s, %(time)s") % {
        "what": rows[0].label, "time": length(told[0]["spent"])}  # fmt: skip
    return Table(group, finding, str(heading), _columns(question), rows, Chart("rows", [Series("spent", "s0")]))


def _tickets_of_time(question: Question, cell: str) -> ScopedQuerySet:
    what, colon, key = cell.partition(":")
    part = None
    if what.startswith("@"):
        part = question.bucket(what[1:])
        what = "activity" if key else "all"
        if part is None:
            raise NoSuchCell(cell)
    entries = _entries(question, part)
    if not colon:
        raise NoSuchCell(cell)
    if what == "activity":
        entries = entries.filter(activity=key)
    elif what in GROUPS:
        path = GROUPS[what][0]
        entries = entries.filter(**{path: key}) if key else entries.filter(**{f"{path}__isnull": True})
    elif what != "all":
        raise NoSuchCell(cell)
    found: ScopedQuerySet = question.rows().filter(pk__in=entries.values("ticket"))
    return found


reports.register("time", Report(
    "time", 9, gettext_lazy("Working time"), gettext_lazy("Where does working time go?"),
    gettext_lazy("Time that people wrote down, corrections counted in"),
    _time, _tickets_of_time, permission="ticketing.correct_timeentry", icon="briefcase",
))  # fmt: skip
