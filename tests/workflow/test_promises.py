"""The promises of a run, one by one."""

from __future__ import annotations

import pytest

from tests.workflow.workshop import Busy, Done, Fail, Refused, Retry, chain, shop, task
from ticketing.models import Ticket
from ticketing.services import tickets
from workflow import journal, selectors
from workflow.models import Attempt, Run, RunEvent, TaskRun
from workflow.services import runs


def test_a_run_does_its_tasks_in_order_and_completes(begin, go, states):
    run = begin(chain("a", "b", "c"))
    go()
    run = Run.objects.get(pk=run.pk)
    assert states(run) == {"a": "done", "b": "done", "c": "done"}
    assert [key for _do, key, _n in shop.calls] == ["a", "b", "c"]
    assert run.state == "completed" and run.ended_at
    assert shop.closed == [(run.pk, "completed")]
    assert Attempt.objects.filter(task__run=run).count() == 3
    assert [e.sequence for e in run.events.order_by("sequence")] == list(range(1, run.sequence + 1))


def test_failures_are_tried_again_with_the_same_key_until_they_work(begin, go, states):
    shop.plans["b"] = [ValueError("down"), Busy("slow"), Retry(error="again"), Done({"number": 5})]
    run = begin(chain("a", "b", "c"))
    go()
    assert states(run) == {"a": "done", "b": "done", "c": "done"}
    assert len(shop.keys["do", "b"]) == 1
    outcomes = Attempt.objects.filter(task__run=run, task__key="b").order_by("number").values_list("outcome", flat=True)
    assert list(outcomes) == ["retry", "retry", "retry", "done"]


@pytest.mark.parametrize("handler", ["tests.remote", "tests.local"])
@pytest.mark.parametrize("plan", [[Fail("no")], [Refused("no")], [ValueError(str(n)) for n in range(5)]])
def test_used_up_attempts_or_a_permanent_failure_open_exactly_one_ticket(begin, go, states, handler, plan):
    shop.plans["b"] = list(plan)
    run = begin(chain("a", "b", "c", handler=handler))
    go()
    assert states(run) == {"a": "done", "b": "attention", "c": "pending"}
    tasks = TaskRun.objects.get(run=run, key="b")
    assert Ticket.objects.filter(subject_kind="workflow.task", subject_id=tasks.pk).count() == 1
    assert shop.calls.count(("do", "b", len(plan))) == 1
    go()
    assert Ticket.objects.count() == 1


def test_resolving_the_ticket_with_the_results_lets_the_run_go_on(begin, go, states, alice):
    shop.plans["b"] = [Fail("no")]
    run = begin([*chain("a", "b"), task("c", "b", **{"with": {"number": {"var": "tasks.b.number"}}})])
    go()
    ticket = TaskRun.objects.get(run=run, key="b").ticket
    tickets.resolve(actor=alice, ticket=ticket, outcome="done", values={"number": 42})
    go()
    assert states(run) == {"a": "done", "b": "done", "c": "done"}
    assert shop.contexts["c"].inputs == {"number": 42}
    assert any("by hand" in line.text and line.who == alice.label for line in journal.journal(run))


def test_reverse_undoes_everything_in_reverse_order(begin, go, states, system, bob):
    shop.plans["d"] = [Fail("no")]
    run = begin([*chain("a", "b"), task("c", "a"), task("d", "b", "c")])
    go()
    plan = runs.preview_reversal(actor=bob, run=run)
    assert [(s.key, s.how) for s in plan.steps] == [("d", "undone"), ("c", "undone"), ("b", "undone"), ("a", "undone")]
    runs.reverse(actor=bob, run=run, reason="changed my mind")
    assert Ticket.objects.get().state == "cancelled"
    go()
    run = Run.objects.get(pk=run.pk)
    assert run.state == "reversed" and shop.closed == [(run.pk, "reversed")]
    assert shop.effects == {}
    undone = [key for what, key, _n in shop.calls if what == "undo"]
    assert undone[0] == "d" and undone[-1] == "a" and sorted(undone) == ["a", "b", "c", "d"]
    assert set(states(run).values()) == {"undone"}
    assert selectors.graph(run).edges == (("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"))
    assert RunEvent.objects.filter(run=run, kind="run.reversed").count() == 1
