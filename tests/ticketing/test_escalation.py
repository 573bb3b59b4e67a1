"""Steps before and after a promise's end: taken once, in time, at decent hours, and never a storm of mail."""

from __future__ import annotations

import datetime as dt

import pytest

from boss.core import clock, scoping
from boss.core.actors import Actor
from boss.core.problems import InvalidInput
from boss.notify.models import Delivery
from boss.tenancy.services import calendars
from tests.cast import actor_of, make_user
from tests.ticketing.conftest import make_desk
from tests.ticketing.test_races import at_once
from tests.ticketing.test_sla_promises import HOUR, MONDAY, WEEK, Hand, minutes
from ticketing import tasks
from ticketing.models import EscalationTimer, Message, Policy, StaffNotice, Ticket, TicketEvent
from ticketing.services import escalation, notices, policies, pools, tickets

STEPS = [
    {"clock": "resolve", "percent": 50, "acts": [{"act": "notify", "to": "assignee"}]},
    {"clock": "resolve", "minutes": -30, "acts": [{"act": "notify", "to": "pool"}, {"act": "raise_priority"}]},
    {
        "clock": "resolve", "minutes": 10, "page": True,
        "acts": [{"act": "notify", "to": "supervisor"}, {"act": "move", "to": "field"}, {"act": "note", "to": "Late"}],
    },
]  # fmt: skip


def promise(actor: Actor, category, *, steps=STEPS, hours: str = "desk") -> None:
    """The category's tickets are solved within four hours of the desk's time, and these steps watch over it."""
    for kind, rules in (
        ("sla", {"rows": [{"calendar": hours, "targets": {"resolve": 4 * HOUR}}]}),
        ("escalation", {"hours": hours, "steps": steps}),
    ):
        policy = policies.create(actor=actor, kind=kind, key=kind, name=kind.title())
        policies.draft(actor=actor, policy=policy, rules=rules)
        policies.publish(actor=actor, policy=policy)
        policies.use(actor=actor, policy=policy, category=category)


@pytest.fixture
def hand(monkeypatch):
    return Hand(monkeypatch)


@pytest.fixture
def watched(hand, desk, system, nora, bob) -> Ticket:
    """A ticket of the network's pool, opened on Monday at nine; Nora is in the pool."""
    calendars.define(actor=system, key="desk", name="Desk hours", time_zone="UTC", weekly=WEEK)
    promise(system, desk.trouble)
    return tickets.open(actor=bob, category_key="trouble", title="Slow", data={"symptom": "slow"})


def fire_due(actor: Actor) -> list[int]:
    """What the clock's task does in each realm; the numbers of the steps that were taken."""
    due = EscalationTimer.objects.filter(due_at__lte=clock.now()).order_by("due_at", "pk")
    return [timer.step for timer in list(due) if escalation.fire(actor=actor, timer_id=timer.pk)]


def told() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in StaffNotice.objects.select_related("user").order_by("pk"):
        found.setdefault(each.user.full_name, []).append(each.text)
    return found


def test_steps_are_taken_at_their_part_of_the_time_and_each_once(watched, hand, system, nora):
    tickets.claim(actor=actor_of(nora), ticket=watched)
    assert list(EscalationTimer.objects.order_by("step").values_list("due_at", flat=True)) == [
        minutes(120), minutes(210), minutes(250),
    ]  # fmt: skip
    hand.set(minutes(119))
    assert fire_due(system) == []
    hand.set(minutes(120))
    assert fire_due(system) == [0] and fire_due(system) == []
    assert told() == {"Nora North": ["Due soon: 50 % of: Solution"]}
    hand.set(minutes(300))
    assert fire_due(system) == [1, 2]
    watched.refresh_from_db()
    assert (watched.priority, watched.pool.key, watched.assignee) == (2, "field", None)
    # Nobody of the pool may give tickets to people: so all who may are its supervisors.
    late = [name for name, texts in told().items() if "Late: 10 minutes after: Solution" in texts]
    assert late == ["Alice Able", "Bob Baker"]
    first, *_rest = TicketEvent.objects.filter(ticket=watched, type="escalated").order_by("seq")
    assert first.after == {"reason": "50 % of: Solution", "done": ["Told: Nora North"]}
    assert list(EscalationTimer.objects.filter(fired_at=None)) == []


def test_steps_move_with_their_clock_and_end_with_it(watched, hand, bob, system):
    hand.set(minutes(60))
    tickets.wait(actor=bob, ticket=watched, waiting_for="customer")
    assert set(EscalationTimer.objects.values_list("due_at", flat=True)) == {None}
    hand.set(minutes(90))
    tickets.prioritize(actor=bob, ticket=watched, priority=1)
    ticket = tickets.claim(actor=bob, ticket=watched)
    assert ticket.state == "waiting_customer" and fire_due(system) == []
    tickets.add_message(actor=bob, ticket=watched, body="Well?")
    tickets.resolve(actor=bob, ticket=watched)
    hand.set(minutes(600))
    assert fire_due(system) == [] and told() == {}


def test_a_changed_ladder_leaves_open_tickets_or_holds_for_them_and_takes_no_step_again(watched, hand, system):
    hand.set(minutes(130))
    assert fire_due(system) == [0]
    policy = Policy.objects.get(key="escalation")
    soon = [STEPS[0], {"clock": "resolve", "percent": 60, "acts": [{"act": "note", "to": "Sixty"}]}]
    policies.draft(actor=system, policy=policy, rules={"steps": soon})
    policies.publish(actor=system, policy=policy)
    assert fire_due(system) == [] and set(due_steps()) == {minutes(210), minutes(250)}
    policies.revert(actor=system, policy=policy, number=2, open_tickets="from_now")
    assert due_steps() == [minutes(144)]
    hand.set(minutes(300))
    assert fire_due(system) == [1]


def due_steps() -> list[dt.datetime]:
    return list(EscalationTimer.objects.exclude(due_at=None).order_by("step").values_list("due_at", flat=True))


def test_S10_notices_wait_for_the_working_hours_unless_the_step_pages(watched, hand, system, nora, desk):
    late = MONDAY.replace(hour=19)
    hand.set(late)
    ticket = tickets.open(actor=system, category_key="trouble", title="Dead", due_at=late + dt.timedelta(hours=3))
    hand.set(late + dt.timedelta(hours=4))  # eleven in the evening
    fire_due(system)
    tuesday = MONDAY.replace(day=1, month=12, hour=8)
    waiting = {each.is_page: each.due_at for each in StaffNotice.objects.filter(ticket=ticket)}
    assert waiting == {False: tuesday, True: hand.at}
    assert notices.deliver(actor=system, user_id=nora.pk) == 0
    hand.set(tuesday)
    assert notices.deliver(actor=system, user_id=nora.pk) == 1
    assert Delivery.objects.filter(address=nora.email).count() == 1


def test_a_hundred_late_tickets_are_one_mail_and_no_more_than_six_an_hour_ever(watched, hand, system, nora):
    pool = [nora]
    for number in range(100):
        notices.write(watched, pool, key=f"k{number}", text="Late")
    assert [notices.deliver(actor=system, user_id=nora.pk) for _again in range(3)] == [1, 0, 0]
    for number in range(30):
        hand.on(minutes=1)
        notices.write(watched, pool, key=f"m{number}", text="Late")
        notices.deliver(actor=system, user_id=nora.pk)
    assert Delivery.objects.filter(address=nora.email).count() == notices.MOST_MAILS
    hand.on(hours=1)
    assert notices.deliver(actor=system, user_id=nora.pk) == 1
    assert not StaffNotice.objects.filter(due_at__isnull=False).exists()


def test_nobody_is_told_twice_of_one_thing_nor_of_what_is_over(watched, hand, system, nora, bob):
    for _again in range(2):
        notices.write(watched, [nora], key="same", text="Late")
    assert StaffNotice.objects.count() == 1
    tickets.cancel(actor=bob, ticket=watched, reason="Spam")
    assert notices.deliver(actor=system, user_id=nora.pk) == 0
    assert not Delivery.objects.filter(address=nora.email).exists()


def test_an_act_that_cannot_be_done_says_so_and_keeps_no_other_from_happening(watched, hand, system, desk):
    desk.field.key = "elsewhere"
    desk.field.save()
    hand.set(minutes(250))
    fire_due(system)
    told, moved, noted = EscalationTimer.objects.get(step=2).done
    assert (told, noted) == ("Told: Alice Able, Bob Baker", "Note written") and moved.startswith("Not done (move)")
    assert Message.objects.get(ticket=watched).body == "Late"


def test_a_ladder_of_nonsense_is_refused_with_its_place(watched, system):
    policy = policies.create(actor=system, kind="escalation", key="bad", name="Bad")
    steps = [{"clock": "lunch", "percent": 0, "acts": [{"act": "notify", "to": "role:nobody"}]}, {"clock": "own"}]
    with pytest.raises(InvalidInput) as refused:
        policies.draft(actor=system, policy=policy, rules={"steps": steps, "hours": "moon"})
    assert set(refused.value.fields) == {
        "hours", "steps.0.clock", "steps.0.percent", "steps.0.acts", "steps.1.percent", "steps.1.acts",
    }  # fmt: skip


def test_two_workers_and_one_that_died_take_a_step_once(real_db, cast, monkeypatch):
    """On a real database with real commits: one worker dies in the middle, then two are at it at the same time."""
    hand = Hand(monkeypatch)
    realm_id = cast.alpha.pk
    system = Actor.system(realm_id, "test")
    nora = make_user(cast.alpha, "nora@alpha.example", "Nora North", "noc")
    with scoping.realm_transaction(realm_id):
        desk = make_desk(system)
        pools.add_member(actor=system, pool=desk.noc, user=nora)
        acts = [{"act": "notify", "to": "pool"}, {"act": "note", "to": "Hm"}]
        step = {"clock": "resolve", "percent": 50, "acts": acts}
        promise(system, desk.trouble, steps=[step], hours="")
        ticket = tickets.open(actor=system, category_key="trouble", title="Slow")
    hand.set(minutes(121))

    def die(*args, **kwargs):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(escalation.tickets, "add_message", die)
        with pytest.raises(SystemExit):
            tasks.escalate()
    with scoping.realm_transaction(realm_id):
        assert not StaffNotice.objects.exists() and EscalationTimer.objects.get().fired_at is None
        timer_id = EscalationTimer.objects.get().pk

    fired = at_once(realm_id, *[lambda: escalation.fire(actor=system, timer_id=timer_id)] * 2)
    assert sorted(fired) == [False, True]
    assert tasks.escalate() == 1  # the mail
    assert tasks.escalate() == 0
    with scoping.realm_transaction(realm_id):
        assert TicketEvent.objects.filter(ticket=ticket, type="escalated").count() == 1
        assert list(Delivery.objects.values_list("address", flat=True)) == [nora.email]
