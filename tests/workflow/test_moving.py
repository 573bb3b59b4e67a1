"""A definition is changed while runs are open: they finish on the version they started on, chosen ones are moved."""

from __future__ import annotations

import pytest

from boss.core import scoping
from boss.core.permissions import PermissionDenied
from tests.workflow.workshop import Fail, chain, shop, task
from workflow import journal
from workflow.engine import claims, outcomes
from workflow.errors import CannotMove, NoSuchDefinition, RunIsClosed
from workflow.models import Run, TaskRun
from workflow.services import definitions, runs


def wait(key="w", *after):
    return {
        "key": key, "title": "Wait", "kind": "wait", "signal": "go", "deadline_seconds": 1e6, "on_deadline": "done",
        "after": list(after),
    }  # fmt: skip


OLD = [*chain("a", "b"), wait("w", "b"), task("old", "w"), task("z", "old")]
NEW = [*chain("a", "b"), wait("w", "b"), task("x", "b"), task("new", "w", "x"), task("z", "new")]


@pytest.fixture
def publish(system, alpha):
    def publish(tasks, **top):
        return definitions.publish(actor=system, document={"key": "test", "title": "T", "tasks": tasks, **top})

    return publish


@pytest.fixture
def open_run(publish, go, system):
    publish(OLD)
    run = runs.start(actor=system, definition_key="test")
    go(hurry=False)
    return run


def fresh(run):
    return Run.objects.get(pk=run.pk)


def test_fifty_open_runs_finish_on_the_old_version_but_for_ten_that_are_moved(publish, go, system, alice):
    publish(OLD)
    all_runs = [runs.start(actor=system, definition_key="test") for _number in range(50)]
    go(hurry=False, most=120)  # some have done two tasks, some one, some none
    publish(NEW)
    later = runs.start(actor=system, definition_key="test")
    moved = [run.pk for run in all_runs[::5]]
    for pk in moved:
        runs.move(actor=alice, run=Run.objects.get(pk=pk), number=2)
    go()
    for run in all_runs:
        done = set(TaskRun.objects.filter(run=run, state="done").values_list("key", flat=True))
        assert done == ({"a", "b", "w", "x", "new", "z"} if run.pk in moved else {"a", "b", "w", "old", "z"})
        assert fresh(run).state == "completed" and fresh(run).open_tasks == 0
        assert fresh(run).version.number == (2 if run.pk in moved else 1)
    assert fresh(later).version.number == 2
    assert [key for verb, key, _n in shop.calls].count("a") == 51, "what was done is not done again"


def test_a_moved_run_is_reversed_by_its_new_version(open_run, publish, go, alice):
    publish(NEW)
    runs.move(actor=alice, run=open_run, number=2)
    go(hurry=False)
    runs.reverse(actor=alice, run=open_run, reason="no")
    go()
    assert fresh(open_run).state == "reversed" and shop.effects == {}
    assert [line.text for line in journal.journal(fresh(open_run)) if "moved from version 1 to version 2" in line.text]


def test_a_task_at_work_while_its_run_is_moved_counts_and_leads_on_by_the_new_version(
    publish, go, system, alice, alpha
):
    publish([*chain("a"), task("old", "a")])
    run = runs.start(actor=system, definition_key="test")
    claim = claims.take(alpha.pk, TaskRun.objects.get(run=run, key="a").pk)
    publish([task("z"), *chain("a"), task("new", "a")])
    runs.move(actor=alice, run=run, number=2)
    with scoping.realm_transaction(alpha.pk):
        outcomes.done(claim, {}, {"number": 1}, "")
    go()
    assert set(TaskRun.objects.filter(run=run, state="done").values_list("key", flat=True)) == {"a", "new", "z"}
    assert fresh(run).state == "completed"


@pytest.mark.parametrize(
    ("tasks", "faults"),
    [
        ([task("a"), wait("w", "a")], {"b", "w"}),
        ([task("a", handler="tests.local"), task("b", "a"), wait("w", "b")], {"a"}),
        ([task("n"), task("a", "n"), task("b", "a"), wait("w", "b")], {"a"}),
        ([task("a"), task("b", "a", undo="none"), wait("w", "b")], {"b"}),
    ],
)
def test_a_run_whose_done_part_is_other_there_is_not_moved_and_told_why(open_run, publish, alice, tasks, faults):
    publish(tasks)
    before = fresh(open_run).sequence
    with pytest.raises(CannotMove) as refused:
        runs.move(actor=alice, run=open_run, number=2)
    assert set(refused.value.fields) == faults
    assert fresh(open_run).sequence == before and fresh(open_run).version.number == 1
    assert TaskRun.objects.filter(run=open_run).count() == 5


def test_other_words_pools_and_patience_are_no_obstacle(open_run, publish, go, alice):
    publish([t | {"title": "Told otherwise", "target_seconds": 5} for t in OLD])
    runs.move(actor=alice, run=open_run, number=2)
    go()
    assert fresh(open_run).state == "completed"


def test_a_task_that_waits_for_people_goes_with_its_ticket(publish, go, system, alice):
    shop.plans["a"] = [Fail("no")]
    publish(chain("a", "b"))
    run = runs.start(actor=system, definition_key="test")
    go()
    ticket = TaskRun.objects.get(run=run, key="a").ticket_id
    publish(chain("a", "c"))
    runs.move(actor=alice, run=run, number=2)
    assert TaskRun.objects.get(run=run, key="a").ticket_id == ticket


def test_moving_is_refused_to_who_may_not_and_where_nothing_is(open_run, publish, go, bob, alice):
    publish(NEW)
    with pytest.raises(PermissionDenied):
        runs.move(actor=bob, run=open_run, number=2)
    with pytest.raises(NoSuchDefinition):
        runs.move(actor=alice, run=open_run, number=9)
    go()
    with pytest.raises(RunIsClosed):
        runs.move(actor=alice, run=open_run, number=2)
    assert fresh(open_run).version.number == 1


def test_a_task_with_a_history_does_not_vanish_by_a_move(publish, go, system, alice):
    back = [task("a", return_point=True), task("b", "a"), wait("w", "b")]
    publish(back)
    run = runs.start(actor=system, definition_key="test")
    go(hurry=False)
    shop.plans["a"] = [Fail("no")]
    runs.take_back(actor=alice, run=run, to="a", reason="again")
    go(hurry=False)
    assert TaskRun.objects.get(run=run, key="b").state == "pending"
    publish([task("a", return_point=True), wait("w", "a")])
    with pytest.raises(CannotMove) as refused:
        runs.move(actor=alice, run=run, number=2)
    assert "b" in refused.value.fields
