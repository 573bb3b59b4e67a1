"""What reports promise: exact numbers, of which each opens exactly its tickets, as far as one may see them."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from boss.core import clock, scoping
from boss.core.actors import Actor, Grant
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput, NotFound
from boss.core.scoping import Scope
from boss.tenancy import selectors
from boss.tenancy.models import Organization, Site
from tests.cast import actor_of
from tests.ticketing import crowd
from ticketing.choices import OPEN_STATES
from ticketing.models import Category, SlaClock, Ticket, TimeEntry
from ticketing.reports import figures
from ticketing.reports.asking import Wanted, ask, today_of
from ticketing.reports.contracts import Cell
from ticketing.reports.running import Ran, list_reports, run, tickets_behind
from ticketing.services import categories, reports

OWN = ("volume", "backlog", "answers", "resolution", "promises", "due", "heat", "workload", "time")
"""Those that are asked nothing but filters; by a category's field: ``test_reports_by_field``."""


@pytest.fixture(autouse=True)
def still(monkeypatch) -> dt.datetime:
    """The clock stands: a ticket does not grow older between a number and the list it opens."""
    now = dt.datetime.now(dt.UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    return now


@pytest.fixture
def place(alpha) -> tuple[Organization, Site]:
    owner = Organization.objects.create(name="Elm Court", kind="property_owner")
    return owner, Site.objects.create(street="14 Elm St", city="Lake", organization=owner)


@pytest.fixture
def crowded(desk, cast, place, system) -> list[Ticket]:
    wifi = categories.create(actor=system, key="wifi", name="Wi-Fi")
    Category.objects.filter(pk=wifi.pk).update(parent=desk.trouble)
    wifi.refresh_from_db()
    return crowd.gather(
        150, pools=[desk.noc, desk.field], categories=[desk.trouble, wifi, desk.office], people=[cast.alice, cast.bob],
        organization=place[0], site=place[1],
    )  # fmt: skip


def wanted(actor: Actor, **given: Any) -> Wanted:
    return Wanted.of(given, today=today_of(actor))


def numbers(ran: Ran) -> Iterator[Cell]:
    for table in ran.tables:
        for row in table.rows:
            assert set(row.cells) <= {column.key for column in table.columns}
            yield from row.cells.values()


def check_every_number(actor: Actor, key: str, asked: Wanted, *, at_least: int) -> None:
    """Each number that counts is the length of the list it opens; each other one opens a list that is there."""
    ran = run(actor, key, asked)
    past = ask(actor, asked).before().wanted
    counted = 0
    for cell in numbers(ran):
        if not cell.cell:
            continue
        opened = tickets_behind(actor, key, past if cell.before else asked, cell.cell)
        if cell.counts:
            ids = list(opened.values_list("pk", flat=True))
            assert len(ids) == len(set(ids)) == cell.value, (key, cell)
            counted += len(ids)
        elif cell.value:
            assert opened.exists(), (key, cell)
    assert counted >= at_least


def test_every_number_of_every_report_opens_exactly_its_tickets(crowded, cast, place) -> None:
    alice = actor_of(cast.alice)
    for key in OWN:
        check_every_number(alice, key, wanted(alice, days="30"), at_least=20)
    narrowed = wanted(alice, days="60", category="trouble", organization=place[0].public_id)
    for key in ("volume", "promises", "time"):
        check_every_number(alice, key, narrowed, at_least=1)


# The slow truth: the same numbers counted in Python over all rows


def in_period(moment: dt.datetime | None, question: Any) -> bool:
    return moment is not None and question.since <= moment < question.until


def quantile(values: list[float], share: float) -> float:
    values = sorted(values)
    at = share * (len(values) - 1)
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (at - low)


def test_numbers_equal_those_of_a_slow_count(crowded, cast, still) -> None:
    alice = actor_of(cast.alice)
    asked = wanted(alice, days="45", pool="noc")
    question = ask(alice, asked)
    rows = [
        ticket
        for ticket in Ticket.objects.select_related("category", "pool")
        if ticket.pool and ticket.pool.key == "noc"
    ]
    ended = {ticket.pk: ticket.resolved_at or ticket.closed_at for ticket in rows}

    # R1
    over_time, in_all = run(alice, "volume", asked).tables
    assert [row.cells["now"].value for row in in_all.rows] == [
        sum(in_period(ticket.opened_at, question) for ticket in rows),
        sum(in_period(ended[ticket.pk], question) for ticket in rows),
        sum(ticket.state in OPEN_STATES for ticket in rows),
    ]
    for row, part in zip(over_time.rows, question.buckets, strict=True):
        standing = [
            one for one in rows if one.opened_at < part.until and not (ended[one.pk] and ended[one.pk] < part.until)
        ]
        assert row.cells["backlog"].value == len(standing)
    # R3
    waits = [
        (ticket.first_response_at - ticket.opened_at).total_seconds()
        for ticket in rows if in_period(ticket.first_response_at, question)
    ]  # fmt: skip
    first = run(alice, "answers", asked).table("all").rows[0].cells
    assert first["first_n"].value == len(waits)
    assert first["first_p50"].value == pytest.approx(quantile(waits, 0.5))
    assert first["first_p90"].value == pytest.approx(quantile(waits, 0.9))
    # R4
    for row in run(alice, "resolution", asked).tables[0].rows:
        took = [
            (ticket.resolved_at - ticket.opened_at).total_seconds()
            for ticket in rows if ticket.category.name == row.label and in_period(ticket.resolved_at, question)
        ]  # fmt: skip
        assert (row.cells["n"].value, row.cells["p75"].value) == (len(took), pytest.approx(quantile(took, 0.75)))
    # R5
    ids = {ticket.pk for ticket in rows}
    kept, missed = set(), set()
    for promise in SlaClock.objects.filter(ticket_id__in=ids):
        if promise.state == "met" and in_period(promise.stopped_at, question):
            kept.add(promise.ticket_id)
        is_late = promise.state in ("missed", "running", "paused") and promise.due_at < still
        if is_late and in_period(promise.due_at, question):
            missed.add(promise.ticket_id)
    told = run(alice, "promises", asked).table("all").rows[0].cells
    assert (told["kept"].value, told["missed"].value) == (len(kept - missed), len(missed))
    # R9
    spent = sum(
        entry.seconds for entry in TimeEntry.objects.filter(ticket_id__in=ids) if in_period(entry.started_at, question)
    )
    assert run(alice, "time", asked).table("activity").rows[-1].cells["spent"].value == spent


def test_days_are_those_of_the_providers_clock_also_when_it_changes(alpha, cast, monkeypatch, desk) -> None:
    alpha.time_zone = "America/New_York"
    alpha.save()
    selectors.forget_cached()
    monkeypatch.setattr(clock, "now", lambda: dt.datetime(2026, 11, 3, 4, 30, tzinfo=dt.UTC))  # Nov 2, 23:30 there
    question = ask(actor_of(cast.alice), Wanted(days=3))
    assert [part.key for part in question.buckets] == ["2026-10-31", "2026-11-01", "2026-11-02"]
    hours = [
        (part.until.astimezone(dt.UTC) - part.since.astimezone(dt.UTC)) / dt.timedelta(hours=1)
        for part in question.buckets
    ]
    assert hours == [24, 25, 24], "on the first of November the clock goes back"
    assert question.before().last == dt.date(2026, 10, 30)


def test_weeks_and_months_cut_by_the_period_add_up_to_it(crowded, cast) -> None:
    alice = actor_of(cast.alice)
    for days in ("30", "100", "300"):
        over_time, in_all = run(alice, "volume", wanted(alice, days=days)).tables
        assert sum(row.cells["in"].value for row in over_time.rows) == in_all.rows[0].cells["now"].value
        assert over_time.rows[-1].cells["backlog"].value == in_all.rows[2].cells["now"].value


# Who sees what


def test_people_count_only_the_tickets_they_may_see(crowded, cast, place) -> None:
    """Somebody whose rights end at one organization has its tickets in his numbers and behind them."""
    held = frozenset({"ticketing.view_savedreport", "ticketing.view_ticket", "ticketing.view_internal_message"})
    narrow = Actor(
        cast.alpha.pk, "user", "Nick", user_id=cast.bob.pk, grants=(Grant(held, "organization", place[0].pk),)
    )
    theirs = [ticket for ticket in crowded if ticket.organization_id]
    backlog = run(narrow, "backlog", wanted(narrow))
    counted = sum(row.cells["all"].value for row in backlog.tables[0].rows)
    assert counted == sum(ticket.state in OPEN_STATES for ticket in theirs)
    check_every_number(narrow, "volume", wanted(narrow, days="60"), at_least=5)
    check_every_number(narrow, "promises", wanted(narrow, days="60"), at_least=1)
    assert "time" not in [report.key for report in list_reports(narrow)]
    with pytest.raises(NotFound):
        run(narrow, "time", wanted(narrow))
    # Another organization is not even there for him.
    other = Organization.objects.create(name="Oak Court", kind="property_owner")
    with pytest.raises(InvalidInput):
        run(narrow, "volume", wanted(narrow, organization=other.public_id))


def test_charlie_sees_nothing_of_alpha_and_customers_no_reports(crowded, cast, dana) -> None:
    with pytest.raises(PermissionDenied):
        run(actor_of(dana), "volume", Wanted())
    with pytest.raises(PermissionDenied):
        tickets_behind(actor_of(dana), "volume", Wanted(), "in:")
    # An organization's contact whose role was given the right by mistake: reports name who works on what.
    held = frozenset({"ticketing.view_savedreport", "ticketing.view_ticket"})
    contact = Actor(cast.alpha.pk, "user", "Cora", user_id=dana.pk, grants=(Grant(held, "organization", 1),))
    with pytest.raises(PermissionDenied):
        run(contact, "workload", Wanted())
    with scoping.enter(Scope(cast.beta.pk)):
        charlie = actor_of(cast.charlie)
        assert not any(cell.value for cell in numbers(run(charlie, "volume", Wanted(days=60))))


# What is asked


def test_filters_that_cannot_be_are_refused_each_beside_its_field(alpha, desk, cast) -> None:
    today = dt.date(2026, 11, 30)
    for given, field in [
        ({"days": "0"}, "days"), ({"days": "x"}, "days"), ({"days": "99999999999"}, "days"),
        ({"since": "30.11.2026"}, "since"), ({"until": "2026-11-01"}, "since"),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "until"), ({"since": "2020-01-01"}, "since"),
        ({"channel": "pigeon"}, "channel"), ({"priority": "9"}, "priority"),
    ]:  # fmt: skip
        with pytest.raises(InvalidInput) as refused:
            Wanted.of(given, today=today)
        assert list(refused.value.fields) == [field]
    for field in ("category", "pool", "organization", "site"):
        with pytest.raises(InvalidInput) as refused:
            ask(actor_of(cast.alice), Wanted.of({field: "nowhere"}, today=today))
        assert list(refused.value.fields) == [field]


def test_what_was_asked_is_the_same_after_it_was_kept(alpha) -> None:
    today = dt.date(2026, 11, 30)
    given = {"since": "2026-11-01", "until": "2026-11-20", "pool": "noc", "priority": "2", "channel": "mail"}
    assert Wanted.of(given, today=today).named() == given
    assert Wanted.of({}, today=today).named() == {"days": "30"}


def test_the_ways_tickets_come_by_are_told_apart_and_make_up_the_whole(crowded, cast) -> None:
    alice = actor_of(cast.alice)
    counts = []
    for channel in ("", "web", "mail", "desk"):
        told = run(alice, "volume", wanted(alice, days="90", channel=channel)).table("all")
        counts.append(told.rows[0].cells["now"].value)
    assert counts[0] == sum(counts[1:]) == 150
    assert all(counts)


def test_addresses_that_no_number_has_are_not_there(crowded, cast) -> None:
    alice = actor_of(cast.alice)
    for key in OWN:
        for cell in (
            "",
            "x",
            "in:2001-01-01",
            "wait:w9",
            "a:b:c:d",
            "in:8:",
            "kept:nothing:",
            "@:",
            "band:x",
            "x" * 500,
        ):
            try:
                found = list(tickets_behind(alice, key, Wanted(), cell)[:1])
            except NotFound:
                continue
            assert not found, (key, cell)


def test_a_report_takes_the_same_few_statements_however_many_tickets_there_are(crowded, cast) -> None:
    alice = actor_of(cast.alice)
    for key, most in STATEMENTS.items():
        with CaptureQueriesContext(connection) as seen:
            run(alice, key, wanted(alice, days="30"))
        assert len(seen) <= most, (key, len(seen))


STATEMENTS = {
    "volume": 5, "backlog": 2, "answers": 6, "resolution": 2, "promises": 6, "due": 2, "heat": 4, "workload": 3,
    "time": 16,
}  # fmt: skip


def test_files_hold_the_tables_numbers_and_no_formulas(crowded, cast, desk) -> None:
    Category.objects.filter(pk=desk.office.pk).update(name="=HYPERLINK(evil)")
    alice = actor_of(cast.alice)
    asked = wanted(alice, days="60")
    text = reports.export(actor=alice, report="resolution", wanted=asked, table="resolution")
    heads, *lines = list(csv.reader(io.StringIO(text)))
    table = run(alice, "resolution", asked).tables[0]
    assert len(heads) == len(table.columns) + 1
    assert [[figures.bare(row.cells[c.key].value, c.unit) if c.key in row.cells else "" for c in table.columns]
            for row in table.rows] == [[float(n) if n else "" for n in line[1:]] for line in lines]  # fmt: skip
    assert "'=HYPERLINK(evil)" in [line[0] for line in lines]
    entry = AuditEntry.objects.filter(action="report.exported").get()
    assert entry.after["report"] == "resolution" and entry.after["rows"] == len(lines)
    with pytest.raises(NotFound):
        reports.export(actor=alice, report="resolution", wanted=asked, table="nothing")
    assert AuditEntry.objects.filter(action="report.exported").count() == 1
