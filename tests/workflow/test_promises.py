"""The promises of a run, one by one."""

from __future__ import annotations

import datetime as dt

import pytest

from boss.core.problems import InvalidInput
from tests.workflow.driving import drive
from tests.workflow.workshop import Busy, Done, Fail, Refused, Retry, chain, shop, task
from ticketing.models import Ticket
from ticketing.selectors import find_category, outcomes_of
from ticketing.services import categories, tickets
from workflow import journal, selectors
from workflow.contracts import Wait
from workflow.engine import claims, ledger, loop, starting, sweeper
from workflow.errors import RunIsClosed, TaskMayNotBeSkipped
from workflow.models import Attempt, Run, RunEvent, Signal, TaskRun
from workflow.services import runs, signals, tasks


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


def test_a_local_task_that_fails_leaves_nothing_of_its_own_in_the_database(begin, go, system):
    def write_and_fail(context):
        open_ticket("left over")
        raise ValueError("after writing")

    def open_ticket(title):
        categories.create(actor=system, key="left-over", name=title)

    shop.plans["a"] = [write_and_fail, lambda context: Done()]
    begin(chain("a", handler="tests.local"))
    go()
    assert find_category("left-over") is None


def test_a_condition_decides_and_skipping_spreads_to_what_only_it_leads_to(begin, go, states):
    run = begin(
        [
            task("start"),
            task("card", "start", when={"==": [{"var": "inputs.payment"}, "card"]}),
            task("cash", "start", when={"==": [{"var": "inputs.payment"}, "cash"]}),
            task("receipt", "cash"),
            task("join", "card", "receipt"),
            task("told", "join", when={"var": "tasks.cash.skipped"}),
        ],
        inputs={"payment": "card"},
    )
    go()
    assert states(run) == {
        "start": "done", "card": "done", "cash": "skipped", "receipt": "skipped", "join": "done", "told": "done",
    }  # fmt: skip


def test_tasks_skipped_from_the_outset_close_the_run_at_once(begin, states):
    run = begin([task("a", when={"var": "inputs.wanted"}), task("b", "a")], inputs={"wanted": False})
    assert Run.objects.get(pk=run.pk).state == "completed"
    assert shop.closed == [(run.pk, "completed")]
    assert set(states(run).values()) == {"skipped"}


def test_manual_work_is_a_ticket_in_its_pool_and_its_results_go_on(begin, go, states, pool, alice):
    run = begin(
        [
            {"key": "survey", "title": "Survey the house", "kind": "manual", "pool": "crew", "undo": "none",
             "instructions": "Measure the drop.", "target_seconds": 3600,
             "outputs": [{"key": "metres", "type": "integer", "required": True, "minimum": 1}]},
            task("cable", "survey", **{"with": {"number": {"var": "tasks.survey.metres"}}}),
        ]
    )  # fmt: skip
    go()
    ticket = Ticket.objects.get()
    assert (ticket.pool.key, states(run)["survey"]) == ("crew", "waiting")
    assert ticket.due_at is not None
    with pytest.raises(InvalidInput) as refused:
        tickets.resolve(actor=alice, ticket=ticket, outcome="done", values={"metres": 0})
    assert "values.metres" in refused.value.fields
    assert states(run)["survey"] == "waiting"
    tickets.resolve(actor=alice, ticket=ticket, outcome="done", values={"metres": 31})
    go()
    assert states(run) == {"survey": "done", "cable": "done"}
    assert shop.contexts["cable"].inputs == {"number": 31}


def test_a_persons_undo_is_a_ticket_too_and_nothing_before_it_is_undone_sooner(begin, go, states, pool, alice, bob):
    manual = {"key": "install", "title": "Install", "kind": "manual", "pool": "crew", "undo": "manual", "after": ["a"]}
    run = begin([task("a"), manual, {**manual, "key": "later", "after": ["install"]}])
    go()
    tickets.resolve(actor=alice, ticket=Ticket.objects.get(), outcome="done")
    go()
    runs.reverse(actor=bob, run=run, reason="no")
    go()
    assert states(run) == {"a": "done", "install": "undo_waiting", "later": "skipped"}
    undo_ticket = Ticket.objects.get(state="new")
    assert [o.key for o in outcomes_of(undo_ticket)] == ["done"]
    tickets.resolve(actor=alice, ticket=undo_ticket, outcome="done")
    go()
    assert states(run) == {"a": "undone", "install": "undone", "later": "skipped"}
    assert Run.objects.get(pk=run.pk).state == "reversed"


def test_a_failed_undo_opens_a_ticket_and_is_never_skipped(begin, go, states, system, alice):
    shop.undo_plans["b"] = [Fail("the server says no")]
    shop.plans["c"] = [Retry(error="later")]
    run = begin(chain("a", "b", "c"))
    go(hurry=False)
    runs.reverse(actor=alice, run=run, reason="no")
    go()
    assert states(run)["b"] == "undo_attention" and states(run)["a"] == "done"
    ticket = Ticket.objects.get()
    assert {o.key for o in outcomes_of(ticket)} == {"done", "retry"}
    tickets.resolve(actor=alice, ticket=ticket, outcome="retry")
    go()
    assert Run.objects.get(pk=run.pk).state == "reversed" and shop.effects == {}


def test_past_a_point_of_no_return_a_task_is_kept_and_its_follow_up_goes_to_people(begin, go, states, pool, bob):
    shop.plans["c"] = [Fail("no")]
    run = begin(
        [
            task("a"),
            task("b", "a", handler="tests.stubborn", point_of_no_return=True, follow_up="Say sorry.", pool="crew"),
            task("c", "b"),
        ]
    )
    go()
    plan = runs.preview_reversal(actor=bob, run=run)
    assert [step.key for step in plan.points_of_no_return] == ["b"]
    assert [step.key for step in plan.for_people] == ["b"]
    runs.reverse(actor=bob, run=run, reason="no")
    go()
    assert states(run) == {"a": "undone", "b": "kept", "c": "undone"}
    follow_up = Ticket.objects.get(state="new")
    assert "Say sorry." in follow_up.messages.get().body


def test_a_running_attempt_is_let_finish_and_then_undone(begin, go, states, bob):
    run = begin(chain("a", "b"))

    def turned_round_meanwhile(context):
        with_run = Run.objects.get(pk=run.pk)
        runs.reverse(actor=bob, run=with_run, reason="meanwhile")
        assert states(run)["b"] == "running"
        return Done({"number": 9})

    shop.plans["b"] = [turned_round_meanwhile]
    go()
    assert states(run) == {"a": "undone", "b": "undone"}
    assert shop.contexts["undo b"].outputs == {"number": 9} and shop.contexts["undo b"].finished
    assert shop.effects == {}


def test_a_task_tried_but_never_done_is_undone_by_its_inputs(begin, go, states, bob):
    """Its answer was lost: it may have had its effect."""

    def applied_but_no_answer(context):
        shop.effects[context.idempotency_key] = context.inputs
        raise TimeoutError("no answer")

    shop.plans["b"] = [applied_but_no_answer] * 5
    run = begin(chain("a", "b"))
    go()
    assert states(run)["b"] == "attention"
    runs.reverse(actor=bob, run=run, reason="no")
    go()
    assert shop.effects == {} and not shop.contexts["undo b"].finished
    assert Run.objects.get(pk=run.pk).state == "reversed"


def test_there_is_no_way_back_from_reversing_and_none_out_of_a_closed_run(begin, go, bob, system):
    run = begin(chain("a"))
    go()
    with pytest.raises(RunIsClosed):
        runs.reverse(actor=bob, run=run, reason="too late")
    with pytest.raises(RunIsClosed):
        signals.send(actor=system, run=run, name="x")
    second = begin(chain("a"))
    runs.reverse(actor=bob, run=second, reason="now")
    assert Run.objects.get(pk=second.pk).state == "reversed"  # nothing had begun


def test_a_late_result_is_refused_and_recorded_as_late(begin, go, states, alpha):
    run = begin(chain("a", "b"))

    def taken_over_meanwhile(context):
        TaskRun.objects.filter(run=run, key="a").update(due_at=ledger.database_now())
        sweeper.settle_due(run.pk, context.task_id)
        drive(alpha.pk, most=1)
        return Done({"number": 666})

    shop.plans["a"] = [taken_over_meanwhile]
    go()
    assert states(run) == {"a": "done", "b": "done"}
    assert Run.objects.get(pk=run.pk).outputs["a"]["number"] == 1
    assert run.events.filter(kind="task.late").count() == 1
    assert run.events.filter(kind="task.done", task__key="a").count() == 1


def test_a_message_delivered_twice_does_nothing_twice(begin, alpha):
    run = begin(chain("a", "b"))
    first = TaskRun.objects.get(run=run, key="a").pk
    assert loop.advance(alpha.pk, first)
    assert not loop.advance(alpha.pk, first)
    assert len(shop.calls) == 2


def test_a_task_that_kills_its_workers_ends_with_people(begin, go, states, alpha):
    run = begin(chain("a", retry={"attempts": 50}))
    task_id = TaskRun.objects.get(run=run).pk
    for _crash in range(5):
        TaskRun.objects.filter(pk=task_id).update(not_before=None)
        assert claims.take(alpha.pk, task_id) is not None  # the worker dies here
        TaskRun.objects.filter(pk=task_id).update(due_at=ledger.database_now())
        sweeper.settle_due(run.pk, task_id)
    assert states(run) == {"a": "attention"}
    assert Ticket.objects.count() == 1
    assert list(Attempt.objects.values_list("outcome", flat=True)) == ["lost"] * 5


def test_a_signal_that_comes_before_its_wait_is_kept_and_one_key_counts_once(begin, go, states, system):
    wait = {"key": "answer", "title": "Answer", "kind": "wait", "signal": "port.done", "deadline_seconds": 999999999,
            "after": ["a"], "outputs": [{"key": "number", "type": "integer"}]}  # fmt: skip
    run = begin([task("a"), wait, task("b", "answer", **{"with": {"number": {"var": "tasks.answer.number"}}})])
    signals.send(actor=system, run=run, name="port.done", payload={"number": 3}, key="k1")
    signals.send(actor=system, run=run, name="port.done", payload={"number": 4}, key="k1")
    go(hurry=False)
    assert states(run) == {"a": "done", "answer": "done", "b": "done"}
    assert shop.contexts["b"].inputs == {"number": 3}
    assert Signal.objects.count() == 1


def test_a_wait_ends_by_its_signal_while_it_waits(begin, go, states, system):
    wait = {"key": "answer", "title": "Answer", "kind": "wait", "signal": "s", "deadline_seconds": 3600}
    run = begin([wait, task("b", "answer")])
    go(hurry=False)
    assert states(run)["answer"] == "waiting"
    signals.send(actor=system, run=run, name="s")
    go(hurry=False)
    assert states(run) == {"answer": "done", "b": "done"}


@pytest.mark.parametrize(("on_deadline", "ends"), [("fail", "attention"), ("done", "done")])
def test_a_wait_has_a_deadline_and_says_what_happens_then(begin, go, states, on_deadline, ends):
    wait = {"key": "answer", "title": "Answer", "kind": "wait", "signal": "s", "deadline_seconds": 3600,
            "on_deadline": on_deadline}  # fmt: skip
    run = begin([wait])
    go(hurry=False)
    assert states(run) == {"answer": "waiting"}
    go()
    assert states(run) == {"answer": ends}


def test_a_handler_that_waits_uses_no_attempt_and_is_woken_by_time_or_signal(begin, go, states, system):
    later = ledger.database_now() + dt.timedelta(days=1)
    shop.plans["a"] = [Wait(until=later), Wait(signal="go", until=later), Done()]
    run = begin(chain("a", retry={"attempts": 1}))
    go(hurry=False)
    assert states(run) == {"a": "waiting"}
    go(most=2)
    assert states(run) == {"a": "waiting"}
    signals.send(actor=system, run=run, name="go", payload={"who": "me"})
    go(hurry=False)
    assert states(run) == {"a": "done"} and shop.contexts["a"].woken_by == {"who": "me"}
    assert list(Attempt.objects.order_by("number").values_list("outcome", flat=True)) == ["wait", "wait", "done"]


def test_a_run_finishes_on_the_version_it_started_on(begin, go, states):
    first = begin(chain("a", "b"), key="v")
    second = begin(chain("a", "b", "c"), key="v")
    go()
    assert states(first) == {"a": "done", "b": "done"}
    assert states(second) == {"a": "done", "b": "done", "c": "done"}
    assert (first.version.number, second.version.number) == (1, 2)


def test_the_subject_moves_in_the_closing_transaction_and_may_hold_it_up(begin, go, states, alice):
    shop.refuse_closing = True
    run = begin(chain("a", "b"))
    go()
    assert states(run) == {"a": "done", "b": "attention"}
    assert Run.objects.get(pk=run.pk).state == "running"
    shop.refuse_closing = False
    tasks.retry(actor=alice, task=TaskRun.objects.get(run=run, key="b"))
    go()
    assert Run.objects.get(pk=run.pk).state == "completed"


def test_skipping_by_hand_only_where_the_definition_allows(begin, go, states, alice):
    shop.plans["a"] = [Fail("no")]
    shop.plans["b"] = [Fail("no")]
    run = begin([task("a", skippable=True), task("b"), task("c", "a"), task("d", "a", "b")])
    go()
    a, b = (TaskRun.objects.get(run=run, key=key) for key in "ab")
    with pytest.raises(TaskMayNotBeSkipped):
        tasks.skip(actor=alice, task=b)
    tasks.skip(actor=alice, task=a)
    assert states(run) == {"a": "skipped", "b": "attention", "c": "skipped", "d": "pending"}
    assert a.ticket_id and Ticket.objects.get(pk=a.ticket_id).state == "cancelled"


def test_the_journal_tells_everything_in_order_with_who_and_when(begin, go, bob, alice):
    shop.plans["b"] = [ValueError("down"), Fail("broken")]
    run = begin(chain("a", "b"))
    go()
    tasks.complete_by_hand(actor=alice, task=TaskRun.objects.get(run=run, key="b"), outputs={"number": 1})
    lines = journal.journal(run)
    text = "\n".join(line.text for line in lines)
    for told in (
        "The run started", "Attempt 1 of “A” began.", "“A” is done.", "“B” failed: ValueError: down It is tried again",
        "“B” failed: broken", "“B” needs people", "“B” was completed by hand.", "the run is completed",
    ):  # fmt: skip
        assert told in text, told
    assert [line.at for line in lines] == sorted(line.at for line in lines)


def test_a_bad_handler_answer_is_its_own_failure(begin, go, states):
    shop.plans["a"] = [lambda context: "what?"]  # type: ignore[list-item,return-value]
    shop.plans["b"] = [Wait()]
    shop.plans["c"] = [Done({"number": object()})]
    run = begin([task("a"), task("b"), task("c", retry={"attempts": 1})])
    go()
    assert states(run) == {"a": "attention", "b": "attention", "c": "attention"}


def test_a_condition_that_cannot_be_evaluated_finds_people(begin, go, states):
    run = begin([task("a"), task("b", "a", when={"<": [{"var": "inputs.x.n"}, 3]})], inputs={"x": {"n": "three"}})
    go()
    assert states(run) == {"a": "done", "b": "attention"}


def test_what_a_local_task_did_before_it_waited_is_undone_too(begin, go, states, bob):
    """The wait committed it, so it did not go away with a transaction."""

    def reserve_and_wait(context):
        shop.effects[context.idempotency_key] = context.inputs
        return Wait(signal="go", note="reserved")

    shop.plans["b"] = [reserve_and_wait]
    run = begin([task("a"), task("b", "a", handler="tests.local")])
    go(hurry=False)
    assert states(run)["b"] == "waiting" and len(shop.effects) == 2
    assert {s.key: s.how for s in runs.preview_reversal(actor=bob, run=run).steps} == {"a": "undone", "b": "undone"}
    runs.reverse(actor=bob, run=run, reason="no")
    go()
    assert states(run) == {"a": "undone", "b": "undone"} and shop.effects == {}


def test_a_local_task_that_waited_and_then_failed_is_undone_too(begin, go, states, bob, system):
    def reserve_and_wait(context):
        shop.effects[context.idempotency_key] = context.inputs
        return Wait(signal="go")

    shop.plans["a"] = [reserve_and_wait, Fail("no")]
    run = begin(chain("a", handler="tests.local"))
    go(hurry=False)
    signals.send(actor=system, run=run, name="go")
    go(hurry=False)
    assert states(run) == {"a": "attention"}
    runs.reverse(actor=bob, run=run, reason="no")
    go()
    assert states(run) == {"a": "undone"} and shop.effects == {}
    assert Ticket.objects.get().state == "cancelled"


def test_one_lost_worker_after_many_ordinary_failures_is_no_poison(begin, go, states, alpha):
    shop.plans["a"] = [ValueError("down")] * 6
    run = begin(chain("a", retry={"attempts": 50}))
    go(most=6)
    task_id = TaskRun.objects.get(run=run).pk
    TaskRun.objects.filter(pk=task_id).update(not_before=None)
    assert claims.take(alpha.pk, task_id) is not None  # the worker dies here
    assert TaskRun.objects.get(pk=task_id).failures >= 5
    TaskRun.objects.filter(pk=task_id).update(due_at=ledger.database_now())
    sweeper.settle_due(run.pk, task_id)
    assert states(run) == {"a": "ready"} and not Ticket.objects.exists()
    go()
    assert states(run) == {"a": "done"}


def test_a_task_that_may_be_past_its_point_of_no_return_is_followed_up(begin, go, states, pool, bob):
    """Its answer was lost and nothing can take it back: it is not skipped in silence."""
    shop.plans["b"] = [TimeoutError("no answer")]
    last = task("b", "a", handler="tests.stubborn", point_of_no_return=True, follow_up="Call them back.", pool="crew")
    run = begin([task("a"), {**last, "retry": {"attempts": 1}}])
    go()
    plan = runs.preview_reversal(actor=bob, run=run)
    assert [(step.key, step.follow_up) for step in plan.for_people] == [("b", "Call them back.")]
    runs.reverse(actor=bob, run=run, reason="no")
    go()
    assert states(run) == {"a": "undone", "b": "skipped"}
    assert "Call them back." in Ticket.objects.get(state="new").messages.get().body


def test_a_worker_that_comes_back_after_its_task_was_undone_is_looked_into(begin, go, states, alpha, bob):
    """Undo found nothing, then the worker that was believed dead made its effect after all."""
    run = begin(chain("a"))

    def frozen_meanwhile(context):
        TaskRun.objects.filter(run=run, key="a").update(due_at=ledger.database_now())
        sweeper.settle_due(run.pk, context.task_id)
        runs.reverse(actor=bob, run=Run.objects.get(pk=run.pk), reason="no")
        drive(alpha.pk)
        assert Run.objects.get(pk=run.pk).state == "reversed"
        return Done()

    shop.plans["a"] = [frozen_meanwhile]
    loop.advance(alpha.pk, TaskRun.objects.get(run=run).pk)
    assert shop.effects != {}
    assert run.events.filter(kind="task.late").count() == 1
    ticket = Ticket.objects.get(state="new")
    assert "had been undone" in ticket.messages.get().body and not outcomes_of(ticket)
    assert states(run) == {"a": "undone"}


def test_many_runs_start_together_each_with_its_own_subject_and_inputs(begin, go, system, django_assert_num_queries):
    begin(
        [task("a", **{"with": {"number": {"var": "inputs.n"}}}), task("x", when={"var": "inputs.x"})],
        {"n": 0, "x": True},
    )
    starts = [starting.Start(("tests.order", n), {"n": n, "x": n % 2 == 0}) for n in range(20)]
    with django_assert_num_queries(5):  # definition, audit, facts, a savepoint; the runs are one raw statement
        begun = runs.start_many(actor=system, definition_key="test", starts=starts)
    go()
    assert [run.subject for run in begun] == [("tests.order", n) for n in range(20)]
    assert [Run.objects.get(pk=run.pk).inputs["n"] for run in begun] == list(range(20))
    assert {run.state for run in Run.objects.all()} == {"completed"} and len(shop.effects) == 20 + 2 + 10
    assert [e.sequence for e in begun[1].events.order_by("sequence")] == [1, 2, 3, 4]


def test_of_many_runs_none_starts_when_the_inputs_of_one_are_refused(begin, system):
    begin(chain("a"), {"n": 0})
    with pytest.raises(InvalidInput):
        runs.start_many(
            actor=system,
            definition_key="test",
            starts=[starting.Start(None, {"n": 1}), starting.Start(None, {"n": "x"})],
        )
    assert Run.objects.count() == 1


def test_starting_none_of_many_is_no_error(begin, system):
    begin(chain("a"))
    assert runs.start_many(actor=system, definition_key="test", starts=[]) == []
