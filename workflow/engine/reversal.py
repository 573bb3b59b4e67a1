"""The way back, of a whole run or of some of its tasks: what is undone, in which order, and when it is over.

A task's turn has come when everything behind it in the graph is settled, transitively, whether it ran or not; so
tasks of parallel branches are undone in parallel. Undoing itself is durable work like any other: claimed, retried,
given to people when it fails. Nothing here is ever skipped because it could not be undone.

Tasks that are *taken back* while their run goes on (it is sent back to a task, or amended) are undone in the same way,
and when all of them are settled they are decided anew.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from workflow import undoing
from workflow.choices import REVERSE_END, STARTS_RUNS, AttemptOutcome, RunState, TaskKind, TaskState
from workflow.engine import joins, people
from workflow.engine.ledger import MACHINE, Book
from workflow.graph import TaskSpec
from workflow.models import Attempt, TaskRun
from workflow.registry import task_handlers
from workflow.undoing import PlannedUndo


def begin(book: Book, *, who: str, reason: str) -> None:
    """Turn the run round. What has not begun never will; what runs is let finish or time out."""
    if book.run.state == RunState.COMPLETED:
        book.run.reopen_to_reverse()
        book.run.ended_at = None
    else:
        book.run.begin_reversal()
    book.run.reversal_reason = reason
    book.run.taken_back = None
    book.note("run.reversing", who=who, reason=reason)
    for task in book.tasks:
        if task.state in (TaskState.PENDING, TaskState.READY, TaskState.WAITING, TaskState.ATTENTION):
            abandon(book, task)
        elif task.state == TaskState.SKIPPED and may_be_past_return(book.spec(task), task):
            people.ask_follow_up(book, task)
    settle(book)


def abandon(book: Book, task: TaskRun) -> None:
    """Give up a task that is not done: it is skipped, or undone if its attempts may have left something."""
    people.withdraw(book, task, reason="reversed" if book.run.state == RunState.REVERSING else "taken_back")
    spec = book.spec(task)
    how = undoing.of_unfinished(spec, left=_left_something(spec, task))
    if how in undoing.UNDO:
        _prepare(task)
    else:
        if how == "kept":
            people.ask_follow_up(book, task)
        task.skip()
        task.ended_at = book.now
        task.due_at = None
    task.waiting_for = ""


def give_up(book: Book, task: TaskRun) -> None:
    """An attempt that was under way when the task was taken back has ended without finishing it."""
    abandon(book, task)
    settle(book)


def may_be_past_return(spec: TaskSpec, task: TaskRun) -> bool:
    """Whether a task that never ended may have passed its point of no return: its answer was lost, perhaps."""
    return undoing.of_unfinished(spec, left=_left_something(spec, task)) == "kept"


def _left_something(spec: TaskSpec, task: TaskRun) -> bool:
    """Whether a task that never ended may have changed something."""
    if task.started_at is None:
        return False
    if spec.kind in STARTS_RUNS:
        return bool(task.children.exclude(state=RunState.REVERSED).exists())
    if spec.kind != TaskKind.AUTOMATED:
        return False
    handler = task_handlers.find(spec.handler)
    if handler is None or not handler.local:
        return True
    # A failed local attempt went away with its transaction; one that ended in a wait committed what it had done.
    return bool(Attempt.objects.filter(task=task, outcome=AttemptOutcome.WAIT, is_undo=False).exists())


def take_back(book: Book, positions: Collection[int]) -> None:
    """Undo these tasks, none of them pending, while the run goes on, and decide them anew when all are undone."""
    book.run.taken_back = sorted(positions)
    book.run.revision += 1
    for task in [book.tasks[position] for position in sorted(positions)]:
        if task.state in (TaskState.DONE, TaskState.SKIPPED):
            book.run.open_tasks += 1
            joins.count_up(book, task, taken=task.state == TaskState.DONE)
        elif task.state in (TaskState.READY, TaskState.WAITING, TaskState.ATTENTION):
            abandon(book, task)
    settle(book)


def settle(book: Book) -> None:
    """Give their turn to tasks behind which everything is settled; end the way back when all are."""
    if book.run.state != RunState.REVERSING:
        _settle_taken_back(book)
        return
    settled: dict[int, bool] = {}
    for task in reversed(book.tasks):
        behind = all(settled[position] for position in book.graph.successors[task.position])
        if behind and _stands(book, task):
            _turn(book, task)
        settled[task.position] = behind and task.state in REVERSE_END
    book.run.open_tasks = sum(not done for done in settled.values())
    if book.run.open_tasks == 0:
        book.run.end_reversal()
        book.run.ended_at = book.now
        book.note("run.reversed")
        book.end = "reversed"


def _settle_taken_back(book: Book) -> None:
    positions = book.run.taken_back or []
    settled: set[int] = set()
    for task in [book.tasks[position] for position in reversed(positions)]:
        behind = {other for other in positions if task.position in book.graph.ancestors[other]}
        if behind <= settled and _stands(book, task):
            _turn(book, task)
        if behind <= settled and task.state in REVERSE_END:
            settled.add(task.position)
    if len(settled) == len(positions):
        book.run.taken_back = None
        joins.begin_again(book, [book.tasks[position] for position in positions])


def _stands(book: Book, task: TaskRun) -> bool:
    """Whether something of the task is to be undone: it is done, or failed attempts may have left something before a
    person skipped it."""
    if task.state == TaskState.SKIPPED:
        spec = book.spec(task)
        return undoing.of_unfinished(spec, left=_left_something(spec, task)) in undoing.UNDO
    return bool(task.state == TaskState.DONE)


def _turn(book: Book, task: TaskRun) -> None:
    spec = book.spec(task)
    how = undoing.of_done(spec)
    if task.state == TaskState.SKIPPED:
        _prepare(task)
    elif how == "kept":
        task.keep()
        book.note("task.kept", task, follow_up=spec.follow_up)
        if spec.follow_up:
            people.ask_follow_up(book, task)
    elif how == "nothing":
        task.nothing_to_undo()
        book.note("task.nothing_to_undo", task)
    else:
        _prepare(task)


def _prepare(task: TaskRun) -> None:
    task.prepare_undo()
    task.failures, task.not_before, task.due_at, task.woken_by, task.error = 0, None, None, None, ""
    task.ticket = None


def finish(book: Book, task: TaskRun, *, event: str, who: str = MACHINE, note: str = "", **data: Any) -> None:
    """One task is undone."""
    task.finish_undo()
    task.due_at, task.ended_at, task.waiting_for, task.error = None, book.now, "", ""
    book.note(event, task, who=who, note=note, **data)
    settle(book)


@dataclass(frozen=True, slots=True)
class ReversalPlan:
    """What a reversal would do now, in the order it would do it (tasks of parallel branches at the same time)."""

    steps: tuple[PlannedUndo, ...]

    @property
    def points_of_no_return(self) -> tuple[PlannedUndo, ...]:
        return tuple(step for step in self.steps if step.how == "kept")

    @property
    def for_people(self) -> tuple[PlannedUndo, ...]:
        """Steps that give work to people."""
        return tuple(step for step in self.steps if step.how == "people" or (step.how == "kept" and step.follow_up))


def plan(tasks: list[TaskRun], specs: tuple[TaskSpec, ...], positions: Collection[int] | None = None) -> ReversalPlan:
    """The plan for a run in its present state, or for those of its tasks that are to be taken back; changes nothing."""
    chosen = [task for task in reversed(tasks) if positions is None or task.position in positions]
    return ReversalPlan(tuple(_planned(task, specs[task.position]) for task in chosen))


def _planned(task: TaskRun, spec: TaskSpec) -> PlannedUndo:
    return undoing.planned(spec, task.state, left=task.state != TaskState.DONE and _left_something(spec, task))
