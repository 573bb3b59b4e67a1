"""Automation rules: looked at after the event, whole or not at all, never round in circles, and all on record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boss.automation.models import Endpoint
from boss.core import clock, expression_types, expressions, relay
from boss.core.actors import Actor
from boss.core.models import AuditEntry, FactDelivery
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from tests.cast import actor_of
from tests.workflow.workshop import chain
from ticketing import automations, dry_run
from ticketing.automation import judging, rules
from ticketing.choices import MessageKind, TicketState
from ticketing.models import Message, Policy, RuleBreaker, RuleRun, StaffNotice, Ticket, TicketEvent
from ticketing.services import automation, policies, snippets, tickets
from workflow import macros as workflow_steps
from workflow.models import Run, TaskRun
from workflow.services import definitions

URGENT = {"==": [{"var": "ticket.priority"}, 1]}


def rule(name: str, event: str, *steps: dict[str, str], when: Any = None, off: bool = False) -> dict[str, Any]:
    return {"name": name, "event": event, "when": when, "steps": list(steps), "off": off}


def note(text: str = "Looked at") -> dict[str, str]:
    return {"do": "note", "text": text}


def hold(actor, *told: dict[str, Any], category: Any = None, key: str = "rules") -> Policy:
    """These rules hold, everywhere or in a category."""
    policy = policies.create(actor=actor, kind="automation", key=key, name=key.title())
    policies.draft(actor=actor, policy=policy, rules={"rules": list(told)})
    policies.publish(actor=actor, policy=policy)
    policies.use(actor=actor, policy=policy, category=category)
    policy.refresh_from_db()
    return policy


def deliver(alpha, limit: int = 200) -> int:
    """What the relay does after the commits, until nothing is due."""
    return relay.deliver_due(alpha.pk, limit=limit)


def results() -> list[tuple[str, str, int]]:
    return list(RuleRun.objects.order_by("pk").values_list("name", "result", "depth"))


@pytest.fixture
def opened(desk, bob) -> Ticket:
    return tickets.open(actor=bob, category_key="trouble", title="Slow line", data={"symptom": "slow"})


def test_a_rule_acts_after_the_event_as_itself_and_is_on_record(alpha, desk, system, opened, bob):
    hold(system, rule("Urgent to the field", "priority", {"do": "pool", "value": "field"}, note(), when=URGENT))
    tickets.prioritize(actor=bob, ticket=opened, priority=1)
    opened.refresh_from_db()
    assert opened.pool.key == "noc" and not RuleRun.objects.exists()  # the event is kept first, the rule comes after
    deliver(alpha)
    opened.refresh_from_db()
    assert opened.pool.key == "field"
    run = RuleRun.objects.get()
    assert (run.result, run.actions, run.looked_at) == ("done", 2, {"ticket.priority": 1})
    assert run.told == "Move to the pool: Field; Internal note"
    moved = TicketEvent.objects.get(ticket=opened, type="sent_to_pool")
    assert (moved.actor_kind, moved.actor_label) == ("system", "Rule: Urgent to the field")
    assert AuditEntry.objects.get(action="ticket.sent_to_pool").actor_label == "Rule: Urgent to the field"


def test_a_rule_whose_condition_does_not_hold_does_nothing_and_says_so(alpha, system, opened, bob):
    hold(system, rule("Urgent", "priority", note(), when=URGENT), rule("Resting", "priority", note(), off=True))
    tickets.prioritize(actor=bob, ticket=opened, priority=4)
    deliver(alpha)
    assert results() == [("Urgent", "not_met", 1)]
    assert not Message.objects.filter(ticket=opened, kind=MessageKind.INTERNAL).exists()


def test_a_refused_step_takes_the_whole_rule_back_and_stops_no_other(alpha, desk, system, opened, bob):
    """The status wants a reason that the rule does not give."""
    hold(
        system,
        rule("Cancel", "priority", note("Never kept"), {"do": "status", "value": "cancelled"}),
        rule("Note", "priority", note("Kept")),
    )
    tickets.prioritize(actor=bob, ticket=opened, priority=1)
    deliver(alpha)
    assert [name for name, result, _depth in results() if result == "refused"] == ["Cancel"]
    assert [each.body for each in Message.objects.filter(ticket=opened, kind=MessageKind.INTERNAL)] == ["Kept"]
    assert "Step 2" in RuleRun.objects.get(name="Cancel").told
    opened.refresh_from_db()
    assert opened.is_open


def test_two_rules_that_set_one_another_off_end_after_three(alpha, system, opened, bob):
    high, normal = ({"==": [{"var": "ticket.priority"}, value]} for value in (2, 3))
    hold(
        system,
        rule("Up", "priority", {"do": "priority", "value": "2"}, when=normal),
        rule("Down", "priority", {"do": "priority", "value": "3"}, when=high),
    )
    tickets.prioritize(actor=bob, ticket=opened, priority=2)
    deliver(alpha)
    assert results()[:2] == [("Up", "not_met", 1), ("Down", "done", 1)]
    assert {depth for _name, result, depth in results() if result == "done"} == {1, 2, 3}
    assert {depth for _name, result, depth in results() if result == "too_deep"} == {4}
    assert TicketEvent.objects.filter(ticket=opened, type="prioritized").count() < 10
    assert not FactDelivery.objects.filter(delivered_at=None).exists()


def test_the_twenty_first_action_in_a_minute_is_refused_and_those_who_lead_are_told_once(
    alpha, desk, system, opened, bob, monkeypatch
):
    hold(system, rule("Echo", "priority", note()))
    at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: at)
    for number in range(22):
        tickets.prioritize(actor=bob, ticket=opened, priority=1 + number % 2)
    deliver(alpha, limit=500)
    told = [result for _name, result, _depth in results()]
    assert told == ["done"] * 20 + ["stopped"] * 2
    assert Message.objects.filter(ticket=opened, kind=MessageKind.INTERNAL).count() == 20
    notices = StaffNotice.objects.filter(ticket=opened)
    assert {each.user.full_name for each in notices} == {"Alice Able", "Bob Baker"} and notices.count() == 2
    assert TicketEvent.objects.filter(ticket=opened, type="rules_stopped").count() == 1

    monkeypatch.setattr(clock, "now", lambda: at + dt.timedelta(minutes=5))
    tickets.prioritize(actor=bob, ticket=opened, priority=4)
    deliver(alpha)
    assert results()[-1][1] == "stopped"  # it does not close by itself

    automation.let_act_again(actor=bob, ticket=opened)
    tickets.prioritize(actor=bob, ticket=opened, priority=3)
    deliver(alpha)
    assert results()[-1][1] == "done" and automations.find_breaker(opened) is None


def test_only_who_leads_lets_rules_act_again(alpha, desk, opened, nora):
    RuleBreaker.objects.create(ticket=opened, opened_at=clock.now(), opened_by="x")
    with pytest.raises(PermissionDenied):
        automation.let_act_again(actor=actor_of(nora), ticket=opened)
    assert automations.find_breaker(opened) is not None


def test_a_worker_killed_between_event_and_rule_loses_nothing_and_does_nothing_twice(
    alpha, system, opened, bob, monkeypatch
):
    hold(system, rule("Note", "priority", note()))
    tickets.prioritize(actor=bob, ticket=opened, priority=1)
    real = automation.macros.take_steps

    def killed(*args: Any) -> None:
        real(*args)
        raise SystemError("killed after the steps, before the commit")

    monkeypatch.setattr(automation.macros, "take_steps", killed)
    deliver(alpha, limit=1)
    assert not RuleRun.objects.exists() and not Message.objects.filter(ticket=opened, kind="internal").exists()
    monkeypatch.undo()
    FactDelivery.objects.filter(delivered_at=None).update(due_at=clock.now() - dt.timedelta(minutes=1))
    deliver(alpha)
    assert Message.objects.filter(ticket=opened, kind=MessageKind.INTERNAL).count() == 1
    # The same event told once more finds what is on record.
    event = TicketEvent.objects.get(ticket=opened, type="prioritized")
    assert automation.look(actor=system, ticket_id=opened.pk, event_id=event.pk) == []
    assert Message.objects.filter(ticket=opened, kind=MessageKind.INTERNAL).count() == 1


def test_the_nearest_rules_hold_and_a_realm_without_rules_keeps_no_event_waiting(alpha, desk, system, opened, bob):
    before = FactDelivery.objects.filter(handler="ticketing.obey_rules").count()
    tickets.prioritize(actor=bob, ticket=opened, priority=1)
    assert FactDelivery.objects.filter(handler="ticketing.obey_rules").count() == before == 0
    hold(system, rule("Everywhere", "priority", note()))
    hold(system, rule("Here", "priority", note()), category=desk.trouble, key="here")
    tickets.prioritize(actor=bob, ticket=opened, priority=2)
    deliver(alpha)
    assert [name for name, _result, _depth in results()] == ["Here"]


def test_what_boss_does_after_a_rule_counts_as_set_off_by_it(alpha, system, opened):
    hold(system, rule("Note", "priority", note()))
    tickets.prioritize(actor=system, ticket=opened, priority=1)
    deliver(alpha)
    tickets.prioritize(actor=system, ticket=opened, priority=2)
    deliver(alpha)
    assert [depth for _name, _result, depth in results()] == [1, 2]


def test_a_workflow_a_rule_has_started_hands_its_depth_to_the_ticket_it_opens(alpha, system, opened, bob, cast):
    """Rules that set one another off over several tickets end, too."""
    definitions.publish(actor=system, document={"key": "visit", "title": "Visit", "tasks": chain("a")})
    hold(system, rule("Visit", "priority", {"do": "workflow", "value": "visit"}))
    tickets.prioritize(actor=bob, ticket=opened, priority=1)
    deliver(alpha)
    run = Run.objects.get()
    assert run.inputs["ticket"] == opened.public_id
    assert workflow_steps.rule_run(TaskRun.objects.filter(run=run).first().pk) == RuleRun.objects.get(result="done").pk


def test_nobody_gets_done_by_a_rule_what_he_may_not_do_by_hand(desk, system, cast, nora):
    with pytest.raises(PermissionDenied):
        policies.create(actor=actor_of(nora), kind="automation", key="r", name="R")
    policy = policies.create(actor=system, kind="automation", key="r", name="R")
    alice = actor_of(cast.alice)
    narrow = type(alice)(
        realm_id=alice.realm_id, kind="api_key", label="Key", grants=alice.grants, api_key_id=1,
        scopes=frozenset({"ticketing.manage_policies"}),
    )  # fmt: skip
    with pytest.raises(InvalidInput) as refusal:
        policies.draft(
            actor=narrow, policy=policy,
            rules={"rules": [rule("R", "opened", {"do": "pool", "value": "field"})]},
        )  # fmt: skip
    assert list(refusal.value.fields) == ["rules.0.steps.1.do"]
    policy.refresh_from_db()
    assert policy.draft is None


@pytest.mark.parametrize(
    ("told", "places"),
    [
        ([], ["rules"]),
        ([rule("", "opened", note())], ["rules.0.name"]),
        ([rule("A", "never", note())], ["rules.0.event"]),
        ([rule("A", "opened")], ["rules.0.steps"]),
        ([rule("A", "opened", {"do": "assignee", "value": "me"})], ["rules.0.steps.1.value"]),
        ([rule("A", "opened", {"do": "pool", "value": "nowhere"})], ["rules.0.steps.1.value"]),
        ([rule("A", "opened", note(), when={"==": [{"var": "ticket.priority"}, "high"]})], ["rules.0.when"]),
        ([rule("A", "opened", note(), when={"var": "ticket.colour"})], ["rules.0.when"]),
        ([rule("A", "opened", note()), rule("a", "opened", note())], ["rules.1.name"]),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_at_its_place(desk, system, told, places):
    policy = policies.create(actor=system, kind="automation", key="r", name="R")
    with pytest.raises(InvalidInput) as refusal:
        policies.draft(actor=system, policy=policy, rules={"rules": told})
    assert list(refusal.value.fields) == places


def test_a_rule_writes_to_the_customer_only_by_a_step_that_says_so_and_keeps_no_promise_by_it(
    alpha, desk, system, hers, cast
):
    text = snippets.create(actor=actor_of(cast.alice), name="Known", texts={"en": "We know of it."})
    hold(system, rule("Tell", "priority", {"do": "reply", "value": text.public_id}))
    tickets.prioritize(actor=actor_of(cast.bob), ticket=hers, priority=1)
    deliver(alpha)
    said = Message.objects.get(ticket=hers, author_label="Rule: Tell")
    hers.refresh_from_db()
    assert (said.kind, said.from_customer, hers.first_response_at) == ("public", False, None)


def test_a_mail_whose_sender_nobody_could_verify_sets_off_nothing_outside_the_desk(alpha, system, opened, bob):
    definitions.publish(actor=system, document={"key": "visit", "title": "Visit", "tasks": chain("a")})
    hold(
        system,
        rule("Visit", "customer_wrote", {"do": "workflow", "value": "visit"}),
        rule("Note", "customer_wrote", note()),
    )
    stranger = Actor(realm_id=system.realm_id, kind="visitor", label="dana@home.example")
    for mail_class, trust in (("human", "unverified"), ("out_of_office", "verified")):
        tickets.add_mail(
            actor=system, ticket=opened, author=stranger, body="Still slow", kind=MessageKind.PUBLIC, wakes=True,
            marks=tickets.MailMarks(trust=trust, mail_class=mail_class),
        )  # fmt: skip
        deliver(alpha)
    assert results() == [("Visit", "refused", 1), ("Note", "done", 1)]  # and what no person wrote sets off nothing
    assert not Run.objects.exists()


def test_an_endpoint_is_told_by_a_run_of_a_workflow_and_by_nothing_else(alpha, system, opened, bob):
    Endpoint.objects.create(
        key="nms", title="Network", kind="http",
        settings={"url": "https://nms.example/api", "rules": "POST /tickets", "auth": "none"},
    )  # fmt: skip
    step = {"do": "endpoint", "value": "nms", "text": "POST /tickets"}
    hold(system, rule("Tell", "priority", step), rule("Wrong", "priority", {**step, "text": "DELETE /tickets"}))
    tickets.prioritize(actor=bob, ticket=opened, priority=1)
    deliver(alpha)
    assert results() == [("Tell", "done", 1), ("Wrong", "refused", 1)]
    run = Run.objects.get()
    told = {name: run.inputs[name] for name in ("endpoint", "method", "path", "number", "priority")}
    assert told == {
        "endpoint": "nms", "method": "POST", "path": "/tickets", "number": opened.number, "priority": 1,
    }  # fmt: skip
    assert TaskRun.objects.get(run=run).state == "ready"


def test_a_dry_run_tells_what_rules_would_have_done_and_changes_nothing(
    alpha, system, opened, bob, django_assert_max_num_queries
):
    for priority in (1, 4):
        tickets.prioritize(actor=bob, ticket=opened, priority=priority)
    policy = policies.create(actor=system, kind="automation", key="r", name="R")
    told = {"rules": [rule("Urgent", "priority", note(), when=URGENT)]}
    drafted = policies.draft(actor=system, policy=policy, rules=told)
    with django_assert_max_num_queries(12):
        (trial,) = dry_run.of(system, policy, drafted.draft)
    assert [(line.what, line.then) for line in trial.lines] == [
        ("Urgent: Its priority has changed", "its condition did not hold"),
        ("Urgent: Its priority has changed", "Internal note"),
    ]  # the newest first, each with the priority it had then
    assert not RuleRun.objects.exists()


# Conditions: one evaluator, and what was published can be judged

_NUMBER = st.sampled_from([{"var": "ticket.priority"}, {"var": "before.priority"}, 1, 2, 3, 4])
_TEXT = st.sampled_from(
    [{"var": "ticket.state"}, {"var": "before.state"}, {"var": "ticket.status"}, {"var": "ticket.pool"},
     {"var": "event.by"}, {"var": "ticket.title"}, "open", "new", "staff", "noc", ""]
)  # fmt: skip
_LEAF = st.one_of(
    st.builds(lambda o, a, b: {o: [a, b]}, st.sampled_from(["==", "!=", "<", ">="]), _NUMBER, _NUMBER),
    st.builds(lambda o, a, b: {o: [a, b]}, st.sampled_from(["==", "!=", "in"]), _TEXT, _TEXT),
    st.builds(lambda a: {"empty": a}, _TEXT),
    st.sampled_from([{"var": "ticket.assigned"}, {"var": "event.verified"}, True, False]),
)
_CONDITION = st.recursive(
    _LEAF,
    lambda inner: st.one_of(
        st.builds(lambda a, b: {"and": [a, b]}, inner, inner),
        st.builds(lambda a, b: {"or": [a, b]}, inner, inner),
        st.builds(lambda a: {"not": a}, inner),
    ),
    max_leaves=6,
)


@given(when=_CONDITION, state=st.sampled_from(TicketState.values), priority=st.integers(1, 4), assigned=st.booleans())
def test_a_condition_that_may_be_published_is_always_judged_and_as_the_one_evaluator_does(
    when: Any, state: str, priority: int, assigned: bool
) -> None:
    if expression_types.condition_problems(when, rules.NAMES):
        return
    names = {
        "event": {"by": "staff", "verified": True},
        "ticket": {
            "priority": priority, "state": state, "status": state, "category": "trouble", "pool": None,
            "title": "no internet", "assigned": assigned, "business": False,
        },
        "before": {"priority": None, "state": None, "status": None},
        "fields": {},
    }  # fmt: skip
    held, unclear = judging.holds(when, names)
    assert (held, unclear) == (bool(expressions.evaluate(when, names)), "")
    assert judging.holds({"not": when}, names) == (not held, "")
    read: Sequence[str] = sorted(expressions.names_in(when))
    assert sorted(judging.looked_at(when, names, ())) == read
