"""Where categories and promised times meet: a status may stop a clock, and another category has other terms."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.cast import actor_of
from ticketing.models import SlaClock, SlaPause, Ticket
from ticketing.services import categories, tickets

STATUSES = [
    {"key": "fresh", "label": "Fresh", "state": "new"},
    {"key": "testing", "label": "Testing the line", "state": "open"},
    {"key": "parts", "label": "Waiting for parts", "state": "open", "pauses_clocks": ["resolve"]},
    {"key": "fixed", "label": "Fixed", "state": "resolved"},
]


@pytest.fixture
def danas(desk, system, dana) -> Ticket:
    line = categories.create(actor=system, key="line", name="Line", portal_visible=True, statuses=STATUSES)
    line.resolve_target = dt.timedelta(hours=4)
    line.save()
    return tickets.open(actor=actor_of(dana), category_key="line", title="Noise", body="Crackles")


def solution(ticket: Ticket) -> SlaClock:
    return SlaClock.objects.get(ticket=ticket, kind="resolve")


def test_a_status_stops_the_clocks_it_names_though_the_ticket_stays_open(danas, bob):
    tickets.move(actor=bob, ticket=danas, status="testing")
    assert solution(danas).due_at is not None

    tickets.move(actor=bob, ticket=danas, status="parts")
    assert (solution(danas).state, solution(danas).due_at) == ("paused", None)

    tickets.move(actor=bob, ticket=danas, status="testing")
    assert (solution(danas).state, SlaPause.objects.get(clock=solution(danas)).ended_at is None) == ("running", False)


def test_a_ticket_opened_again_into_such_a_status_has_a_clock_that_stands_still(danas, bob):
    tickets.move(actor=bob, ticket=danas, status="testing")
    tickets.move(actor=bob, ticket=danas, status="fixed")
    tickets.move(actor=bob, ticket=danas, status="parts")
    again = SlaClock.objects.get(ticket=danas, kind="resolve", stopped_at=None)
    assert (again.state, again.due_at) == ("paused", None)


def test_another_category_has_its_own_terms_from_the_same_start(danas, bob, desk):
    before = solution(danas)
    desk.trouble.resolve_target = dt.timedelta(hours=1)
    desk.trouble.save()

    moved = tickets.recategorise(actor=bob, ticket=danas, category=desk.trouble)

    after = solution(danas)
    assert (after.started_at, after.due_at) == (before.started_at, before.due_at - dt.timedelta(hours=3))
    assert moved.resolve_due_at == after.due_at
