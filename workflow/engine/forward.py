"""A task is decided as done, and what follows from it on the way forward."""

from __future__ import annotations

from typing import Any

from workflow.choices import TaskState
from workflow.engine import joins, reversal
from workflow.engine.ledger import MACHINE, Book
from workflow.models import TaskRun


def finish(book: Book, task: TaskRun, outputs: dict[str, Any], *, event: str, who: str = MACHINE, **data: Any) -> None:
    """Decide a task as done and all that follows. One that is taken back only awaits its turn to be undone."""
    if task.state == TaskState.RUNNING:
        task.finish()
    else:
        task.finish_waiting()
    task.due_at, task.ended_at, task.waiting_for, task.error = None, book.now, "", ""
    if outputs:
        book.run.outputs = {**book.run.outputs, task.key: outputs}
    book.note(event, task, who=who, **data)
    if book.is_taken_back(task):
        reversal.settle(book)
        return
    book.run.open_tasks -= 1
    joins.count_down(book, task, taken=True)
    joins.decide(book)
