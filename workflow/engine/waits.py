"""Wait tasks and manual tasks: work that no handler does. Both begin inside one transaction and hold no worker."""

from __future__ import annotations

import datetime as dt
from typing import Any

from boss.core.expressions import evaluate
from workflow.engine import forward, ledger, outcomes, people, reversal, times
from workflow.engine.claims import Claim
from workflow.engine.ledger import Book
from workflow.engine.times import BadTime
from workflow.graph import TaskSpec
from workflow.models import TaskRun


def begin_work(claim: Claim, inputs: dict[str, Any]) -> None:
    """Give a manual task, or an undo that people do, to its pool as a ticket."""
    with ledger.open_run(claim.run_id) as book:
        task = ledger.claimed(book, claim)
        if book.is_taken_back(task):
            reversal.give_up(book, task)
            return
        if not task.is_undo:
            task.inputs = inputs
        people.give_work(book, task, inputs, undo=task.is_undo)
        if task.is_undo:
            task.wait_undo()
        else:
            task.wait()
        task.due_at = None


def begin_wait(claim: Claim) -> None:
    """Start a wait task: over at once when its signal came earlier or its time has passed."""
    spec = claim.spec
    with ledger.open_run(claim.run_id) as book:
        task = ledger.claimed(book, claim)
        if book.is_taken_back(task):
            reversal.give_up(book, task)
            return
        until = _instant(evaluate(spec.until, book.names()), book, spec) if spec.until is not None else None
        if until is None and spec.deadline_seconds is not None:
            until = times.after(book, spec.deadline_seconds, spec.calendar)
        task.wait()
        task.waiting_for, task.due_at = spec.signal, until
        payload = outcomes.take_signal(task, spec.signal) if spec.signal else None
        if payload is not None:
            signalled(book, task, payload)
            return
        book.note("task.waiting", task, until=task.due_at.isoformat() if task.due_at else "", signal=spec.signal)
        if task.due_at is not None and task.due_at <= book.now:
            time_came(book, task, spec)


def signalled(book: Book, task: TaskRun, payload: dict[str, Any], who: str = ledger.MACHINE) -> None:
    """A wait task's signal is here; its payload becomes the task's outputs."""
    forward.finish(book, task, payload, event="task.signalled", who=who, signal=task.waiting_for)


def time_came(book: Book, task: TaskRun, spec: TaskSpec) -> None:
    """A wait task's time or deadline has come. Reaching ``until`` is success; a deadline does what the task says."""
    if spec.until is None and spec.on_deadline == "fail":
        ask_people(book, task, f"nothing came before the deadline: {spec.signal or 'no signal'}")
        return
    forward.finish(book, task, {"timed_out": True}, event="task.time_came")


def ask_people(book: Book, task: TaskRun, error: str) -> None:
    """A wait that cannot end as it should is given to people."""
    task.failures += 1
    task.error = error[:4000]
    book.note("task.failed", task, attempt=task.attempt, error=task.error, undo=False, retry_at="")
    people.ask_about_failure(book, task)
    task.ask_people()
    task.due_at = None


def _instant(value: Any, book: Book, spec: TaskSpec) -> dt.datetime:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return times.after(book, value, spec.calendar)
    if isinstance(value, str):
        try:
            at = dt.datetime.fromisoformat(value)
        except ValueError:
            raise BadTime(f"until gave {value!r}, which is no time") from None
        return at if at.tzinfo else at.replace(tzinfo=dt.UTC)
    raise BadTime(f"until gave {value!r}, which is no time")
