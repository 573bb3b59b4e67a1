"""How tickets end: what must be there before, what happens by itself on working days, and what opens them again."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from boss.core.calendars import BusinessCalendar
from boss.core.problems import InvalidInput
from boss.notify.models import Delivery
from boss.tenancy.services import calendars
from tests.cast import actor_of
from tests.ticketing.test_sla_promises import MONDAY, WEEK, Hand
from ticketing import closing, handlers
from ticketing.errors import ClosingHeld, TicketClosed
from ticketing.events import TicketMoved, TicketResolved
from ticketing.models import Policy, Ticket, TicketDeadline, TicketEvent, Timer
from ticketing.services import deadlines, obstacles, policies, tickets
from ticketing.services.tickets import taking_up

DAYS = {"reminders": [2, 5], "resolve_after": 7, "close_after": 72, "reopen_within": 14, "hours": "desk"}


@pytest.fixture
def hand(monkeypatch):
    """The desk's clock and that of what is written down."""
    moved = Hand(monkeypatch)
    monkeypatch.setattr(timezone, "now", lambda: moved.at)
    return moved


def decide(system, **rules) -> Policy:
    policy = Policy.objects.filter(key="end").first()
    if policy is None:
        policy = policies.create(actor=system, kind="closing", key="end", name="End")
    policies.draft(actor=system, policy=policy, rules=rules)
    policies.publish(actor=system, policy=policy)
    policies.use(actor=system, policy=policy, category=None)
    return policy


@pytest.fixture
def waiting(hand, hers, system, bob) -> Ticket:
    """Dana's ticket, put aside for her on Monday at nine; working days are Monday to Saturday."""
    calendars.define(actor=system, key="desk", name="Desk", time_zone="UTC", weekly=WEEK)
    decide(system, **DAYS)
    ticket = tickets.wait(actor=bob, ticket=hers, waiting_for="customer")
    moved(ticket)
    return ticket


def moved(ticket: Ticket) -> None:
    handlers.tell_moved(TicketMoved(ticket_id=ticket.pk, seq=ticket.version))


def due() -> dict[str, dt.datetime]:
    rows = TicketDeadline.objects.exclude(due_at=None)
    return dict(rows.values_list("purpose", "due_at"))


def fire_due(system, hand) -> list[str]:
    rows = TicketDeadline.objects.filter(due_at__lte=hand.at).order_by("due_at", "pk")
    return [each.purpose for each in list(rows) if deadlines.fire(actor=system, deadline_id=each.pk)]


def mails() -> list[str]:
    return list(Delivery.objects.order_by("id").values_list("message__template", flat=True))


def at(days: int) -> dt.datetime:
    return MONDAY + dt.timedelta(days=days)


def test_a_customer_who_does_not_answer_is_reminded_twice_and_then_it_is_resolved_and_closed(waiting, hand, system):
    # Sunday is no working day: two are Wednesday, five Saturday, seven the Tuesday after.
    assert due() == {"remind_1": at(2), "remind_2": at(5), "resolve": at(8)}
    for purpose, moment in sorted(due().items(), key=lambda each: each[1]):
        hand.set(moment - dt.timedelta(seconds=1))
        assert fire_due(system, hand) == []
        hand.set(moment)
        assert fire_due(system, hand) == [purpose] and fire_due(system, hand) == []
    assert mails() == ["ticket_news", "ticket_news"]
    waiting.refresh_from_db()
    assert (waiting.state, waiting.resolved_by) == ("resolved", system.label)
    handlers.tell_resolved(TicketResolved(ticket_id=waiting.pk, outcome=""))
    assert mails()[-1] == "ticket_resolved"
    assert due() == {"close": waiting.resolved_at + dt.timedelta(hours=72)}
    hand.set(due()["close"])
    assert fire_due(system, hand) == ["close"]
    waiting.refresh_from_db()
    assert waiting.state == "closed" and fire_due(system, hand) == []


def test_an_answer_stops_what_would_happen_and_waiting_again_begins_anew(waiting, hand, system, dana, bob):
    first = due()
    hand.on(hours=1)
    tickets.add_message(actor=actor_of(dana), ticket=waiting, body="Here I am")
    hand.set(first["remind_1"])
    assert fire_due(system, hand) == [] and due().keys() <= {"unassigned"} and mails() == []
    ticket = tickets.wait(actor=bob, ticket=waiting, waiting_for="customer")
    moved(ticket)
    assert TicketDeadline.objects.get(purpose="remind_1").since > MONDAY
    assert due().keys() >= {"remind_1", "remind_2", "resolve"}


def test_what_stands_in_the_way_keeps_a_ticket_from_ending_by_itself_and_is_said_once(waiting, hand, system, nora):
    decide(system, **DAYS, no_timers=True)
    Timer.objects.create(ticket=waiting, user=nora, started_at=MONDAY)
    assert [each.text for each in obstacles.of(waiting)] == ["A timer runs: Nora North."]
    hand.set(due()["resolve"])
    assert fire_due(system, hand) == ["remind_1", "remind_2", "resolve"] and fire_due(system, hand) == []
    waiting.refresh_from_db()
    assert waiting.state == "waiting_customer"
    held = TicketEvent.objects.get(ticket=waiting, type="not_ended")
    assert held.after == {"reason": "A timer runs: Nora North."}


@pytest.mark.parametrize("verb", ["resolve", "move"])
def test_a_person_ends_it_by_the_rules_or_not_at_all(hers, system, bob, verb, desk):
    decide(system, codes=[{"key": "fixed", "label": "Fixed"}], needs_code=True, fields=["symptom"], no_children=True)

    def end(**more):
        if verb == "resolve":
            return tickets.resolve(actor=bob, ticket=hers, **more)
        return tickets.move(actor=bob, ticket=hers, status="resolved", **more)

    before = Ticket.objects.values_list("version", "state").get(pk=hers.pk)
    for code in ("", "broken"):
        with pytest.raises(InvalidInput) as refused:
            end(resolution_code=code)
        assert list(refused.value.fields) == ["resolution_code"]
    child = tickets.open(actor=bob, category_key="office", title="Child")
    tickets.link(actor=bob, ticket=hers, type="parent_of", other=child)
    hers.refresh_from_db()
    linked = (hers.version, hers.state)
    with pytest.raises(ClosingHeld) as held:
        end(resolution_code="fixed", children="leave")
    assert child.number in str(held.value)
    hers.refresh_from_db()
    assert (hers.version, hers.state) == linked and before[1] == hers.state
    decide(system, codes=[{"key": "fixed", "label": "Fixed"}], needs_code=True)
    assert end(resolution_code="fixed", children="leave").resolution_code == "fixed"


def test_a_required_field_that_is_empty_is_asked_for_beside_it(hers, system, bob):
    decide(system, fields=["symptom"])
    Ticket.objects.filter(pk=hers.pk).update(data={})
    hers.refresh_from_db()
    with pytest.raises(InvalidInput) as refused:
        tickets.resolve(actor=bob, ticket=hers)
    assert list(refused.value.fields) == ["data.symptom"]
    assert tickets.resolve(actor=bob, ticket=hers, data={"symptom": "slow"}).data == {"symptom": "slow"}


def test_a_customers_message_within_fourteen_days_of_closing_opens_it_again_and_later_does_not(
    hand, hers, system, bob, dana
):
    decide(system, reopen_within=14)
    closed = tickets.close(actor=bob, ticket=tickets.resolve(actor=bob, ticket=hers))
    last = taking_up.until(closed)
    assert last == MONDAY + dt.timedelta(days=14)
    with pytest.raises(TicketClosed):  # but for staff it stays closed
        tickets.add_message(actor=bob, ticket=hers, body="One more thing")
    hand.set(last - dt.timedelta(seconds=1))
    tickets.add_message(actor=actor_of(dana), ticket=hers, body="Again")
    hers.refresh_from_db()
    assert (hers.state, hers.reopen_count, hers.closed_at) == ("open", 1, None)
    tickets.close(actor=bob, ticket=tickets.resolve(actor=bob, ticket=hers))
    hand.on(days=14)
    with pytest.raises(TicketClosed):
        tickets.add_message(actor=actor_of(dana), ticket=hers, body="Too late")
    hers.refresh_from_db()
    assert hers.state == "closed"


def test_without_closing_rules_nothing_happens_by_itself(hers, bob):
    moved(tickets.wait(actor=bob, ticket=hers, waiting_for="customer"))
    assert due() == {} and taking_up.until(hers) is None


def test_numbers_that_cannot_be_are_refused_beside_their_field(desk, system):
    with pytest.raises(InvalidInput) as refused:
        decide(system, reminders=[5, 2], resolve_after=-1, close_after=10**6, hours="nowhere", needs_code=True)
    assert set(refused.value.fields) == {"reminders", "resolve_after", "close_after", "hours", "codes"}
    with pytest.raises(InvalidInput) as refused:
        decide(system, reminders=[2, 5], resolve_after=5)
    assert list(refused.value.fields) == ["resolve_after"]


def test_a_worker_that_dies_in_the_middle_leaves_it_due_and_the_next_does_it_once(waiting, hand, system, monkeypatch):
    hand.set(due()["remind_1"])
    key = TicketDeadline.objects.get(purpose="remind_1").pk
    write = deadlines.journal.write

    def killed(*args, **more):
        raise SystemExit

    monkeypatch.setattr(deadlines.journal, "write", killed)
    with pytest.raises(SystemExit), transaction.atomic():
        deadlines.fire(actor=system, deadline_id=key)
    assert mails() == [] and TicketDeadline.objects.get(pk=key).fired_at is None
    monkeypatch.setattr(deadlines.journal, "write", write)
    assert deadlines.fire(actor=system, deadline_id=key) and not deadlines.fire(actor=system, deadline_id=key)
    assert mails() == ["ticket_news"]


weeks = st.sets(st.integers(0, 6), min_size=1)


@given(
    weeks,
    st.sets(st.integers(0, 40), max_size=10),
    st.datetimes(dt.datetime(2026, 3, 1), dt.datetime(2026, 11, 30)),
    st.integers(1, 15),
)
@settings(max_examples=80, deadline=None)
def test_working_days_are_those_a_calendar_shows(week, closed, start, days):
    zone = "Europe/Berlin"
    moment = start.replace(tzinfo=dt.UTC)
    holidays = frozenset(moment.date() + dt.timedelta(days=each) for each in closed)
    hours = BusinessCalendar(zone, {day: [(dt.time(8), dt.time(17))] for day in week}, holidays)
    local = moment.astimezone(hours.as_zone())
    day, left = local.date(), days
    while left:  # slowly, a page of the calendar for each day
        day += dt.timedelta(days=1)
        if day.weekday() in week and day not in holidays:
            left -= 1
    found = closing.after_days(hours, moment, days)
    assert found >= moment
    there = found.astimezone(hours.as_zone())
    if local.time() <= dt.time(17) and not (local.time() < dt.time(8)):
        assert (there.date(), there.time()) == (day, local.time()) or there.time() == dt.time(8)
    assert there.weekday() in week and there.date() not in holidays and there.date() >= day
