"""The rules of promised times, S1 to S12 of the reference, each kept by the verbs of the desk."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from boss.core import clock
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.tenancy.services import calendars
from tests.cast import actor_of
from ticketing import why
from ticketing.choices import Priority
from ticketing.models import CalendarVersion, PolicyVersion, SlaClock, SlaTerm, Ticket
from ticketing.services import policies, tickets
from ticketing.sla.kinds import ClockState

MONDAY = dt.datetime(2026, 11, 30, 9, 0, tzinfo=dt.UTC)
WEEK = {day: ["08:00-20:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat")}
MINUTE, HOUR = 60, 3600


class Hand:
    """Moves the clock of the desk."""

    def __init__(self, monkeypatch) -> None:
        self.monkeypatch, self.at = monkeypatch, MONDAY
        self.set(MONDAY)

    def set(self, moment: dt.datetime) -> None:
        self.at = moment
        self.monkeypatch.setattr(clock, "now", lambda: moment)

    def on(self, **span: float) -> dt.datetime:
        self.set(self.at + dt.timedelta(**span))
        return self.at


@pytest.fixture
def hand(monkeypatch):
    return Hand(monkeypatch)


@pytest.fixture
def hours(alpha, system):
    return calendars.define(actor=system, key="desk", name="Desk hours", time_zone="UTC", weekly=WEEK)


@pytest.fixture
def promised(hand, desk, hours, system):
    """Trouble: by the desk's hours; critical ones are quicker. Only the solution pauses while the customer's move."""
    policy = policies.create(actor=system, kind="sla", key="trouble", name="P2 business")
    policies.draft(actor=system, policy=policy, rules=rules())
    policies.publish(actor=system, policy=policy)
    policies.use(actor=system, policy=policy, category=desk.trouble)
    policy.refresh_from_db()
    return policy


def rules(first: int = 30 * MINUTE, resolve: int = 4 * HOUR) -> dict:
    return {
        "rows": [
            {"priorities": [1], "calendar": "", "targets": {"first": 10 * MINUTE, "resolve": HOUR}},
            {
                "calendar": "desk",
                "targets": {
                    "own": 15 * MINUTE, "first": first, "next": HOUR, "inform": 2 * HOUR, "resolve": resolve,
                },
            },
        ],
        "pauses": {"waiting_customer": ["resolve"]},
    }  # fmt: skip


@pytest.fixture
def hurt(promised, dana) -> Ticket:
    """Dana's ticket, opened on Monday at nine."""
    return tickets.open(
        actor=actor_of(dana), category_key="trouble", title="Slow", body="Since nine", data={"symptom": "slow"}
    )


def clock_of(ticket: Ticket, kind: str, number: int = 1) -> SlaClock:
    return SlaClock.objects.get(ticket=ticket, kind=kind, round=number)


def minutes(count: int) -> dt.datetime:
    return MONDAY + dt.timedelta(minutes=count)


def test_S1_a_due_time_follows_from_start_target_hours_and_pauses_in_the_same_transaction(
    hurt, hand, bob, hours, system
):
    assert (hurt.due_at, hurt.resolve_due_at) == (minutes(15), minutes(240))
    hand.on(hours=1)
    tickets.wait(actor=bob, ticket=hurt, waiting_for="customer")
    with pytest.raises(RuntimeError), transaction.atomic():
        hand.on(hours=1)
        tickets.add_message(actor=actor_of(hurt.requester), ticket=hurt, body="Here I am")
        raise RuntimeError
    hurt.refresh_from_db()
    # Undone with the message: the solution's clock still stands.
    assert (hurt.state, clock_of(hurt, "resolve").state) == ("waiting_customer", ClockState.PAUSED)
    tickets.add_message(actor=actor_of(hurt.requester), ticket=hurt, body="Here I am")
    assert clock_of(hurt, "resolve").due_at == minutes(300)
    # The calendar is another now; what was agreed by the old one stands.
    calendars.define(actor=system, key="desk", name="Desk hours", time_zone="UTC", weekly={"sun": ["10:00-11:00"]})
    told = {each.kind: each.due_at for each in why.explain(bob, hurt)}
    assert told["resolve"] == minutes(300)


def test_S2_the_first_answer_is_a_public_message_by_a_person_of_the_staff_and_nothing_else(
    hurt, hand, bob, nora, system
):
    hand.on(minutes=5)
    tickets.claim(actor=actor_of(nora), ticket=hurt)
    tickets.add_message(actor=bob, ticket=hurt, body="Look at the line", kind="internal")
    tickets.add_message(actor=system, ticket=hurt, body="We have received your ticket")
    tickets.add_message(actor=actor_of(hurt.requester), ticket=hurt, body="Hello?")
    with pytest.raises(InvalidInput):
        tickets.add_message(actor=bob, ticket=hurt, body="  \n ")
    assert clock_of(hurt, "own").state == ClockState.MET
    assert clock_of(hurt, "first").state == ClockState.RUNNING
    hand.on(minutes=10)
    tickets.add_message(actor=bob, ticket=hurt, body="We are on it")
    answered = clock_of(hurt, "first")
    assert (answered.state, answered.stopped_at) == (ClockState.MET, minutes(15))


def test_S3_the_next_answer_counts_from_the_oldest_message_that_has_none(hurt, hand, bob):
    dana = actor_of(hurt.requester)
    tickets.add_message(actor=bob, ticket=hurt, body="We are on it")
    hand.on(minutes=10)
    tickets.add_message(actor=dana, ticket=hurt, body="Any news?")
    hand.on(minutes=20)
    tickets.add_message(actor=dana, ticket=hurt, body="Still nothing")
    assert clock_of(hurt, "next").due_at == minutes(70)
    tickets.add_message(actor=bob, ticket=hurt, body="Tomorrow")
    assert clock_of(hurt, "next").state == ClockState.MET
    hand.on(minutes=5)
    tickets.add_message(actor=dana, ticket=hurt, body="And today?")
    assert clock_of(hurt, "next", 2).due_at == minutes(95)


def test_S4_first_and_next_answer_do_not_overrule_one_another(hurt, hand, bob):
    dana = actor_of(hurt.requester)
    hand.on(minutes=40)
    tickets.add_message(actor=dana, ticket=hurt, body="Hello?")
    # The first answer is late and stays so; no later message gives it more time or another name.
    assert clock_of(hurt, "first").due_at == minutes(30)
    assert not SlaClock.objects.filter(ticket=hurt, kind="next").exists()
    tickets.add_message(actor=bob, ticket=hurt, body="Sorry")
    tickets.add_message(actor=dana, ticket=hurt, body="So?")
    hand.on(minutes=30)
    tickets.add_message(actor=bob, ticket=hurt, body="Done soon")
    assert (clock_of(hurt, "first").state, clock_of(hurt, "next").state) == (ClockState.MISSED, ClockState.MET)


def test_S5_a_clock_stands_still_only_where_it_is_listed_and_then_has_left_what_it_had(hurt, hand, bob):
    hand.on(minutes=20)
    tickets.add_message(actor=bob, ticket=hurt, body="What colour is the light?")
    tickets.wait(actor=bob, ticket=hurt, waiting_for="customer", reason="Colour of the light")
    states = {each.kind: each.state for each in SlaClock.objects.filter(ticket=hurt, stopped_at=None)}
    assert states == {"own": "running", "inform": "running", "resolve": "paused"}
    hand.on(days=2)
    tickets.add_message(actor=actor_of(hurt.requester), ticket=hurt, body="Red")
    # 3 h 40 min were left; Wednesday 9:20 and so much on.
    assert clock_of(hurt, "resolve").due_at == hand.at + dt.timedelta(minutes=220)
    tickets.wait(actor=bob, ticket=hurt, waiting_for="other")
    assert clock_of(hurt, "resolve").state == ClockState.RUNNING


def test_S6_another_priority_keeps_the_start_and_the_earlier_pauses(hurt, hand, bob, nora):
    hand.on(minutes=10)
    tickets.wait(actor=bob, ticket=hurt, waiting_for="customer")
    hand.on(minutes=10)
    tickets.add_message(actor=actor_of(hurt.requester), ticket=hurt, body="Here")
    ticket = tickets.prioritize(actor=bob, ticket=hurt, priority=Priority.CRITICAL, reason="All are down")
    # An hour from nine, with the ten minutes that did not count.
    assert (ticket.resolve_due_at, clock_of(hurt, "first").due_at) == (minutes(70), minutes(10))
    # No promise of taking up or news for this priority: no longer needed, and not missed.
    assert {clock_of(hurt, kind).state for kind in ("own", "inform")} == {ClockState.VOID}
    back = tickets.prioritize(actor=bob, ticket=hurt, priority=Priority.NORMAL)
    assert back.resolve_due_at == minutes(250)
    assert SlaTerm.objects.filter(clock=clock_of(hurt, "resolve")).count() == 3
    with pytest.raises(PermissionDenied):
        tickets.prioritize(actor=actor_of(hurt.requester), ticket=hurt, priority=Priority.CRITICAL)
    hurt.refresh_from_db()
    assert hurt.priority == Priority.NORMAL


@pytest.mark.parametrize(
    ("open_tickets", "due"), [("leave", 240), ("from_now", 120), ("recompute", 60)], ids=lambda value: str(value)
)
def test_S7_a_changed_policy_leaves_open_tickets_or_counts_from_now_or_all_anew(
    hurt, hand, promised, system, bob, open_tickets, due
):
    done = tickets.open(actor=bob, category_key="trouble", title="Done", data={"symptom": "slow"})
    done = tickets.resolve(actor=bob, ticket=done)
    hand.on(hours=2)
    policies.draft(actor=system, policy=promised, rules=rules(resolve=HOUR))
    with pytest.raises(InvalidInput):
        policies.publish(actor=system, policy=promised, open_tickets="whatever")
    policies.publish(actor=system, policy=promised, open_tickets=open_tickets)
    hurt.refresh_from_db()
    # From now on: nobody is late for what was over before it was agreed.
    assert hurt.resolve_due_at == minutes(due)
    closed = SlaClock.objects.get(ticket=done, kind="resolve")
    assert (closed.due_at, closed.terms.count()) == (minutes(240), 1)


def test_S7_changed_hours_ask_the_same(hurt, hand, promised, system, bob, hours):
    hand.on(hours=1)
    calendars.define(
        actor=system,
        key="desk",
        name="Desk hours",
        time_zone="UTC",
        weekly={**WEEK, "mon": ["08:00-10:30", "15:00-20:00"]},
    )
    assert policies.hours_changed(actor=system, calendar_key="desk", open_tickets="leave") == 0
    hurt.refresh_from_db()
    assert hurt.resolve_due_at == minutes(240)
    assert policies.hours_changed(actor=system, calendar_key="desk", open_tickets="from_now") == 1
    hurt.refresh_from_db()
    # An hour is used, half an hour is left this morning; the rest of four hours is counted from three o'clock.
    assert hurt.resolve_due_at == MONDAY.replace(hour=17, minute=30)
    assert list(CalendarVersion.objects.order_by("number").values_list("number", flat=True)) == [1, 2]


def test_S8_what_is_cancelled_is_not_missed(hurt, hand, bob):
    hand.on(days=3)
    ticket = tickets.cancel(actor=bob, ticket=hurt, reason="Spam")
    assert {each.state for each in SlaClock.objects.filter(ticket=hurt)} == {ClockState.VOID}
    assert ticket.due_at is None


def test_S9_opened_again_a_new_clock_runs_and_the_old_one_stays_as_it_ended(hurt, hand, bob):
    hand.on(hours=2)
    tickets.resolve(actor=bob, ticket=hurt)
    hand.on(hours=1)
    ticket = tickets.reopen(actor=bob, ticket=hurt)
    assert (clock_of(hurt, "resolve").state, clock_of(hurt, "resolve").stopped_at) == (ClockState.MET, minutes(120))
    assert clock_of(hurt, "resolve", 2).due_at == minutes(180 + 240) == ticket.resolve_due_at


def test_S11_what_staff_promise_one_another_is_shown_apart(desk, hand, hours, system, bob):
    policy = policies.create(actor=system, kind="sla", key="office", name="Office work")
    policies.draft(actor=system, policy=policy, rules={"rows": [{"targets": {"own": HOUR, "resolve": 8 * HOUR}}]})
    policies.publish(actor=system, policy=policy)
    policies.use(actor=system, policy=policy, category=desk.office)
    ticket = tickets.open(actor=bob, category_key="office", title="Order chairs")
    told = why.explain(bob, ticket)
    assert [(each.kind, each.is_internal) for each in told] == [("own", True), ("resolve", True)]


def test_S12_the_ticket_says_why_it_is_due_then(hurt, hand, bob):
    hand.on(minutes=20)
    tickets.wait(actor=bob, ticket=hurt, waiting_for="customer")
    hand.on(minutes=35)
    tickets.add_message(actor=actor_of(hurt.requester), ticket=hurt, body="Here")
    told = {each.kind: each for each in why.explain(bob, hurt)}
    assert told["resolve"].sentence == (
        "Solution due Mon, 30 Nov, 13:35 — P2 business v1, Desk hours Mon–Sat 08:00–20:00 (UTC), "
        "paused 0:35 (waiting for the customer)"
    )
    assert list(told["resolve"].steps) == [
        "It began Mon, 30 Nov, 09:00.",
        "4 h by P2 business v1, counted Desk hours Mon–Sat 08:00–20:00 (UTC).",
        "It stood still from Mon, 30 Nov, 09:20 to Mon, 30 Nov, 09:55: waiting for the customer.",
        "Of 4 h, 0:20 are used.",
        "So it is due Mon, 30 Nov, 13:35.",
    ]
    assert why.explain(actor_of(hurt.requester), hurt) == []


def test_a_categorys_own_two_targets_are_the_simple_form_of_a_policy(hand, desk, bob, dana):
    desk.trouble.first_reply_target = dt.timedelta(minutes=30)
    desk.trouble.resolve_target = dt.timedelta(hours=4)
    desk.trouble.save()
    ticket = tickets.open(actor=actor_of(dana), category_key="trouble", title="Slow", data={"symptom": "slow"})
    assert (ticket.due_at, ticket.resolve_due_at) == (minutes(30), minutes(240))
    assert "the category's own targets, around the clock" in why.explain(bob, ticket)[0].sentence


def test_the_nearest_policy_wins(hand, desk, promised, system, bob):
    realm = policies.create(actor=system, kind="sla", key="all", name="All")
    policies.draft(actor=system, policy=realm, rules={"rows": [{"targets": {"resolve": 9 * HOUR}}]})
    policies.publish(actor=system, policy=realm)
    policies.use(actor=system, policy=realm, category=None)
    assert tickets.open(actor=bob, category_key="office", title="Chairs").due_at == minutes(9 * 60)
    trouble = tickets.open(actor=bob, category_key="trouble", title="Slow", data={"symptom": "slow"})
    assert trouble.resolve_due_at == minutes(240)
    policies.stop_using(actor=system, policy=promised, category=desk.trouble)
    later = tickets.open(actor=bob, category_key="trouble", title="Slow", data={"symptom": "slow"})
    assert later.resolve_due_at == minutes(9 * 60)


def test_an_instant_given_by_hand_stands_whatever_the_policy_says(hurt, hand, promised, system):
    day = MONDAY + dt.timedelta(days=1)
    given = tickets.open(
        actor=system, category_key="trouble", title="Visit", due_at=day, data={"symptom": "slow"}
    )  # fmt: skip
    policies.draft(actor=system, policy=promised, rules=rules(resolve=HOUR))
    policies.publish(actor=system, policy=promised, open_tickets="recompute")
    given.refresh_from_db()
    assert given.resolve_due_at == day


def test_versions_stay_and_a_reverted_policy_says_again_what_it_said(promised, system):
    policies.draft(actor=system, policy=promised, rules=rules(first=HOUR))
    policies.publish(actor=system, policy=promised, note="Slower")
    policies.revert(actor=system, policy=promised, number=1)
    first, second, third = PolicyVersion.objects.filter(policy=promised).order_by("number")
    assert third.rules == first.rules != second.rules
    promised.refresh_from_db()
    assert promised.current == third


def test_rules_that_say_nothing_or_nonsense_are_refused_with_their_place(promised, system, bob, cast):
    bad = {
        "rows": [{"targets": {"first": 5, "lunch": HOUR}, "calendar": "moon", "priorities": [9]}],
        "pauses": {"new": []},
    }
    with pytest.raises(InvalidInput) as refused:
        policies.draft(actor=system, policy=promised, rules=bad)
    assert set(refused.value.fields) == {
        "rows.0.targets", "rows.0.targets.first", "rows.0.targets.lunch", "rows.0.calendar", "rows.0.priorities",
        "pauses",
    }  # fmt: skip
    with pytest.raises(PermissionDenied):
        policies.draft(actor=bob, policy=promised, rules=rules())
    promised.refresh_from_db()
    assert promised.draft is None


def test_a_reply_costs_a_ticket_without_promises_one_look(hers, bob):
    tickets.add_message(actor=bob, ticket=hers, body="One moment")
    with CaptureQueriesContext(connection) as asked:
        tickets.add_message(actor=bob, ticket=hers, body="We look into it")
    assert sum("ticketing_sla" in query["sql"] for query in asked) == 1
