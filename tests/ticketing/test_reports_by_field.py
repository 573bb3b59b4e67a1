"""Reports by what a category's own fields hold: narrowed by them, counted by them, for whoever may read them."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from boss.core import clock
from boss.core.models import AuditEntry
from boss.core.problems import InvalidInput, NotFound
from boss.notify.models import Delivery
from tests.cast import actor_of
from tests.ticketing.test_api import Person
from tests.ticketing.test_reports import check_every_number, wanted
from ticketing import saved_reports
from ticketing.models import SavedReport, Ticket
from ticketing.reports.asking import Wanted
from ticketing.reports.running import Ran, run, tickets_behind
from ticketing.services import categories, reports, tickets, time

HERE = "/console/tickets/reports/by_field/"
FIELDS = [
    {"key": "room", "label": "Room", "type": "choice", "choices": ["Hall", "Attic", "Cellar"], "reportable": True},
    {"key": "rooms", "type": "multi_choice", "choices": ["hall", "attic"], "reportable": True},
    {"key": "speed", "type": "decimal", "unit": "Mbit/s", "reportable": True},
    {"key": "urgent", "type": "boolean", "reportable": True},
    {"key": "since", "type": "date", "reportable": True},
    {"key": "seen_at", "type": "datetime", "reportable": True},
    {"key": "note", "type": "text", "reportable": True},
    {"key": "place", "type": "site", "reportable": True},
    {"key": "secretive", "type": "text", "reportable": True, "pools": ["noc"]},
    {"key": "listed", "type": "text", "filterable": True},
]
DATA: list[dict[str, Any]] = [
    {"room": "Hall", "rooms": ["hall", "attic"], "speed": 4.5, "urgent": True, "since": "2026-11-02"},
    {"room": "Hall", "rooms": ["hall"], "speed": 80, "urgent": False, "seen_at": "2026-11-02T10:00:00+00:00"},
    {"room": "Hall", "note": "x" * 250},
    {"room": "Attic", "speed": 4.5, "note": "=SUM(A1)", "secretive": "s"},
    {},
]
COUNTABLE = ("room", "rooms", "speed", "urgent", "since", "seen_at", "note")


@pytest.fixture
def wifi(desk, system) -> list[Ticket]:
    """Five tickets of the category: opened an hour to five hours ago, the first two solved after ten and thirty
    minutes; and a sixth, of 40 days ago."""
    categories.create(actor=system, key="wifi", name="Wi-Fi", fields=FIELDS)
    found = [tickets.open(actor=system, category_key="wifi", title=f"No. {n}", data=one) for n, one in enumerate(DATA)]
    found.append(tickets.open(actor=system, category_key="wifi", title="Old", data={"room": "Attic"}))
    opened = [clock.now() - dt.timedelta(hours=n + 1) for n in range(5)] + [clock.now() - dt.timedelta(days=40)]
    for ticket, at, took in zip(found, opened, (10, 30, 0, 0, 0, 0), strict=True):
        ended = (
            {"state": "resolved", "status": "resolved", "resolved_at": at + dt.timedelta(minutes=took)} if took else {}
        )
        Ticket.objects.filter(pk=ticket.pk).update(opened_at=at, **ended)
    return found


def lines(ran: Ran) -> dict[str, list[Any]]:
    return {row.label: [row.cells[column.key].value for column in ran.tables[0].columns] for row in ran.tables[0].rows}


def test_tickets_are_counted_by_the_answers_with_exact_numbers(wifi, alice) -> None:
    ran = run(alice, "by_field", wanted(alice, category="wifi", group="room"))
    # Came in, ended, half solved within, open, came in before.
    assert lines(ran) == {
        "Hall": [3, 2, 1200.0, 1, 0], "Attic": [1, 0, None, 2, 1], "No answer": [1, 0, None, 1, 0],
    }  # fmt: skip
    assert ran.finding == "Most that came in: Hall, 3 of 5"
    assert {key: cell.value for key, cell in ran.table("all").rows[0].cells.items()} == {
        "in": 5, "out": 2, "open": 4, "before": 1,
    }  # fmt: skip


def test_every_kind_of_value_is_in_words_and_every_number_opens_its_tickets(wifi, alice) -> None:
    said = set()
    for key in COUNTABLE:
        asked = wanted(alice, days="35", category="wifi", group=key)
        check_every_number(alice, "by_field", asked, at_least=5)
        said |= set(lines(run(alice, "by_field", asked)))
    assert {"Hall", "hall", "attic", "4.5 Mbit/s", "80 Mbit/s", "Yes", "No", "Nov. 2, 2026", "=sum(a1)"} <= said
    assert "x" * 200 in said, "texts are compared and shown as far as their copy goes"


def test_a_ticket_with_several_answers_counts_for_each_and_once_in_all(wifi, alice) -> None:
    ran = run(alice, "by_field", wanted(alice, category="wifi", group="rooms"))
    assert (lines(ran)["hall"][0], lines(ran)["attic"][0], ran.table("all").rows[0].cells["in"].value) == (2, 1, 5)
    assert "counts for each" in ran.tables[0].note


def test_of_many_values_the_commonest_have_a_line_and_the_rest_counts_in_all(wifi, alice, bob) -> None:
    for n in range(22):
        tickets.open(actor=bob, category_key="wifi", title="More", data={"speed": n + 100})
    ran = run(alice, "by_field", wanted(alice, category="wifi", group="speed"))
    told = lines(ran)
    assert len(told) == 21 and told["4.5 Mbit/s"][0] == 2 and "20 of 24 values" in ran.tables[0].note
    assert ran.table("all").rows[0].cells["in"].value == 27


def test_any_report_is_narrowed_by_what_fields_hold(wifi, alice, bob, nora) -> None:
    time.add(actor=bob, ticket=wifi[0], seconds=600)
    time.add(actor=bob, ticket=wifi[3], seconds=60)

    def came(**given: str) -> int:
        asked = wanted(alice, category="wifi", **given)
        check_every_number(alice, "volume", asked, at_least=0)
        return int(run(alice, "volume", asked).table("all").rows[0].cells["now"].value or 0)

    assert [came(**{"field.room": room}) for room in ("Hall", "Attic", "Cellar")] == [3, 1, 0]
    assert came(**{"field.rooms": "attic"}) == came(**{"field.urgent": "true"}) == came(**{"field.speed": "80"}) == 1
    assert came(**{"field.room": "Hall", "field.speed": "4.50"}) == 1
    in_all = run(alice, "time", wanted(alice, category="wifi", **{"field.room": "Hall"})).table("activity").rows[-1]
    assert in_all.cells["spent"].value == 600
    asked = wanted(alice, category="wifi", group="room", **{"field.speed": "4.5"})
    assert {label: row[0] for label, row in lines(run(alice, "by_field", asked)).items()} == {"Hall": 1, "Attic": 1}


def test_a_category_below_is_left_out_when_fields_are_named(wifi, desk, alice, system) -> None:
    below = categories.create(actor=system, key="mesh", name="Mesh", parent=Ticket.objects.get(pk=wifi[0].pk).category)
    tickets.open(actor=system, category_key=below.key, title="Below")
    for given, came in (({}, 6), ({"field.room": "Hall"}, 3)):
        told = run(alice, "volume", wanted(alice, category="wifi", **given)).table("all")
        assert told.rows[0].cells["now"].value == came


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"category": "wifi", "group": "listed"}, "group"), ({"category": "wifi", "group": "nothing"}, "group"),
        ({"category": "wifi", "group": "place"}, "group"), ({"category": "wifi", "group": "secretive"}, "group"),
        ({"group": "room"}, "group"), ({"field.room": "Hall"}, "field.room"),
        ({"category": "wifi", "field.listed": "x"}, "field.listed"),
        ({"category": "wifi", "field.secretive": "s"}, "field.secretive"),
        ({"category": "wifi", "field.room": "Garage"}, "field.room"),
        ({"category": "wifi", "field.speed": "fast"}, "field.speed"),
        ({"category": "nowhere", "group": "x"}, "category"),
    ],
)  # fmt: skip
def test_what_reports_may_not_use_or_one_may_not_read_is_refused_at_its_name(wifi, alice, given, field) -> None:
    with pytest.raises(InvalidInput) as refused:
        run(alice, "by_field", wanted(alice, **given))
    assert field in refused.value.fields and set(refused.value.fields) <= {field, "group"}
    with pytest.raises(InvalidInput):
        reports.save(actor=alice, name="Kept", report="by_field", filters=given)
    assert not SavedReport.objects.exists()


def test_only_members_of_its_pools_count_by_a_field_kept_to_them(wifi, nora) -> None:
    noras = actor_of(nora)
    told = lines(run(noras, "by_field", wanted(noras, category="wifi", group="secretive")))
    assert told["s"][0] == 1


def test_other_reports_do_not_count_by_a_field(wifi, alice) -> None:
    with pytest.raises(InvalidInput) as refused:
        run(alice, "volume", wanted(alice, category="wifi", group="room"))
    assert list(refused.value.fields) == ["group"]


def test_without_a_field_it_says_what_is_missing_and_has_no_numbers(wifi, alice) -> None:
    ran = run(alice, "by_field", wanted(alice))
    assert (ran.finding, ran.tables[0].rows) == ("Choose a category and one of its fields", [])
    with pytest.raises(NotFound):
        tickets_behind(alice, "by_field", wanted(alice), "in:")
    asked = wanted(alice, category="wifi", group="speed")
    for cell in ("", "in", "x:", "in:n", "in:nNaN", "in:n1e99", "in:bmaybe", "in:d2026-11-02", "in:z1", "in:t"):
        with pytest.raises(NotFound):
            tickets_behind(alice, "by_field", asked, cell)


def test_it_takes_the_same_few_statements_however_many_values_there_are(wifi, alice, bob) -> None:
    for n in range(15):
        tickets.open(actor=bob, category_key="wifi", title="More", data={"speed": n + 100, "rooms": ["attic"]})
    # The category, its fields, whose pools, and four counts; each ticket once is counted apart for several answers.
    for key, given, statements in (
        ("by_field", {"group": "speed"}, 7), ("by_field", {"group": "rooms"}, 11),
        ("volume", {"field.speed": "80", "field.room": "Hall"}, 8),
    ):  # fmt: skip
        with CaptureQueriesContext(connection) as seen:
            run(alice, key, wanted(alice, category="wifi", **given))
        assert len(seen) == statements, (key, given)


def test_a_kept_report_keeps_its_fields_and_is_mailed_to_whoever_may_read_them(
    wifi, cast, nora, system, monkeypatch
) -> None:
    filters = {"days": "7", "category": "wifi", "group": "secretive", "field.room": "Attic"}
    kept = reports.save(
        actor=actor_of(nora), name="Attics", report="by_field", filters=filters, cadence="daily", at=dt.time(12),
        recipients=[cast.alice, nora],
    )  # fmt: skip
    kept.refresh_from_db()
    assert kept.filters == filters
    today = clock.now().date()
    assert saved_reports.whole_days(saved_reports.wanted_of(kept, today), today).fields == (("room", "Attic"),)
    monkeypatch.setattr(clock, "now", lambda: kept.next_at + dt.timedelta(seconds=1))
    assert reports.send(actor=system, saved_id=kept.pk) == 1
    assert list(Delivery.objects.values_list("address", flat=True)) == ["nora@alpha.example"], "Alice is in no pool"


def test_a_file_and_the_api_say_the_same(wifi, alice, cast, browser_of) -> None:
    text = reports.export(
        actor=alice, report="by_field", wanted=Wanted(category="wifi", group="note"), table="values"
    )  # fmt: skip
    heads, *told = list(csv.reader(io.StringIO(text)))
    assert heads[:3] == ["By “Note”", "Came in", "Ended"] and ["'=sum(a1)", "1"] in [line[:2] for line in told]
    entry = AuditEntry.objects.get(action="report.exported")
    assert entry.after["filters"] == {"days": "30", "category": "wifi", "group": "note"}

    api = Person(browser_of(cast.alice))
    asked = "category=wifi&group=room&field.speed=4.5"
    assert next(each for each in api.get("reports/").json() if each["key"] == "by_field")["by_field"] is True
    rows = api.get(f"reports/by_field/?{asked}").json()["tables"][0]["rows"]
    assert [(row["label"], row["cells"]["in"]["value"]) for row in rows] == [("Hall", 1), ("Attic", 1)]
    behind = api.get(f"reports/by_field/tickets/?{asked}&cell={rows[0]['cells']['in']['cell']}").json()
    assert [one["title"] for one in behind] == ["No. 0"]
    assert api.get(f"reports/by_field/file/?{asked}&table=values").status_code == 200
    assert set(api.get("reports/volume/?category=wifi&field.nothing=1").json()["fields"]) == {"field.nothing"}


def test_the_page_offers_the_fields_of_the_category_chosen(wifi, cast, browser_of) -> None:
    page = browser_of(cast.alice)
    before = page.get(HERE).content.decode()
    assert "Choose a category and one of its fields" in before and 'name="field.room"' not in before
    told = page.get(HERE, {"category": "wifi", "group": "room", "field.speed": "4.5"}).content.decode()
    assert '<option value="Cellar">Cellar</option>' in told and '<option value="room" selected>Room</option>' in told
    assert 'name="field.speed" value="4.5"' in told and "field.secretive" not in told and "field.listed" not in told
    assert "cell=in%3Atattic" in told
    assert "field.speed=4.5" in told.split("keep/?", 1)[1].split('"', 1)[0]
    wrong = page.get(HERE, {"category": "wifi", "group": "room", "field.speed": "fast"})
    assert wrong.status_code == 422 and "Enter a number." in wrong.content.decode()
    assert 'name="field.speed" value="fast"' in wrong.content.decode()
    other = page.get("/console/tickets/reports/volume/", {"category": "wifi"}).content.decode()
    assert 'name="field.room"' in other and 'name="group"' not in other
