"""A run sent back to one of its tasks, and a run amended while it is under way."""

from __future__ import annotations

import random

import pytest

from boss.core import scoping
from boss.core.problems import InvalidInput, NotFound
from tests.workflow.driving import drive
from tests.workflow.workshop import Done, Fail, chain, shop, task
from ticketing.models import Ticket
from ticketing.selectors import outcomes_of
from ticketing.services import tickets
from workflow import journal
from workflow.contracts import Wait
from workflow.engine import claims, execution, outcomes
from workflow.errors import (
    AlreadyGoingBack,
    LeaseLost,
    NoReturnPoint,
    NotYetReached,
    PastNoReturn,
    RunIsClosed,
    RunIsReversing,
)
from workflow.models import Run, TaskRun
from workflow.services import definitions, runs


def fresh(run):
    return Run.objects.get(pk=run.pk)


def wait(key="w", *after, **rest):
    return {
        "key": key, "title": "Wait", "kind": "wait", "signal": "go", "deadline_seconds": 1e6, "on_deadline": "done",
        "after": list(after),
        **rest,
    }  # fmt: skip


@pytest.fixture
def waiting(begin, go):
    """a → b → (c, d) → w: all done but the wait; b is a point the run may go back to."""
    run = begin([*chain("a"), task("b", "a", return_point=True), task("c", "b"), task("d", "b"), wait("w", "c", "d")])
    go(hurry=False)
    return run


def test_going_back_undoes_what_came_after_and_does_it_again(waiting, go, states, bob):
    plan = runs.preview_taking_back(actor=bob, run=waiting, to="b")
    assert [(s.key, s.how) for s in plan.steps] == [
        ("w", "stopped"), ("d", "undone"), ("c", "undone"), ("b", "undone"),
    ]  # fmt: skip
    shop.calls.clear()
    runs.take_back(actor=bob, run=waiting, to="b", reason="measured wrong")
    assert states(waiting)["a"] == "done" and fresh(waiting).state == "running"
    go(hurry=False)
    assert states(waiting) == {"a": "done", "b": "done", "c": "done", "d": "done", "w": "waiting"}
    done = [(verb, key) for verb, key, _n in shop.calls]
    assert {*done[:2]} == {("undo", "c"), ("undo", "d")} and done[2] == ("undo", "b")
    assert done[3] == ("do", "b") and {*done[4:]} == {("do", "c"), ("do", "d")}
    assert len(shop.effects) == 4, "what was done again is there once"
    go()
    assert any("measured wrong" in line.text for line in journal.journal(waiting))


def test_what_is_done_again_is_another_effect_with_another_key(waiting, go, bob):
    runs.take_back(actor=bob, run=waiting, to="b", reason="again")
    go(hurry=False)
    assert len(shop.keys["do", "b"]) == 2 and len(shop.keys["do", "a"]) == 1


def test_a_run_that_went_back_can_still_be_reversed_entirely(waiting, go, bob):
    runs.take_back(actor=bob, run=waiting, to="b", reason="again")
    go(hurry=False)
    runs.reverse(actor=bob, run=waiting, reason="no")
    go()
    assert fresh(waiting).state == "reversed" and shop.effects == {}


def test_reversing_while_it_goes_back_reverses_everything(waiting, go, states, bob, alice):
    shop.undo_plans["c"] = [Fail("stuck")]
    runs.take_back(actor=bob, run=waiting, to="b", reason="again")
    go(hurry=False)
    assert states(waiting)["c"] == "undo_attention" and states(waiting)["b"] == "done"
    with pytest.raises(AlreadyGoingBack):
        runs.take_back(actor=bob, run=waiting, to="b", reason="again")
    runs.reverse(actor=bob, run=waiting, reason="no")
    go()
    tickets.resolve(actor=alice, ticket=Ticket.objects.get(), outcome="retry", values={})
    go()
    assert fresh(waiting).state == "reversed" and shop.effects == {}


def test_a_failed_undo_on_the_way_back_is_a_ticket_and_the_run_goes_on_when_it_is_settled(
    waiting, go, states, bob, alice
):
    shop.undo_plans["c"] = [Fail("stuck")]
    runs.take_back(actor=bob, run=waiting, to="b", reason="again")
    go(hurry=False)
    ticket = TaskRun.objects.get(run=waiting, key="c").ticket
    tickets.resolve(actor=alice, ticket=ticket, outcome="done", values={})
    go(hurry=False)
    assert states(waiting) == {"a": "done", "b": "done", "c": "done", "d": "done", "w": "waiting"}


def test_an_attempt_under_way_is_let_finish_then_undone_then_done_again(waiting, begin, go, states, bob, alpha):
    runs.take_back(actor=bob, run=waiting, to="b", reason="again")
    drive(alpha.pk, hurry=False, most=3)
    running = TaskRun.objects.get(run=waiting, key="b")
    while running.state != "ready":
        assert drive(alpha.pk, hurry=False, most=1)
        running.refresh_from_db()
    claim = claims.take(alpha.pk, running.pk)
    runs.take_back(actor=bob, run=waiting, to="b", reason="once more")
    assert states(waiting)["b"] == "running"
    outcomes.done(claim, {}, {"number": 1}, "")
    assert states(waiting)["b"] == "undo_ready"
    go(hurry=False)
    assert states(waiting)["w"] == "waiting" and TaskRun.objects.get(run=waiting, key="b").generation == 2


def test_going_back_is_refused_where_it_may_not_be_and_nothing_changes(waiting, begin, go, bob, charlie, system):
    def refused(error, run, to, reason="why", actor=bob):
        before = (fresh(run).sequence, list(shop.effects))
        with pytest.raises(error):
            runs.take_back(actor=actor, run=run, to=to, reason=reason)
        assert (fresh(run).sequence, list(shop.effects)) == before

    refused(NoReturnPoint, waiting, "c")
    refused(NotFound, waiting, "nothing")
    refused(InvalidInput, waiting, "b", reason=" ")
    far = begin([task("a", return_point=True), task("m", "a", point_of_no_return=True), wait("w", "m")], key="far")
    go(hurry=False)
    refused(PastNoReturn, far, "a")
    early = begin([wait(), task("a", "w", return_point=True)], key="early")
    go(hurry=False)
    refused(NotYetReached, early, "a")
    runs.reverse(actor=bob, run=early, reason="no")
    refused(RunIsClosed, early, "a")
    shop.undo_plans["a"] = [Fail("stuck")]
    runs.reverse(actor=bob, run=waiting, reason="no")
    go()
    refused(RunIsReversing, waiting, "b")


def test_a_branch_that_was_left_out_is_asked_again(begin, go, states, bob):
    other = {"when": {"==": [{"var": "tasks.a.number"}, 2]}}
    run = begin([task("a", return_point=True), task("x", "a", **other), task("y", "x"), task("z", "a"), wait("w", "z")])
    go(hurry=False)
    assert states(run) == {"a": "done", "x": "skipped", "y": "skipped", "z": "done", "w": "waiting"}
    shop.plans["a"] = [Done({"number": 2})]
    runs.take_back(actor=bob, run=run, to="a", reason="again")
    go(hurry=False)
    assert states(run) == {"a": "done", "x": "done", "y": "done", "z": "done", "w": "waiting"}


INPUTS = {"mail": 1, "voice": 1, "dns": True}


def number(name):
    return {"with": {"number": {"var": f"inputs.{name}"}}}


@pytest.fixture
def order(begin, go):
    run = begin(
        [
            *chain("a"), task("mail", "a", **number("mail")), task("voice", "a", **number("voice")),
            task("e911", "voice", **{"with": {"number": {"var": "tasks.voice.number"}}}),
            task("dns", "a", when={"var": "inputs.dns"}), wait("w", "mail", "e911", "dns"),
            task("z", "w", **number("mail")),
        ],
        inputs=dict(INPUTS),
    )  # fmt: skip
    go(hurry=False)
    shop.calls.clear()
    return run


def touched():
    return {key for _verb, key, _n in shop.calls}


def test_an_amendment_undoes_and_redoes_only_what_differs(order, go, states, bob):
    assert runs.amend(actor=bob, run=order, inputs={**INPUTS, "mail": 5}, reason="more mail") == ("mail",)
    go(hurry=False)
    assert touched() == {"mail"} and shop.contexts["mail"].inputs == {"number": 5}
    assert shop.contexts["undo mail"].inputs == {"number": 1}, "undone as it was done"
    assert states(order)["w"] == "waiting"
    go()
    assert shop.contexts["z"].inputs == {"number": 5}


def test_what_reads_the_results_of_a_changed_task_is_done_again_too(order, go, bob):
    assert runs.amend(actor=bob, run=order, inputs={**INPUTS, "voice": 2}, reason="other number") == ("voice", "e911")
    go(hurry=False)
    assert touched() == {"voice", "e911"} and shop.contexts["e911"].inputs == {"number": 2}
    assert next(c for c in shop.calls if c[0] == "undo")[1] == "e911"


def test_what_is_not_wanted_any_more_is_undone_and_what_is_wanted_now_is_done(order, go, states, bob):
    runs.amend(actor=bob, run=order, inputs={**INPUTS, "dns": False}, reason="no name")
    go(hurry=False)
    assert states(order)["dns"] == "skipped" and touched() == {"dns"} and states(order)["w"] == "waiting"
    shop.calls.clear()
    runs.amend(actor=bob, run=order, inputs=dict(INPUTS), reason="yes, a name")
    go(hurry=False)
    assert states(order)["dns"] == "done" and touched() == {"dns"}
    go()
    assert fresh(order).state == "completed"


def test_another_time_to_wait_for_and_another_list_to_go_through_are_differences(begin, go, states, bob, system):
    child = {"key": "child", "title": "Child", "tasks": [task("only")]}
    definitions.publish(actor=system, document=child)
    each = {"key": "all", "title": "All", "kind": "each", "definition": "child", "over": {"var": "inputs.units"}}
    pause = {"key": "pause", "title": "Pause", "kind": "wait", "until": {"var": "inputs.seconds"}}
    run = begin([each, pause], inputs={"units": [1, 2], "seconds": 1000})
    go(hurry=False)
    assert states(run) == {"all": "done", "pause": "waiting"} and len(shop.effects) == 2

    other = {"units": [1, 2, 3], "seconds": 900_000}
    assert runs.amend(actor=bob, run=run, inputs=other, reason="a third unit, later") == ("all", "pause")
    go(hurry=False)
    assert fresh(run).outputs["all"]["count"] == 3 and len(shop.effects) == 3, "each unit is there once"
    waiting = TaskRun.objects.get(run=run, key="pause")
    assert (waiting.due_at - waiting.started_at).total_seconds() > 800_000


def test_an_amendment_of_nothing_touches_nothing(order, go, states, bob):
    assert runs.amend(actor=bob, run=order, inputs=dict(INPUTS), reason="a note") == ()
    go(hurry=False)
    assert touched() == set() and states(order)["w"] == "waiting"


def test_an_amendment_past_a_point_of_no_return_is_refused_whole(begin, go, bob):
    letter = task("letter", point_of_no_return=True, **number("n"))
    run = begin([letter, task("b", "letter", **number("n")), wait("w", "b")], inputs={"n": 1})
    go(hurry=False)
    with pytest.raises(PastNoReturn):
        runs.amend(actor=bob, run=run, inputs={"n": 2}, reason="no")
    assert fresh(run).inputs == {"n": 1} and fresh(run).taken_back is None


def test_inputs_that_do_not_fit_are_refused_beside_the_field(order, bob):
    with pytest.raises(InvalidInput) as refused:
        runs.amend(actor=bob, run=order, inputs={**INPUTS, "mail": "many"}, reason="no")
    assert set(refused.value.fields) == {"inputs.mail"} and fresh(order).inputs == INPUTS


def test_a_failed_task_whose_inputs_are_amended_is_tried_anew_and_its_ticket_closed(begin, go, states, bob):
    shop.plans["a"] = [Fail("such a number does not exist")]
    run = begin([task("a", **number("n")), task("b", "a")], inputs={"n": 1})
    go()
    assert states(run)["a"] == "attention"
    runs.amend(actor=bob, run=run, inputs={"n": 2}, reason="typing error")
    go()
    assert states(run) == {"a": "done", "b": "done"} and fresh(run).state == "completed"
    assert Ticket.objects.get().state == "cancelled"


def test_a_person_who_skipped_a_task_is_not_overruled_by_an_amendment(begin, go, states, bob, alice):
    shop.plans["a"] = [Fail("no")]
    run = begin([task("a", skippable=True), task("b", **number("n")), wait()], inputs={"n": 1})
    go(hurry=False)
    tickets.resolve(actor=alice, ticket=Ticket.objects.get(), outcome="skip", values={})
    runs.amend(actor=bob, run=run, inputs={"n": 2}, reason="other")
    go(hurry=False)
    assert states(run) == {"a": "skipped", "b": "done", "w": "waiting"}


def test_a_task_that_waits_inside_its_work_is_taken_back_too(begin, go, states, bob):
    shop.plans["a"] = [Wait(signal="answer"), Done({"number": 1}), Done({"number": 2})]
    run = begin([task("a", **number("n"))], inputs={"n": 1})
    go(hurry=False)
    runs.amend(actor=bob, run=run, inputs={"n": 2}, reason="other")
    go(hurry=False)
    assert ("undo", "a", 2) in shop.calls and states(run) == {"a": "done"}


def test_a_late_result_of_an_earlier_generation_is_refused(begin, go, states, bob, alpha):
    run = begin([task("a", **number("n")), wait("w", "a")], inputs={"n": 1})
    late = claims.take(alpha.pk, TaskRun.objects.get(run=run, key="a").pk)
    while states(run)["w"] != "waiting":
        drive(alpha.pk, leases=True, most=1)
    runs.amend(actor=bob, run=run, inputs={"n": 2}, reason="other")
    go(hurry=False)
    with pytest.raises(LeaseLost), scoping.realm_transaction(alpha.pk):
        outcomes.done(late, {"number": 1}, {"number": 1}, "")
    assert states(run)["a"] == "done" and fresh(run).outputs["a"]["number"] == 2


def test_what_a_late_worker_leaves_of_an_earlier_generation_is_told_to_people(begin, go, states, bob, alpha):
    """Its task was undone before it made its effect, and then done anew: nobody else would look for it again."""
    run = begin([task("a", **number("n")), wait("w", "a")], inputs={"n": 1})
    late = claims.take(alpha.pk, TaskRun.objects.get(run=run, key="a").pk)
    while states(run)["w"] != "waiting":
        drive(alpha.pk, leases=True, most=1)
    runs.amend(actor=bob, run=run, inputs={"n": 2}, reason="other")
    go(hurry=False)
    assert states(run)["a"] == "done" and len(shop.effects) == 1
    execution.perform(late)
    assert len(shop.effects) == 2, "what was made too late stands beside what is wanted"
    assert Ticket.objects.get().dedupe_key.endswith(":late")


def test_a_run_may_be_sent_back_to_a_task_that_nobody_has_claimed_yet(begin, go, states, bob):
    run = begin([task("a", return_point=True), task("b", "a")])
    runs.take_back(actor=bob, run=run, to="a", reason="again")
    assert states(run)["a"] == "ready"
    go()
    assert fresh(run).state == "completed" and TaskRun.objects.get(run=run, key="a").generation == 1


@pytest.mark.parametrize("seed", range(50))
def test_amending_at_any_moment_ends_like_a_run_started_with_the_last_inputs(seed, begin, go, alpha, system):
    """A run started afresh is the oracle: amending is a short way to the same end."""
    dice = random.Random(seed)
    names = ["p", "q", "r"]

    def some_task(index):
        before = [f"t{n}" for n in range(index) if dice.random() < 0.4]
        source = f"tasks.{dice.choice(before)}.number" if before and dice.random() < 0.5 else ""
        rest = {"with": {"number": {"var": source or f"inputs.{dice.choice(names)}"}}}
        if dice.random() < 0.3:
            rest["when"] = {">": [{"var": f"inputs.{dice.choice(names)}"}, 2]}
        return task(f"t{index}", *before, handler=dice.choice(["tests.remote", "tests.local"]), **rest)

    document = [some_task(index) for index in range(dice.randint(2, 9))]
    document = [task("root"), *document, wait("last", "root", *(t["key"] for t in document))]
    run = begin(document, inputs={name: dice.randint(1, 4) for name in names})
    last = run.inputs
    for _amendment in range(dice.randint(1, 3)):
        drive(alpha.pk, hurry=False, chooser=dice, most=dice.randint(0, 12))
        if fresh(run).taken_back is None:
            last = {name: dice.randint(1, 4) for name in names}
            runs.amend(actor=system, run=run, inputs=last, reason="changed")
    go()
    assert fresh(run).state == "completed" and fresh(run).open_tasks == 0
    amended = sorted((key.split("-")[3], str(inputs)) for key, inputs in shop.effects.items())

    shop.effects.clear()
    begin(document, inputs=last, key="oracle")
    go()
    assert amended == sorted((key.split("-")[3], str(inputs)) for key, inputs in shop.effects.items())


def test_the_ticket_of_a_failed_undo_stays_until_it_is_undone(begin, go, states, bob, alice):
    """Reversing the rest would not undo it either, and would leave it to nobody."""
    shop.undo_plans["a"] = [Fail("never")]
    run = begin([task("a", **number("n")), wait("w", "a")], inputs={"n": 1})
    go(hurry=False)
    runs.amend(actor=bob, run=run, inputs={"n": 2}, reason="other")
    go(hurry=False)
    ticket = Ticket.objects.get()
    assert states(run)["a"] == "undo_attention"
    assert [outcome.key for outcome in outcomes_of(ticket)] == ["done", "retry"]
    with pytest.raises(InvalidInput):
        tickets.resolve(actor=alice, ticket=ticket, outcome="undo", values={"reason": "cannot be done"}, confirmed=True)
    assert fresh(run).state == "running" and Ticket.objects.get().state != "resolved"
    runs.reverse(actor=bob, run=run, reason="cannot be done")
    assert states(run)["a"] == "undo_attention" and Ticket.objects.get().state != "cancelled"
    tickets.resolve(actor=alice, ticket=ticket, outcome="done", values={})
    go()
    assert fresh(run).state == "reversed"
