"""Policies on pages and on the API: written, tried, published and taken back by who may, and by nobody else."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from boss.core import clock
from boss.core.actors import Actor
from boss.tenancy.models.calendars import office_hours
from boss.tenancy.services import calendars
from tests.cast import Cast, actor_of
from tests.portals.visiting import message_beside, words
from tests.ticketing.conftest import Desk, make_desk
from ticketing.models import Policy, Ticket
from ticketing.services import tickets

DUE = (("Late", -5), ("Soon", 30), ("Later", 300))
"""Titles, and in how many minutes they are due."""


@pytest.fixture
def desk(alpha: Any, system: Actor) -> Desk:
    calendars.define(actor=system, key="office", name="Office", weekly=office_hours())
    return make_desk(system)


@pytest.fixture
def ticket(desk: Desk, cast: Cast) -> Ticket:
    return tickets.open(
        actor=actor_of(cast.bob), category_key="trouble", title="Slow", body="Hm", data={"symptom": "slow"}
    )


def made(browser: Any, kind: str) -> str:
    answer = browser.post("/console/policies/new/", {"name": "Wi-Fi", "key": kind, "kind": kind})
    assert answer.status_code == 302
    return str(answer["Location"])


def test_alice_writes_tries_publishes_and_uses_promised_times(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    alice = browser_of(cast.alice)
    url = made(alice, "sla")
    typed = {"r0_first": "30 min", "r0_resolve": "4 h", "r0_priorities": "3,4", "pause_waiting_customer": ["resolve"]}
    alice.post(url, typed)
    page = alice.get(url)
    assert 'value="30 min"' in page.content.decode() and "Draft" in words(page)
    (trial,) = page.context["trials"]
    assert [(line.what, line.now, line.then) for line in trial.lines] == [
        ("First answer", "not promised", "Running"), ("Solution", "not promised", "Running"),
    ]  # fmt: skip
    assert alice.post(f"{url}publish/", {"open_tickets": "leave", "note": "First"}).status_code == 302
    assert alice.post(f"{url}use/", {"category": "trouble", "open_tickets": "recompute"}).status_code == 302
    ticket.refresh_from_db()
    assert ticket.resolve_due_at is not None
    seen = words(alice.get(f"/console/tickets/{ticket.public_id}/"))
    assert "Promises" in seen and "4 h by Wi-Fi v1, counted around the clock" in seen
    assert "Trouble" in words(alice.get("/console/policies/"))


def test_alice_takes_a_policy_back_to_what_it_said(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    alice = browser_of(cast.alice)
    url = made(alice, "sla")
    for target in ("4 h", "8 h"):
        alice.post(url, {"r0_resolve": target})
        alice.post(f"{url}publish/", {"open_tickets": "leave"})
    alice.post(f"{url}revert/", {"number": "1"})
    current = Policy.objects.get().current
    assert (current.number, current.rules["rows"][0]["targets"]) == (3, {"resolve": 4 * 3600})


def test_what_cannot_be_read_is_told_beside_its_field_and_stays(desk: Desk, cast: Cast, browser_of: Any) -> None:
    alice = browser_of(cast.alice)
    url = made(alice, "sla")
    answer = alice.post(url, {"r0_first": "soon", "r1_resolve": "4 h"})
    assert answer.status_code == 422 and 'value="soon"' in answer.content.decode()
    assert "30 min" in message_beside(answer, "r0_first")
    empty = alice.post(url, {})
    assert empty.status_code == 422 and "at least one row" in words(empty)
    ladder = made(alice, "escalation")
    nothing = alice.post(ladder, {"s1_at": "80%", "s1_clock": "resolve"})
    assert "Say what the step does" in message_beside(nothing, "s1_tell1")
    assert not Policy.objects.exclude(draft=None).exists()


def test_a_ladder_is_drafted_and_says_who_would_be_told_when(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    alice = browser_of(cast.alice)
    sla = made(alice, "sla")
    alice.post(sla, {"r0_resolve": "4 h"})
    alice.post(f"{sla}publish/", {"open_tickets": "leave"})
    alice.post(f"{sla}use/", {"category": "", "open_tickets": "recompute"})
    url = made(alice, "escalation")
    steps = {"s0_at": "80%", "s0_clock": "resolve", "s0_tell1": "supervisor", "s0_raise": "on", "s0_move": "field"}
    alice.post(url, {"hours": "office", **steps})
    (trial,) = alice.get(url, {"number": ticket.number.lower()}).context["trials"]
    (line,) = trial.lines
    assert line.what == "80 % of: Solution"
    assert line.then == "tell Alice Able, Bob Baker; raise the priority; move to field"
    assert line.due_at - ticket.opened_at == (ticket.__class__.objects.get().resolve_due_at - ticket.opened_at) * 0.8
    assert alice.get(url, {"number": "none"}).context["trials"] == []


def test_changed_hours_ask_what_becomes_of_the_tickets_that_count_by_them(
    ticket: Ticket, cast: Cast, browser_of: Any
) -> None:
    alice = browser_of(cast.alice)
    url = made(alice, "sla")
    alice.post(url, {"r0_resolve": "4 h", "r0_calendar": "office"})
    alice.post(f"{url}publish/", {"open_tickets": "leave"})
    alice.post(f"{url}use/", {"category": "", "open_tickets": "recompute"})
    hours = {"name": "Office", "day_sun": "00:00-24:00"}
    assert "1 open ticket counts by these hours" in words(alice.get("/console/calendars/of/office/"))
    assert alice.post("/console/calendars/of/office/", hours).status_code == 422  # not said what becomes of it
    due = Ticket.objects.get().resolve_due_at
    alice.post("/console/calendars/of/office/", {**hours, "open_tickets": "leave"})
    assert Ticket.objects.get().resolve_due_at == due
    told = alice.post("/console/calendars/of/office/", {**hours, "open_tickets": "recompute"}, follow=True)
    assert "1 ticket was agreed anew" in words(told)
    assert Ticket.objects.get().resolve_due_at.astimezone(ZoneInfo(cast.alpha.time_zone)).weekday() == 6


def test_bob_and_charlie_change_no_policy_of_alices(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    url = made(browser_of(cast.alice), "sla")
    assert browser_of(cast.bob).post(url, {"r0_resolve": "4 h"}).status_code == 403
    charlie = browser_of(cast.charlie)
    assert charlie.post(url, {"r0_resolve": "4 h"}).status_code == 404
    assert charlie.post(f"{url}publish/", {"open_tickets": "leave"}).status_code == 404
    assert "Wi-Fi" not in words(charlie.get("/console/policies/"))
    assert Policy.objects.get().draft is None


def test_the_page_costs_as_much_for_many_tickets_as_for_one(
    ticket: Ticket, cast: Cast, browser_of: Any, statements_of: Any, system: Actor
) -> None:
    alice = browser_of(cast.alice)
    url = made(alice, "sla")
    alice.post(url, {"r0_resolve": "4 h", "r0_calendar": "office"})
    alice.post(f"{url}publish/", {"open_tickets": "leave"})
    alice.post(f"{url}use/", {"category": "", "open_tickets": "recompute"})
    few = _of_the_page(statements_of(alice, url))
    for number in range(5):
        tickets.open(actor=system, category_key="trouble", title=f"Slow {number}")
    many = _of_the_page(statements_of(alice, url))
    assert len(many) == len(few) <= 20, "\n".join(many)


def _of_the_page(statements: list[str]) -> list[str]:
    """Without the realm, which every process reads again after seconds."""
    return [sql for sql in statements if 'FROM "tenancy_realm"' not in sql]


def test_late_tickets_are_found_in_the_list_and_on_the_api(
    desk: Desk, cast: Cast, browser_of: Any, system: Actor
) -> None:
    due = {title: clock.now() + dt.timedelta(minutes=minutes) for title, minutes in DUE}
    late, soon, _later = (
        tickets.open(actor=system, category_key="trouble", title=title, due_at=at) for title, at in due.items()
    )
    bob = browser_of(cast.bob)
    assert [row.number for row in bob.get("/console/tickets/?due=late").context["page"].rows] == [late.number]
    assert [row.number for row in bob.get("/console/tickets/?due=soon").context["page"].rows] == [soon.number]
    found = bob.get("/api/v1/ticketing/tickets/?due=late").json()["results"]
    assert [each["number"] for each in found] == [late.number]
    (promise,) = bob.get(f"/api/v1/ticketing/tickets/{late.public_id}/promises/").json()
    assert (promise["kind"], promise["is_late"]) == ("resolve", True)
    assert promise["sentence"].endswith("promised by hand")


def test_the_api_writes_tries_and_publishes_as_the_page_does(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    alice = browser_of(cast.alice)
    url = "/api/v1/ticketing/policies/"

    def post(path: str, told: dict[str, Any]) -> Any:
        return alice.post(path, told, content_type="application/json")

    policy = post(url, {"key": "api", "name": "By API", "kind": "sla"}).json()
    own = f"{url}{policy['public_id']}/"
    rules = {"rows": [{"targets": {"resolve": 3600}}]}
    assert post(f"{own}draft/", {"rules": {"rows": []}}).status_code == 422
    assert post(f"{own}draft/", {"rules": rules}).json()["draft"]["rows"][0]["targets"] == {"resolve": 3600}
    (trial,) = alice.get(f"{own}trial/").json()
    assert trial["number"] == ticket.number and trial["lines"][0]["what"] == "Solution"
    assert post(f"{own}publish/", {}).json()["current"]["number"] == 1
    assert post(f"{own}use/", {"category": "trouble"}).json()["uses"] == [{"category": "trouble"}]
    assert post(f"{own}leave/", {"category": "trouble"}).json()["uses"] == []
    assert [each["number"] for each in alice.get(f"{own}versions/").json()] == [1]
    assert browser_of(cast.bob).get(url).status_code == 403
    assert browser_of(cast.charlie).get(own).status_code == 404
