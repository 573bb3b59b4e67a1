"""Working time on the pages: the timer of a ticket, one's week, and what it came to in all."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from boss.core import clock
from boss.core.models import AuditEntry
from tests.cast import Cast, actor_of
from ticketing.models import Ticket, TimeEntry, Timer
from ticketing.services import categories, tickets, time


@pytest.fixture
def ticket(alpha: Any, system: Any) -> Ticket:
    categories.create(actor=system, key="fault", name="Fault")
    return tickets.open(actor=system, category_key="fault", title="No internet", body="Line is dead.")


def address(ticket: Ticket, verb: str = "") -> str:
    return f"/console/tickets/{ticket.public_id}/{verb}"


def test_bob_lets_a_timer_run_and_writes_it_down_with_what_he_did(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    with clock.moved(-dt.timedelta(minutes=25)):
        bob.post(address(ticket, "timer/"))
    assert "Stop and write down" in bob.get(address(ticket)).content.decode()
    assert f"{ticket.number}" in bob.get("/console/time/").content.decode()

    answer = bob.post(
        address(ticket, "timer/stop/"), {"minutes": "", "activity": "call", "note": "Asked her"}, follow=True
    )
    page = answer.content.decode()
    assert "Written down: 0:25." in page and "Asked her" in page and "0:25 in all" in page
    assert not Timer.objects.exists()


def test_what_is_no_time_is_said_beside_the_field_and_the_rest_is_kept(
    ticket: Ticket, cast: Cast, browser_of: Any
) -> None:
    bob = browser_of(cast.bob)
    for typed, said in (
        ("ten", "Enter minutes, or hours and minutes"),
        ("", "Enter how long it took"),
        ("0", "nothing"),
    ):
        answer = bob.post(address(ticket, "time/"), {"minutes": typed, "activity": "visit", "note": "On the roof"})
        assert answer.status_code == 422
        page = answer.content.decode()
        assert said in page and "On the roof" in page
    assert not TimeEntry.objects.exists()


@pytest.mark.parametrize(
    ("typed", "seconds"), [("90", 5400), ("1:30", 5400), ("1h", 3600), ("1 h 30", 5400), ("5 min", 300), ("0:05", 300)]
)
def test_hours_and_minutes_are_read_as_people_write_them(
    ticket: Ticket, cast: Cast, browser_of: Any, typed: str, seconds: int
) -> None:
    browser_of(cast.bob).post(address(ticket, "time/"), {"minutes": typed, "activity": "work"})
    assert [entry.seconds for entry in TimeEntry.objects.all()] == [seconds]


def test_a_correction_says_who_and_why_and_what_was_first(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    entry = time.add(actor=actor_of(cast.bob), ticket=ticket, seconds=7200)
    alice = browser_of(cast.alice)
    answer = alice.post(f"/console/time/{entry.public_id}/", {"minutes": "1:00", "note": "Two of you"}, follow=True)
    page = answer.content.decode()
    assert "Two of you" in page and "first written as 2:00" in page and "1:00 in all" in page
    totals = alice.get("/console/time/totals/").content.decode()
    assert "Bob Baker" in totals and "1:00" in totals and "2:00" not in totals
    file = alice.get("/console/time/totals/", {"as": "csv"})
    assert file["Content-Type"] == "text/csv; charset=utf-8"
    assert file.content.decode().splitlines() == [
        "Person,Hours,Hours that can be billed,Entries,Cost (USD),Hours without a rate", "Bob Baker,1.0,0.0,1,,1.0",
    ]  # fmt: skip
    assert AuditEntry.objects.get(action="time.exported").actor_label == "Alice Able"


def test_charlie_finds_nothing_of_it(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    entry = time.add(actor=actor_of(cast.bob), ticket=ticket, seconds=7200)
    charlie = browser_of(cast.charlie)
    for verb in ("timer/", "timer/stop/", "time/"):
        assert charlie.post(address(ticket, verb), {"minutes": "5", "activity": "work"}).status_code == 404
    assert charlie.post(f"/console/time/{entry.public_id}/", {"minutes": "5", "note": "x"}).status_code == 404
    assert "Bob Baker" not in charlie.get("/console/time/totals/").content.decode()
    assert TimeEntry.objects.count() == 1 and not Timer.objects.exists()


def test_weeks_and_spans_nobody_knows_show_the_present_ones(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    alice = browser_of(cast.alice)
    for week in ("", "2026-13-45", "nonsense", "0001-01-01", "9999-12-31"):
        assert alice.get("/console/time/", {"week": week}).status_code == 200
    answer = alice.get("/console/time/totals/", {"by": "shoe size", "days": "-3"})
    assert "Nobody wrote time down" in answer.content.decode()


def test_the_pages_ask_as_much_for_thirty_entries_as_for_one(
    ticket: Ticket, cast: Cast, browser_of: Any, statements_of: Any
) -> None:
    alice = browser_of(cast.alice)
    pages = ("/console/time/", "/console/time/totals/", "/console/time/totals/?by=account", address(ticket))
    time.add(actor=actor_of(cast.alice), ticket=ticket, seconds=60)
    few = [len(statements_of(alice, page)) for page in pages]
    for _each in range(30):
        time.add(actor=actor_of(cast.alice), ticket=ticket, seconds=60)
    assert [len(statements_of(alice, page)) for page in pages] == few
    assert max(few[:3]) <= 9
