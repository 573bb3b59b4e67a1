"""Which tasks of a run under way must be taken back when it is sent back to a task, amended, or moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boss.core.actors import Actor
from boss.core.expressions import ExpressionError, evaluate, names_in
from workflow import graph
from workflow.choices import TaskState
from workflow.contracts import UndoContext
from workflow.engine.ledger import BEGUN_AGAIN, MACHINE, Book
from workflow.engine.reversal import may_be_past_return
from workflow.graph import TaskSpec
from workflow.models import RunEvent, TaskRun
from workflow.registry import task_handlers


def behind(book: Book, key: str) -> set[int]:
    """The task of this key and everything behind it that has begun or was left out."""
    position = book.graph.by_key[key].position
    ahead = {task.position for task in book.tasks if task.state != TaskState.PENDING}
    return {other for other in ahead if other == position or position in book.graph.ancestors[other]}


def past_return(book: Book, positions: set[int]) -> list[str]:
    """Titles of tasks among these that are, or may be, past their point of no return."""
    found = []
    for task in book.tasks:
        spec = book.spec(task)
        if task.position in positions and spec.point_of_no_return:
            began = task.state in (TaskState.DONE, TaskState.RUNNING) or may_be_past_return(spec, task)
            found += [spec.title] if began else []
    return found


def differing(book: Book, inputs: dict[str, Any]) -> set[int]:
    """Tasks that would be other with these run inputs: their condition, what they are given, or what they would do.

    So is a task that reads the outputs of such a one, one that nothing leads to any more, and one that was left out
    and would not be now. A task that a person skipped stays so.
    """
    before, now = book.names(), graph.names(inputs, book.run.outputs, book.run.subject)
    by_people = _skipped_by_people(book)
    changed: set[int] = set()
    left_out: set[int] = set()
    for task in book.tasks:
        if task.state == TaskState.PENDING:
            continue
        spec = book.spec(task)
        predecessors = book.graph.predecessors[task.position]
        reached = not predecessors or not left_out.issuperset(predecessors)
        wanted = reached and _holds(spec, now)
        if not wanted:
            left_out.add(task.position)
        if task.state == TaskState.SKIPPED:
            other = wanted and task.pk not in by_people
        else:
            other = not wanted or _reads(spec, {book.graph.tasks[p].key for p in changed}) or (
                task.started_at is not None and _would_do_other(book, task, spec, before, now)
            )  # fmt: skip
        if other:
            changed.add(task.position)
    return changed


def _skipped_by_people(book: Book) -> set[int]:
    """Tasks that somebody skipped, as the record has it: counts and conditions of today do not tell any more."""
    last: dict[int, bool] = {}
    events = RunEvent.objects.filter(run=book.run, kind__in=("task.skipped", BEGUN_AGAIN))
    for event in events.order_by("sequence"):
        of_itself = event.who == MACHINE and event.data.get("reason") in ("condition", "predecessors")
        last[event.task_id] = event.kind != BEGUN_AGAIN and not of_itself
    return {task_id for task_id, by_people in last.items() if by_people}


def _holds(spec: TaskSpec, names: Mapping[str, Any]) -> bool:
    try:
        return graph.holds(spec, names)
    except ExpressionError:
        return True  # the task starts, finds the same error and asks people


def _reads(spec: TaskSpec, keys: set[str]) -> bool:
    read = names_in([*spec.with_.values(), spec.when, spec.until, spec.over])
    return any(name.split(".")[1] in keys for name in read if name.startswith("tasks."))


def _would_do_other(
    book: Book, task: TaskRun, spec: TaskSpec, before: Mapping[str, Any], now: Mapping[str, Any]
) -> bool:
    try:
        given = graph.resolve_inputs(spec, now)
        if given != graph.resolve_inputs(spec, before) or evaluate(spec.over, now) != evaluate(spec.over, before):
            return True
        if task.state == TaskState.WAITING and evaluate(spec.until, now) != evaluate(spec.until, before):
            return True
    except ExpressionError:
        return True
    handler = task_handlers.find(spec.handler)
    if handler is None or handler.differs is None or task.state != TaskState.DONE:
        return False
    return handler.differs(
        UndoContext(
            realm_id=book.run.realm_id, actor=Actor.system(book.run.realm_id), run_id=book.run.pk, task_id=task.pk,
            task_key=task.key, attempt=task.attempt, inputs=given, idempotency_key="", subject=book.run.subject,
            heartbeat=lambda: True, outputs=book.run.outputs.get(task.key, {}),
        )
    )  # fmt: skip


def keep_inputs(book: Book, positions: set[int]) -> None:
    """Before the run's inputs change: what an attempt whose worker died was given, for its undo."""
    for task in book.tasks:
        if task.position in positions and task.started_at is not None and not task.inputs:
            try:
                task.inputs = graph.resolve_inputs(book.spec(task), book.names())
            except ExpressionError:
                continue
