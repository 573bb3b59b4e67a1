"""What people do to a task that waits for them: complete it, have it tried again, skip it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boss.core import audit, schema
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from workflow import checks
from workflow.choices import STARTS_RUNS, RunState, TaskKind, TaskState
from workflow.engine import forward, joins, ledger, parts, people, reversal
from workflow.engine.ledger import Book
from workflow.errors import PartsStillOpen, TaskMayNotBeSkipped, TaskNotForPeople
from workflow.models import TaskRun


@service
def complete_by_hand(
    *,
    actor: Actor,
    task: TaskRun,
    outputs: Mapping[str, Any] | None = None,
    note: str = "",
    through_ticket: bool = False,
) -> TaskRun:
    """A person did it: a manual task, a failed one, or an undo that waits for people. The run goes on.

    ``outputs`` are checked against what the task gives; a failing undo needs none. ``through_ticket`` is for the
    ticket's own resolution, where the right to resolve it was asked for and nobody else closes it.
    Raises :class:`TaskNotForPeople`, and :class:`InvalidInput` with fields ``outputs.<key>``.
    """
    with ledger.open_run(task.run_id) as book:
        task = book.task(task.pk)

        if not through_ticket:
            require(actor, "workflow.complete_task", task)

        _refuse_unless_with_people(book, task)
        _refuse_with_open_parts(task)
        undo = task.is_undo
        wanted = () if undo else checks.outputs_of(book.spec(task))
        cleaned = schema.validate(wanted, dict(outputs or {}), prefix="outputs.")

        before = task.state
        _let_go_of_ticket(book, task, through_ticket)
        if undo:
            reversal.finish(book, task, event="task.undone_by_hand", who=actor.label, note=note)
        else:
            forward.finish(book, task, cleaned, event="task.by_hand", who=actor.label, note=note)

    audit.record(
        actor=actor, action="task.completed_by_hand", subject=task, before={"state": before},
        after={"state": task.state, "outputs": sorted(cleaned), "note": note},
    )  # fmt: skip
    return task


@service
def retry(*, actor: Actor, task: TaskRun, through_ticket: bool = False) -> TaskRun:
    """Have a failed task (or undo) tried again now, with a fresh count of attempts; or a task waiting for its next
    attempt at once. Raises :class:`TaskNotForPeople`."""
    with ledger.open_run(task.run_id) as book:
        task = book.task(task.pk)

        require(actor, "workflow.retry_task", task)

        waits_for_retry = task.state in (TaskState.READY, TaskState.UNDO_READY) and task.not_before is not None
        if task.state not in (TaskState.ATTENTION, TaskState.UNDO_ATTENTION) and not waits_for_retry:
            raise TaskNotForPeople

        before = task.state
        _let_go_of_ticket(book, task, through_ticket)
        task.not_before, task.failures = None, 0
        if waits_for_retry:
            book.hurry(task)
        elif task.is_undo:
            task.resume_undo()
        else:
            task.try_again()
        book.note("task.retried", task, who=actor.label)

    audit.record(
        actor=actor, action="task.retried", subject=task, before={"state": before}, after={"state": task.state}
    )
    return task


@service
def skip(*, actor: Actor, task: TaskRun, reason: str = "", through_ticket: bool = False) -> TaskRun:
    """Leave a failed or manual task out, where its definition allows. Its successors count it as not taken.

    Raises :class:`TaskNotForPeople`, :class:`TaskMayNotBeSkipped`.
    """
    with ledger.open_run(task.run_id) as book:
        task = book.task(task.pk)

        require(actor, "workflow.skip_task", task)

        _refuse_unless_with_people(book, task)
        if task.is_undo or not book.spec(task).skippable or book.run.state != RunState.RUNNING:
            raise TaskMayNotBeSkipped
        _refuse_with_open_parts(task)

        before = task.state
        _let_go_of_ticket(book, task, through_ticket)
        joins.skip(book, task, reason=reason or "person", who=actor.label)
        joins.decide(book)

    audit.record(
        actor=actor, action="task.skipped", subject=task, before={"state": before},
        after={"state": task.state, "reason": reason},
    )  # fmt: skip
    return task


def _refuse_unless_with_people(book: Book, task: TaskRun) -> None:
    if not is_with_people(task):
        raise TaskNotForPeople(key=task.key, state=task.state)


def _refuse_with_open_parts(task: TaskRun) -> None:
    if task.kind in STARTS_RUNS and parts.are_open(task):
        raise PartsStillOpen(key=task.key)


def is_with_people(task: TaskRun) -> bool:
    """Whether a person may complete the task: it needs attention, or is people's work from the beginning."""
    if task.state in (TaskState.ATTENTION, TaskState.UNDO_ATTENTION):
        return True
    if task.state == TaskState.UNDO_WAITING:
        return task.ticket_id is not None
    return bool(task.state == TaskState.WAITING and task.kind == TaskKind.MANUAL)


def _let_go_of_ticket(book: Book, task: TaskRun, through_ticket: bool) -> None:
    if through_ticket:
        task.ticket = None
    else:
        people.withdraw(book, task, reason="settled")
