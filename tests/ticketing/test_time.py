"""Time is written down once, never changed, and adds up whatever was corrected."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.test.utils import CaptureQueriesContext

from boss.core import clock
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from tests.cast import actor_of
from ticketing import timesheet
from ticketing.errors import NoTimer, OnlyPeopleWork
from ticketing.models import TimeEntry, Timer
from ticketing.services import time

HOUR = 3600


def totals(actor, by):
    now = clock.now()
    found = timesheet.totals(actor, by=by, since=now - dt.timedelta(days=2), until=now + dt.timedelta(days=1))
    return {total.name or total.key: total.seconds for total in found}


def test_a_timer_that_ran_twenty_minutes_becomes_an_entry_of_twenty_minutes(hers, nora):
    with clock.moved(-dt.timedelta(minutes=20)):
        time.start_timer(actor=actor_of(nora), ticket=hers)
    entry = time.stop_timer(actor=actor_of(nora), activity="call", is_billable=True, note="Asked for the lights")
    assert abs(entry.seconds - 20 * 60) <= 5
    assert (entry.ticket, entry.user, entry.pool, entry.activity, entry.is_billable, entry.source) == (
        hers, nora, hers.pool, "call", True, "timer",
    )  # fmt: skip
    assert timesheet.find_timer(actor_of(nora)) is None


def test_starting_on_another_ticket_writes_the_first_one_down(hers, fallen, nora):
    with clock.moved(-dt.timedelta(minutes=5)):
        time.start_timer(actor=actor_of(nora), ticket=hers)
    time.start_timer(actor=actor_of(nora), ticket=fallen)
    assert [entry.ticket for entry in TimeEntry.objects.all()] == [hers]
    assert timesheet.find_timer(actor_of(nora)).ticket == fallen


def test_starting_where_it_runs_already_changes_nothing(hers, nora):
    first = time.start_timer(actor=actor_of(nora), ticket=hers)
    assert time.start_timer(actor=actor_of(nora), ticket=hers) == first
    assert not TimeEntry.objects.exists()


def test_a_timer_forgotten_overnight_is_not_believed_and_nothing_is_lost(hers, fallen, nora):
    with clock.moved(-dt.timedelta(hours=17)):
        time.start_timer(actor=actor_of(nora), ticket=hers)
    for act in (
        lambda: time.stop_timer(actor=actor_of(nora)),
        lambda: time.start_timer(actor=actor_of(nora), ticket=fallen),
    ):
        with pytest.raises(InvalidInput) as refusal:
            act()
        assert "minutes" in refusal.value.fields
        assert timesheet.find_timer(actor_of(nora)).ticket == hers
    assert time.stop_timer(actor=actor_of(nora), seconds=2 * HOUR).seconds == 2 * HOUR


def test_a_timer_thrown_away_leaves_nothing(hers, nora):
    time.start_timer(actor=actor_of(nora), ticket=hers)
    time.discard_timer(actor=actor_of(nora))
    time.discard_timer(actor=actor_of(nora))
    assert not Timer.objects.exists() and not TimeEntry.objects.exists()
    with pytest.raises(NoTimer):
        time.stop_timer(actor=actor_of(nora))


def test_time_written_down_by_hand_stays_with_the_account_the_ticket_is_about(fallen, nora):
    entry = time.add(actor=actor_of(nora), ticket=fallen, seconds=HOUR, activity="visit")
    assert (entry.account_id, entry.source) == (77, "manual")
    assert totals(actor_of(nora), "account") == {77: HOUR}
    assert totals(actor_of(nora), "activity") == {"visit": HOUR}


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({"seconds": 0}, "minutes"),
        ({"seconds": -60}, "minutes"),
        ({"seconds": 17 * HOUR}, "minutes"),
        ({"seconds": 60, "activity": "sleep"}, "activity"),
        ({"seconds": 60, "started_at": dt.datetime(2999, 1, 1, tzinfo=dt.UTC)}, "started_at"),
        ({"seconds": 60, "started_at": dt.datetime(2001, 1, 1, tzinfo=dt.UTC)}, "started_at"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(hers, nora, given_, field):
    with pytest.raises(InvalidInput) as refusal:
        time.add(actor=actor_of(nora), ticket=hers, **given_)
    assert list(refusal.value.fields) == [field]
    assert not TimeEntry.objects.exists()


def test_a_correction_is_a_row_of_its_own_and_the_first_one_stays(hers, nora, bob):
    entry = time.add(actor=actor_of(nora), ticket=hers, seconds=3 * HOUR)
    time.correct(actor=actor_of(nora), entry=entry, seconds=HOUR, note="Had lunch")
    time.correct(actor=actor_of(nora), entry=entry, seconds=2 * HOUR, note="Not so long")
    [shown] = timesheet.list_for_ticket(actor_of(nora), hers)
    assert (shown.seconds, shown.counted) == (3 * HOUR, 2 * HOUR)
    assert [(said.seconds, said.note) for said in shown.said] == [(-2 * HOUR, "Had lunch"), (HOUR, "Not so long")]
    assert totals(actor_of(nora), "person") == {"Nora North": 2 * HOUR}


def test_the_database_itself_lets_nobody_change_what_was_written_down(hers, nora):
    entry = time.add(actor=actor_of(nora), ticket=hers, seconds=HOUR)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        TimeEntry.objects.filter(pk=entry.pk).update(seconds=60)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        TimeEntry.objects.filter(pk=entry.pk).delete()


def test_fred_does_not_correct_noras_time_and_alice_does(hers, nora, fred, alice):
    entry = time.add(actor=actor_of(nora), ticket=hers, seconds=HOUR)
    with pytest.raises(PermissionDenied):
        time.correct(actor=actor_of(fred), entry=entry, seconds=60, note="Too much")
    assert TimeEntry.objects.count() == 1
    time.correct(actor=alice, entry=entry, seconds=0, note="Another ticket")
    assert totals(alice, "person") == {"Nora North": 0}


def test_neither_dana_nor_a_machine_writes_time_down(hers, dana, nora, system):
    time.add(actor=actor_of(nora), ticket=hers, seconds=HOUR)
    with pytest.raises(PermissionDenied):
        time.add(actor=actor_of(dana), ticket=hers, seconds=60)
    with pytest.raises(OnlyPeopleWork):
        time.start_timer(actor=system, ticket=hers)
    assert not timesheet.list_for_ticket(actor_of(dana), hers)
    assert TimeEntry.objects.count() == 1 and not Timer.objects.exists()


def test_a_ticket_that_moves_leaves_its_time_where_it_was_spent(hers, nora, desk):
    time.add(actor=actor_of(nora), ticket=hers, seconds=HOUR)
    hers.pool = desk.field
    hers.save()
    time.add(actor=actor_of(nora), ticket=hers, seconds=60)
    assert totals(actor_of(nora), "pool") == {"Network": HOUR, "Field": 60}
    assert totals(actor_of(nora), "category") == {"Trouble": HOUR + 60}


@pytest.mark.parametrize("said", [[0], [0, 0, 1], [960, 0, 960], [1, 2, 1, 2], [60, 59, 61, 0, 7]])
def test_whatever_is_corrected_the_last_word_counts(hers, nora, said):
    entry = time.add(actor=actor_of(nora), ticket=hers, seconds=60)
    last = 60
    for minutes in said:
        if minutes * 60 == last:
            with pytest.raises(InvalidInput):
                time.correct(actor=actor_of(nora), entry=entry, seconds=minutes * 60, note="So")
            continue
        last = minutes * 60
        time.correct(actor=actor_of(nora), entry=entry, seconds=last, note="So")
    assert timesheet.get_entry(actor_of(nora), entry.public_id).counted == last


def test_a_ticket_full_of_time_costs_two_statements(hers, nora):
    for _each in range(12):
        entry = time.add(actor=actor_of(nora), ticket=hers, seconds=HOUR)
        time.correct(actor=actor_of(nora), entry=entry, seconds=60, note="Less")
    reader = actor_of(nora)
    with CaptureQueriesContext(connection) as asked:
        entries = timesheet.list_for_ticket(reader, hers)
        names = {entry.user.full_name for entry in entries}
    read = [query["sql"] for query in asked.captured_queries if "ticketing_timeentry" in query["sql"]]
    assert (len(entries), names, len(read), len(asked) - len(read)) == (12, {"Nora North"}, 2, 0)
