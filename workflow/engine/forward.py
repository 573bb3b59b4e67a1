"""What follows from a decided task on the way forward: conditions, skips, the run's end."""

from __future__ import annotations

from typing import Any

from boss.core.expressions import ExpressionError
from workflow import graph
from workflow.choices import RunState, TaskState
from workflow.engine import reversal
from workflow.engine.ledger import MACHINE, Book
from workflow.models import TaskRun


def decide(book: Book) -> None:
    """Make ready or skip every pending task whose incoming edges are decided, and so on along the graph.

    Positions are in topological order, so one pass is enough. Closes the run when nothing is left open.
    """
    for task in book.tasks:
        if task.state == TaskState.PENDING and task.undecided == 0:
            if task.taken == 0:
                skip(book, task, reason="predecessors")
            elif not _condition_holds(book, task):
                skip(book, task, reason="condition")
            else:
                task.make_ready()
    if book.run.open_tasks == 0 and book.run.state == RunState.RUNNING:
        book.run.complete()
        book.run.ended_at = book.now
        book.note("run.completed")
        book.end = "completed"


def _condition_holds(book: Book, task: TaskRun) -> bool:
    try:
        return graph.holds(book.spec(task), book.names())
    except ExpressionError:
        # Said where a person can act on it: the task starts, finds the same error and asks people.
        return True


def skip(book: Book, task: TaskRun, *, reason: str, who: str = MACHINE) -> None:
    """Leave a task out and count its edges as decided but not taken. ``decide`` must follow."""
    task.skip()
    task.due_at, task.ended_at, task.waiting_for = None, book.now, ""
    book.run.open_tasks -= 1
    book.run.outputs = {**book.run.outputs, task.key: {"skipped": True}}
    book.note("task.skipped", task, who=who, reason=reason)
    for position in book.graph.successors[task.position]:
        book.tasks[position].undecided -= 1


def finish(book: Book, task: TaskRun, outputs: dict[str, Any], *, event: str, who: str = MACHINE, **data: Any) -> None:
    """Decide a task as done and all that follows. In a run being reversed it only awaits its turn to be undone."""
    if task.state == TaskState.RUNNING:
        task.finish()
    else:
        task.finish_waiting()
    task.due_at, task.ended_at, task.waiting_for, task.error = None, book.now, "", ""
    if outputs:
        book.run.outputs = {**book.run.outputs, task.key: outputs}
    book.note(event, task, who=who, **data)
    if book.run.state == RunState.REVERSING:
        reversal.settle(book)
        return
    book.run.open_tasks -= 1
    for position in book.graph.successors[task.position]:
        book.tasks[position].undecided -= 1
        book.tasks[position].taken += 1
    decide(book)
