"""Two tables of the same transitions: the models' named ones, and those the hot path writes in SQL."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django_fsm import TransitionNotAllowed

from tests.workflow.workshop import chain
from workflow.choices import RunState, TaskState
from workflow.engine import ledger, sql
from workflow.models import Run, TaskRun


def named(model: type) -> set[tuple[str, str]]:
    field = model._meta.get_field("state")
    return {(t.source, t.target) for t in field.get_all_transitions(model)}


def test_the_sql_moves_nothing_that_is_not_a_named_transition():
    assert named(Run) >= sql.RUN_MOVES
    for statement, moves in sql.MOVES.items():
        assert moves <= named(TaskRun), statement


def test_a_run_has_one_way_forward_one_way_back_and_no_third_end():
    only_a_part = ("completed", "reversing")
    assert named(Run) == {("running", "completed"), ("running", "reversing"), ("reversing", "reversed"), only_a_part}


def test_a_completed_run_that_is_no_part_of_another_stays_so(begin, go):
    run = begin(chain("a"))
    go()
    run = Run.objects.get(pk=run.pk)
    with pytest.raises(TransitionNotAllowed):
        run.reopen_to_reverse()


def test_nothing_leaves_an_end_in_reverse_and_nothing_comes_forward_again():
    moves = named(TaskRun)
    back = {"undo_ready", "undoing", "undo_waiting", "undo_attention", "undone", "kept"}
    # Only what is taken back while its run goes on is decided anew.
    again = {("skipped", "pending"), ("undone", "pending")}
    # What a person skipped after attempts that may have left something is undone with the rest.
    late = {("skipped", "undo_ready")}
    assert {move for move in moves if move[0] in ("skipped", "undone", "kept")} == again | late
    assert not [move for move in moves - again if move[0] in back and move[1] not in back]


PARAMETERS = {
    "outputs": {}, "inputs": {}, "data": {}, "guarded": [], "worker": "w", "lease": 5.0, "grace": 1.0,
}  # fmt: skip


def force(task: TaskRun, state: str) -> None:
    now = ledger.database_now()
    TaskRun.objects.filter(pk=task.pk).update(state=state, due_at=now, started_at=now, not_before=None)


@pytest.fixture
def two(begin):
    run = begin(chain("a", "b"))
    return run, *TaskRun.objects.filter(run=run).order_by("position")


def complete(run: Run, task: TaskRun, mine: int) -> None:
    current = TaskRun.objects.get(pk=task.pk)
    where = {
        "realm": run.realm_id,
        "run": run.pk,
        "version": run.version_id,
        "revision": 0,
        "task": task.pk,
        "attempt": current.attempt,
        "key": task.key,
    }
    sql.execute(sql.COMPLETE, {**PARAMETERS, **where, "after": [1], "mine": mine}).fetchone()


def state_of(task: TaskRun) -> str:
    return str(TaskRun.objects.get(pk=task.pk).state)


def test_claim_moves_exactly_what_it_says(two):
    run, task, _next = two
    seen = set()
    for state in TaskState.values:
        force(task, state)
        parameters = {"realm": run.realm_id, "task": task.pk, "worker": "w", "lease": 5.0}
        sql.execute(sql.CLAIM, parameters)
        if state_of(task) != state:
            seen.add((state, state_of(task)))
    assert seen == sql.MOVES["CLAIM"]


@pytest.mark.parametrize("run_state", RunState.values)
def test_completion_moves_exactly_what_it_says(begin, run_state):
    seen = set()
    for state in TaskState.values:
        for next_state in TaskState.values if state == "running" else ["pending"]:
            for mine in (-1, 1):
                run = begin(chain("a", "b"))
                task, following = TaskRun.objects.filter(run=run).order_by("position")
                force(task, state)
                force(following, next_state)
                Run.objects.filter(pk=run.pk).update(state=run_state)
                complete(run, task, mine)
                seen |= {
                    (before, after)
                    for before, after in ((state, state_of(task)), (next_state, state_of(following)))
                    if before != after
                }
    assert seen == (sql.MOVES["COMPLETE"] if run_state == "running" else set())


def test_the_last_completion_closes_the_run(begin):
    run = begin(chain("a"))
    task = TaskRun.objects.get(run=run)
    force(task, "running")
    complete(run, task, -1)
    assert (RunState.RUNNING, Run.objects.get(pk=run.pk).state) in sql.RUN_MOVES


def test_a_task_the_sweeper_could_not_find_cannot_be_stored(two):
    _run, task, _next = two
    with pytest.raises(IntegrityError, match="workflow_active_is_due"), transaction.atomic():
        TaskRun.objects.filter(pk=task.pk).update(due_at=None)
