"""Limits and business calendars on pages: seen with their use and their meaning, changed by who may, by nobody else."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from boss.core import clock
from boss.core.actors import Actor
from boss.core.calendars import BusinessCalendar
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Calendar
from boss.tenancy.models.calendars import intervals, office_hours
from boss.tenancy.services import calendars
from ipservices.services import bindings
from tests.cast import Cast
from tests.portals.visiting import message_beside, words
from workflow.models import Limit
from workflow.services import limits

SUNDAY = dt.datetime(2026, 11, 29, 12, 0, tzinfo=dt.UTC)


@pytest.fixture
def limit(alpha: Any, system: Actor) -> Limit:
    """A mail server that takes two at once."""
    binding = bindings.create(actor=system, family="mail", driver_key="simulator", name="Mail server")
    return limits.set_limit(actor=system, key=binding.limit_key, most_at_once=2)


def test_limits_are_listed_by_the_names_of_servers_with_what_uses_them(
    limit: Limit, cast: Cast, browser_of: Any, statements_of: Any
) -> None:
    alice = browser_of(cast.alice)
    page = words(alice.get("/console/limits/"))
    assert "Server Mail server" in page and "All automated tasks together" in page
    (row,) = alice.get("/console/limits/").context["rows"]
    assert (row.most_at_once, row.most_per_minute, row.running, row.waiting) == (2, None, 0, 0)
    assert alice.get(row.edit_url).context["form"]["most_at_once"].value() == 2
    assert len(asked := statements_of(alice, "/console/limits/")) <= 7, "\n".join(asked)


def test_a_limit_is_set_changed_and_lifted(limit: Limit, cast: Cast, browser_of: Any) -> None:
    alice = browser_of(cast.alice)
    alice.post("/console/limits/set/", {"key": "realm", "most_per_minute": "60"})
    assert Limit.objects.get(key="realm").most_per_minute == 60
    alice.post("/console/limits/set/", {"key": limit.key, "most_at_once": "5"})
    limit.refresh_from_db()
    assert limit.most_at_once == 5
    alice.post(f"/console/limits/{limit.public_id}/lift/")
    assert not Limit.objects.filter(pk=limit.pk).exists()


def test_a_limit_of_nothing_is_refused_and_what_was_typed_stays(limit: Limit, cast: Cast, browser_of: Any) -> None:
    alice = browser_of(cast.alice)
    empty = alice.post("/console/limits/set/", {"key": limit.key})
    assert empty.status_code == 422 and "how many at once" in message_beside(empty, "most_at_once")
    large = alice.post("/console/limits/set/", {"key": limit.key, "most_at_once": "99999"})
    assert large.status_code == 422 and 'value="99999"' in large.content.decode()
    limit.refresh_from_db()
    assert limit.most_at_once == 2


def test_bob_and_charlie_change_no_limit_of_alices(limit: Limit, cast: Cast, browser_of: Any) -> None:
    assert browser_of(cast.bob).get("/console/limits/").status_code == 403
    assert browser_of(cast.bob).post("/console/limits/set/", {"key": limit.key, "most_at_once": "9"}).status_code == 403
    charlie = browser_of(cast.charlie)
    assert charlie.get("/console/limits/").context["rows"] == []
    assert charlie.post(f"/console/limits/{limit.public_id}/lift/").status_code == 404
    limit.refresh_from_db()
    assert limit.most_at_once == 2


@pytest.fixture
def office(alpha: Any, system: Actor, monkeypatch: pytest.MonkeyPatch) -> Calendar:
    """Monday to Friday, 8 to 17 in Chicago; it is Sunday."""
    monkeypatch.setattr(clock, "now", lambda: SUNDAY)
    return calendars.define(
        actor=system, key="office", name="Office", weekly=office_hours(), time_zone="America/Chicago"
    )


WEEK = {"name": "Office", "time_zone": "America/Chicago", "day_mon": "08:00-12:00, 13:00–17:00"}


def test_a_calendar_tells_when_work_goes_on_in_its_own_zone(office: Calendar, cast: Cast, browser_of: Any) -> None:
    alice = browser_of(cast.alice)
    assert "Closed" in words(alice.get("/console/calendars/"))
    preview = alice.get("/console/calendars/of/office/").context["preview"]
    assert preview["openings"][0] == ("Mon, 30 Nov 2026", "08:00", "17:00")
    assert dict(preview["ends"])[16] == "Tue, 1 Dec 2026, 15:00"


def test_a_week_is_previewed_without_keeping_it_and_then_kept(office: Calendar, cast: Cast, browser_of: Any) -> None:
    alice, path = browser_of(cast.alice), "/console/calendars/of/office/"
    seen = alice.post(path, {**WEEK, "holidays": "2026-11-30\n2026-12-25", "preview": "yes"})
    assert seen.context["preview"]["openings"][:2] == [
        ("Mon, 7 Dec 2026", "08:00", "12:00"),
        ("Mon, 7 Dec 2026", "13:00", "17:00"),
    ]
    office.refresh_from_db()
    assert office.weekly == office_hours() and "2026-12-25" in seen.content.decode()
    assert alice.post(path, {**WEEK, "holidays": "2026-11-30"})["Location"] == path
    office.refresh_from_db()
    assert office.weekly == {"mon": ["08:00-12:00", "13:00-17:00"]} and office.holidays == [dt.date(2026, 11, 30)]


@pytest.mark.parametrize(
    ("typed", "field", "told"),
    [
        ({"day_tue": "17:00-08:00"}, "day_tue", "Hours are written like"),
        ({"day_mon": ""}, "day_mon", "open some time"),
        ({"day_mon": "08:00-12:00, 11:00-13:00"}, "day_mon", "do not overlap"),
        ({"holidays": "Christmas"}, "holidays", "is no day like"),
        ({"time_zone": "Middle/Earth"}, "time_zone", "no time zone"),
    ],
)
def test_a_week_that_makes_no_sense_is_refused_beside_its_field(
    typed: dict[str, str], field: str, told: str, office: Calendar, cast: Cast, browser_of: Any
) -> None:
    for button in ({}, {"preview": "yes"}):
        answer = browser_of(cast.alice).post("/console/calendars/of/office/", {**WEEK, **typed, **button})
        assert answer.status_code == 422 and told in message_beside(answer, field)
    office.refresh_from_db()
    assert office.weekly == office_hours()


def test_a_new_calendar_has_a_key_of_its_own(office: Calendar, cast: Cast, browser_of: Any) -> None:
    alice = browser_of(cast.alice)
    taken = alice.post("/console/calendars/new/", {**WEEK, "key": "office"})
    assert taken.status_code == 422 and "already" in message_beside(taken, "key")
    assert alice.post("/console/calendars/new/", {**WEEK, "key": "night"}).status_code == 302
    hours = tenancy.find_calendar("night")
    assert hours is not None and hours.zone == "America/Chicago"


def test_bob_and_charlie_change_no_calendar_of_alices(office: Calendar, cast: Cast, browser_of: Any) -> None:
    path = "/console/calendars/of/office/"
    assert browser_of(cast.bob).post(path, WEEK).status_code == 403
    assert browser_of(cast.charlie).post(path, WEEK).status_code == 404
    office.refresh_from_db()
    assert office.weekly == office_hours()


def test_openings_of_a_calendar_without_hours_are_none() -> None:
    assert BusinessCalendar("UTC", {}).openings(SUNDAY, 3) == []
    with pytest.raises(ValidationError):
        intervals({"mon": []})
