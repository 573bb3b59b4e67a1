"""On pages and the API: who is told and how tickets end, decided by who may, and shown as it would be sent."""

from __future__ import annotations

from typing import Any

import pytest

from boss.core.actors import Actor
from tests.cast import Cast, actor_of, make_user
from tests.portals.visiting import message_beside, words
from tests.ticketing.conftest import Desk, make_desk
from ticketing import handlers
from ticketing.events import TicketMoved
from ticketing.models import Policy, Ticket
from ticketing.services import tickets


@pytest.fixture
def desk(alpha: Any, system: Actor) -> Desk:
    return make_desk(system)


@pytest.fixture
def ticket(desk: Desk, cast: Cast) -> Ticket:
    dana = make_user(cast.alpha, "dana@home.example", "Dana Dean", "subscriber", kind="subscriber", own=True)
    return tickets.open(actor=actor_of(dana), category_key="trouble", title="Slow", body="Hm", data={"symptom": "slow"})


def made(browser: Any, kind: str) -> str:
    return str(browser.post("/console/policies/new/", {"name": "Mine", "key": kind, "kind": kind})["Location"])


def put_to_use(browser: Any, url: str) -> None:
    assert browser.post(f"{url}publish/", {"open_tickets": "leave"}).status_code == 302
    assert browser.post(f"{url}use/", {"category": "", "open_tickets": "leave"}).status_code == 302


def test_alice_writes_a_matrix_and_the_ticket_shows_whom_an_answer_reaches(
    ticket: Ticket, cast: Cast, browser_of: Any
) -> None:
    alice = browser_of(cast.alice)
    told = f"/console/tickets/{ticket.public_id}/told/"
    assert "Dana Dean Requester, E-mail" in words(alice.get(told))
    url = made(alice, "notification")
    assert "Row 1" in words(alice.get(url))  # it begins with what holds without one
    wrong = {"m0_event": "note", "m0_audience": "requester", "m0_channels": ["mail"], "unassigned_after": "5"}
    refused = alice.post(url, wrong)
    assert refused.status_code == 422 and "never told to customers" in message_beside(refused, "m0_audience")
    assert Policy.objects.get().draft is None
    alice.post(url, {**wrong, "m0_event": "resolved"})
    (trial,) = alice.get(url).context["trials"]
    assert [(line.what, line.then) for line in trial.lines] == [("Resolved", "goes to: Dana Dean (E-mail)")]
    put_to_use(alice, url)
    page = words(alice.get(told))
    assert "nobody" in page and "Dana Dean: not among those the policy tells" in page


def test_alice_decides_how_tickets_end_and_bob_is_asked_for_the_code(
    ticket: Ticket, cast: Cast, browser_of: Any
) -> None:
    alice, bob = browser_of(cast.alice), browser_of(cast.bob)
    url = made(alice, "closing")
    assert 'value="72"' in alice.get(url).content.decode()  # the usual numbers
    given = {
        "resolve_after": "7",
        "reminder_1": "2",
        "codes": "fixed = Fixed\nnone = Nothing found",
        "needs_code": "on",
    }
    refused = alice.post(url, {**given, "reminder_2": "9"})
    assert refused.status_code == 422 and "Later than the last reminder" in message_beside(refused, "resolve_after")
    alice.post(url, given)
    put_to_use(alice, url)
    page = f"/console/tickets/{ticket.public_id}/"
    assert "A resolution code has to be chosen." in words(bob.get(f"{page}told/"))
    without = bob.post(f"{page}resolve/", {"note": "Done"})
    assert without.status_code == 422 and "Choose a code" in message_beside(without, "resolution_code")
    waits = tickets.wait(actor=actor_of(cast.bob), ticket=ticket, waiting_for="customer")
    handlers.tell_moved(TicketMoved(ticket_id=waits.pk, seq=waits.version))
    assert "It is resolved, because no answer came" in words(bob.get(f"{page}told/"))
    assert bob.post(f"{page}resolve/", {"note": "Done", "resolution_code": "fixed"}).status_code == 302
    ticket.refresh_from_db()
    assert (ticket.state, ticket.resolution_code) == ("resolved", "fixed")


def test_bob_watches_hears_in_the_console_and_charlie_sees_nothing_of_it(
    ticket: Ticket, cast: Cast, browser_of: Any
) -> None:
    bob, charlie = browser_of(cast.bob), browser_of(cast.charlie)
    page = f"/console/tickets/{ticket.public_id}/"
    assert charlie.post(f"{page}watch/").status_code == 404 and charlie.get(f"{page}told/").status_code == 404
    assert bob.post(f"{page}watch/").status_code == 302
    assert "Watch no more" in words(bob.get(f"{page}told/"))
    waits = tickets.wait(actor=actor_of(cast.alice), ticket=ticket, waiting_for="customer")
    handlers.tell_moved(TicketMoved(ticket_id=waits.pk, seq=waits.version))
    assert "Alice Able: now Waiting for the customer" in words(bob.get("/console/notices/"))
    assert "Alice Able" not in words(charlie.get("/console/notices/"))
    assert bob.post("/console/notices/").status_code == 302
    assert "I have read them" not in words(bob.get("/console/notices/"))
    bob.post(f"{page}watch/", {"stop": "yes"})
    assert "Watch it" in words(bob.get(f"{page}told/"))
