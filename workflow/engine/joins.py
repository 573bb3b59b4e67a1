"""What follows from a decided task on the way forward: joins, conditions, skips, the run's end."""

from __future__ import annotations

from boss.core.expressions import ExpressionError
from workflow import graph
from workflow.choices import FORWARD_END, RunState, TaskState
from workflow.engine.ledger import BEGUN_AGAIN, MACHINE, Book
from workflow.models import TaskRun

SKIPPED_OUTPUTS = {"skipped": True}
"""What stands for the outputs of a task that was left out."""


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
    book.run.outputs = {**book.run.outputs, task.key: SKIPPED_OUTPUTS}
    book.note("task.skipped", task, who=who, reason=reason)
    count_down(book, task, taken=False)


def count_down(book: Book, task: TaskRun, *, taken: bool) -> None:
    """Count the task's outgoing edges as decided. What went on already is not asked again: when a task is done anew
    after an amendment, those behind it that stand may have been decided long ago."""
    for position in book.graph.successors[task.position]:
        successor = book.tasks[position]
        if successor.state == TaskState.PENDING:
            successor.undecided -= 1
            successor.taken += taken


def count_up(book: Book, task: TaskRun, *, taken: bool) -> None:
    """The task is to be decided anew: those behind it that have not begun wait for it again."""
    for position in book.graph.successors[task.position]:
        successor = book.tasks[position]
        if successor.state == TaskState.PENDING:
            successor.undecided += 1
            successor.taken -= taken


def begin_again(book: Book, tasks: list[TaskRun]) -> None:
    """Decide these tasks anew, all of which are undone or skipped."""
    for task in tasks:
        task.begin_again()
        task.generation += 1
        task.failures, task.inputs, task.woken_by, task.error, task.waiting_for = 0, {}, None, "", ""
        task.not_before = task.due_at = task.started_at = task.ended_at = task.ticket = None
        book.note(BEGUN_AGAIN, task)
    book.run.outputs = {key: given for key, given in book.run.outputs.items() if key not in {t.key for t in tasks}}
    for task in tasks:
        count_edges(book, task)
    decide(book)


def count_edges(book: Book, task: TaskRun) -> None:
    """Set what a pending task's counters must be by the present states of those before it."""
    before = [book.tasks[position].state for position in book.graph.predecessors[task.position]]
    task.undecided = sum(state not in FORWARD_END for state in before)
    # A task without predecessors has been come to by the start itself.
    task.taken = sum(state == TaskState.DONE for state in before) if before else 1
