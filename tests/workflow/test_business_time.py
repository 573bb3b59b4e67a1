"""Waits and targets in business time."""

from __future__ import annotations

import datetime as dt

import pytest

from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.tenancy.models import Calendar
from boss.tenancy.selectors import find_calendar
from boss.tenancy.services import calendars
from tests.workflow.workshop import task
from ticketing.models import Ticket
from workflow.errors import DefinitionRefused
from workflow.models import TaskRun
from workflow.services import definitions

HOUR = 3600


@pytest.fixture
def office(alpha, system):
    """Open Monday to Friday from 9 to 17 o'clock in Chicago, closed on two days."""
    return calendars.define(
        actor=system, key="office", name="Office", time_zone="America/Chicago",
        weekly={day: ["09:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
        holidays=[dt.date(2027, 7, 5), dt.date(2027, 12, 24)],
    )  # fmt: skip


def wait(key="w", **rest):
    return {"key": key, "title": "Wait", "kind": "wait", "calendar": "office", **rest}


def test_a_wait_by_a_calendar_counts_open_hours_only(begin, go, states, office):
    run = begin([wait(until=80 * HOUR)])
    go(hurry=False)
    waiting = TaskRun.objects.get(run=run)
    expected = find_calendar("office").add(waiting.started_at, dt.timedelta(hours=80))
    assert abs(waiting.due_at - expected) < dt.timedelta(seconds=5)
    assert dt.timedelta(days=11) < waiting.due_at - waiting.started_at < dt.timedelta(days=18)
    go()
    assert states(run) == {"w": "done"}


def test_a_signals_deadline_and_a_persons_target_count_them_too(begin, go, office, pool):
    manual = {
        "key": "m", "title": "Call", "kind": "manual", "pool": "crew", "undo": "none", "calendar": "office",
        "target_seconds": 16 * HOUR,
    }  # fmt: skip
    run = begin([wait(signal="paid", deadline_seconds=8 * HOUR), manual])
    go(hurry=False)
    waiting, hours = TaskRun.objects.get(run=run, key="w"), find_calendar("office")
    soon = dt.timedelta(seconds=5)
    assert abs(waiting.due_at - hours.add(waiting.started_at, dt.timedelta(hours=8))) < soon
    assert abs(Ticket.objects.get().due_at - hours.add(waiting.started_at, dt.timedelta(hours=16))) < soon


def test_a_calendar_that_is_gone_sends_the_wait_to_people(begin, go, states, office):
    run = begin([task("a"), wait(after=["a"], until=HOUR)])
    Calendar.objects.filter(key="office").delete()
    go(hurry=False)
    assert states(run) == {"a": "done", "w": "attention"}
    assert "business calendar" in TaskRun.objects.get(run=run, key="w").error


def test_a_definition_names_a_calendar_that_exists(system, alpha):
    with pytest.raises(DefinitionRefused) as refused:
        definitions.publish(actor=system, document={"key": "x", "title": "X", "tasks": [wait(until=5)]})
    assert set(refused.value.fields) == {"tasks.w.calendar"}


def test_every_realm_has_business_hours_from_the_beginning(alpha, system):
    monday_eight = dt.datetime(2027, 3, 1, 8, tzinfo=dt.UTC)
    hours = find_calendar("business")
    assert hours.between(monday_eight, monday_eight + dt.timedelta(days=7)) == dt.timedelta(hours=45)


@pytest.mark.parametrize(
    "weekly", [{}, {"monday": ["08:00-17:00"]}, {"mon": ["8-17"]}, {"mon": ["17:00-08:00"]}, {"mon": []}, ["mon"]]
)
def test_hours_that_are_none_are_refused_beside_the_field(office, system, weekly):
    with pytest.raises(InvalidInput) as refused:
        calendars.define(actor=system, key="office", name="Office", weekly=weekly)
    assert set(refused.value.fields) == {"weekly"}
    assert Calendar.objects.get(key="office").weekly["mon"] == ["09:00-17:00"]


def test_charlie_cannot_change_when_the_provider_works(office, bob):
    with pytest.raises(PermissionDenied):
        calendars.define(actor=bob, key="office", name="Mine", weekly={"sun": ["00:00-24:00"]})
    assert Calendar.objects.get(key="office").name == "Office"
