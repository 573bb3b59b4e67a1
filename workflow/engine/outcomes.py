"""What becomes of an attempt. Every function here runs inside a realm's transaction and is fenced by the attempt:
when the task is somebody else's by now it raises :class:`LeaseLost`, and the caller rolls everything back."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from boss.core import events
from workflow.choices import AttemptOutcome, TaskState
from workflow.contracts import Fail, Retry, Wait
from workflow.engine import bell, claims, closing, draining, forward, joins, ledger, pace, people, reversal, sql
from workflow.engine.claims import Claim
from workflow.engine.ledger import Book
from workflow.engine.settings import lease_seconds, message_grace_seconds, worker_name
from workflow.events import TaskDone
from workflow.models import TaskRun


def done(claim: Claim, inputs: dict[str, Any], outputs: dict[str, Any], note: str, log: str = "") -> Claim | None:
    """Record a task as done and all that follows from it; returns the successor claimed in the same stroke, if any.

    One statement does it. Two things send it through the ledger as well: a successor with a condition to evaluate,
    and a run that was turned round, amended or moved while the task ran.
    """
    after_plain = claim.graph.plain_successors[claim.position]
    guarded = claim.graph.guarded_successors[claim.position]
    mine = _inline(claim, after_plain)
    row = sql.execute(
        sql.COMPLETE,
        {
            "realm": claim.realm_id,
            "run": claim.run_id,
            "version": claim.version_id,
            "revision": claim.revision,
            "task": claim.task_id,
            "attempt": claim.attempt,
            "key": claim.spec.key,
            "inputs": inputs,
            "outputs": outputs,
            "data": {"attempt": claim.attempt} | _told(note=note, log=log),
            "after": [*after_plain, *guarded],
            "guarded": guarded,
            "mine": mine,
            "worker": worker_name(),
            "lease": lease_seconds(),
            "grace": message_grace_seconds(),
        },
    ).fetchone()
    if row is None:
        _done_by_the_ledger(claim, inputs, outputs, note, log)
        return None
    open_tasks, all_outputs, successors, parent_id = row[0], sql.loaded(row[1]), sql.loaded(row[2]), row[3]
    if any(handler.fact == TaskDone.fact_name for _key, handler in events.handlers):  # type: ignore[attr-defined]
        events.publish(TaskDone(task_id=claim.task_id))
    if open_tasks == 0:
        closing.closed(claim.realm_id, claim.run_id, claim.subject, parent_id, "completed")
        return None
    if any(s["undecided"] == 0 and s["state"] == TaskState.PENDING for s in successors):
        with ledger.open_run(claim.run_id) as book:
            joins.decide(book)
    ready = [s for s in successors if s["state"] == TaskState.READY]
    bell.ring(claim.realm_id, {s["id"]: pace.kind_of(claim.graph.tasks[s["position"]]) for s in ready})
    return _next(claim, successors, all_outputs)


def _inline(claim: Claim, positions: list[int]) -> int:
    """The position of the successor this worker may go on with; -1 when it should come back to its queue."""
    if draining.is_on() or time.monotonic() >= claim.inline_until:
        return -1
    for position in positions:
        spec = claim.graph.tasks[position]
        # What may be limited comes by message: its slot is taken where it is claimed.
        if pace.may_go_on_with(spec) and not claims.may_be_limited(spec, claim.limited):
            return position
    return -1


def _next(claim: Claim, successors: list[dict[str, Any]], outputs: dict[str, Any]) -> Claim | None:
    for successor in successors:
        if successor["state"] == TaskState.RUNNING:
            return dataclasses.replace(
                claim, task_id=successor["id"], position=successor["position"], state=TaskState.RUNNING,
                generation=successor["generation"], attempt=successor["attempt"], failures=0, woken_by=None,
                outputs=outputs, done_with={}, holds=(),
            )  # fmt: skip
    return None


def _told(**words: str) -> dict[str, str]:
    return {name: text for name, text in words.items() if text}


def _done_by_the_ledger(claim: Claim, inputs: dict[str, Any], outputs: dict[str, Any], note: str, log: str) -> None:
    """The long way, for a run that does not simply go on: it is reversed, taken back in part, or on another version."""
    with _fenced(claim) as (book, task):
        task.inputs = inputs
        book.record_attempt(task, AttemptOutcome.DONE, answer=outputs)
        forward.finish(book, task, outputs, event="task.done", attempt=claim.attempt, note=note, **_told(log=log))


def undone(claim: Claim, outputs: dict[str, Any], note: str, log: str = "") -> None:
    """Record a task as undone; its predecessors' turn may have come."""
    with _fenced(claim) as (book, task):
        book.record_attempt(task, AttemptOutcome.DONE, answer=outputs, is_undo=True)
        reversal.finish(book, task, event="task.undone", note=note, **_told(log=log))


def waits(claim: Claim, inputs: dict[str, Any], wait: Wait) -> None:
    """Park the task until its time or signal comes; nobody holds anything meanwhile."""
    with _fenced(claim) as (book, task):
        undo = task.is_undo
        book.record_attempt(task, AttemptOutcome.WAIT, answer={"note": wait.note} if wait.note else {}, is_undo=undo)
        if book.is_taken_back(task):
            reversal.give_up(book, task)
            return
        if undo:
            task.wait_undo()
        else:
            task.wait()
            task.inputs = inputs
        task.due_at, task.waiting_for, task.woken_by = wait.until, wait.signal, None
        book.note(
            "task.waiting", task, until=wait.until.isoformat() if wait.until else "", signal=wait.signal, note=wait.note
        )
        if wait.signal and (kept := take_signal(task, wait.signal)) is not None:
            wake(book, task, kept)


def failed(claim: Claim, inputs: dict[str, Any], failure: Retry | Fail) -> None:
    """Record a failed attempt: another one later, or a person now."""
    with _fenced(claim) as (book, task):
        if not task.is_undo:
            task.inputs = inputs
        fail(
            book, task, failure.error or "the handler asked for another attempt",
            permanent=isinstance(failure, Fail) and failure.permanent,
            after_seconds=failure.after_seconds if isinstance(failure, Retry) else None,
            lost=False, allowed=claim.spec.retry.attempts, log=failure.log,
        )  # fmt: skip


def fail(
    book: Book, task: TaskRun, error: str, *, permanent: bool, after_seconds: float | None, lost: bool, allowed: int,
    log: str = "",
) -> None:  # fmt: skip
    """End a claimed task's attempt as failed or lost, and decide what comes next."""
    undo = task.is_undo
    task.failures += 1
    task.error = error[:4000]
    taken_back = book.is_taken_back(task)
    final = permanent or task.failures >= allowed or taken_back
    pause = after_seconds if after_seconds is not None else book.spec(task).retry.pause(task.failures)
    retry_at = None if final else book.after(pause)
    outcome = AttemptOutcome.LOST if lost else AttemptOutcome.FAILED if final else AttemptOutcome.RETRY
    book.record_attempt(task, outcome, error=error, retry_at=retry_at, is_undo=undo)
    book.note(
        "task.lost" if lost else "task.failed", task, attempt=task.attempt, error=task.error, undo=undo,
        retry_at=retry_at.isoformat() if retry_at else "", **_told(log=log),
    )  # fmt: skip
    if taken_back:
        reversal.give_up(book, task)
    elif final:
        # The ticket says what happened, so it is opened before the state hides whether it was an undo.
        people.ask_about_failure(book, task)
        if undo:
            task.ask_people_undo()
        else:
            task.ask_people()
        task.due_at, task.not_before = None, None
    else:
        if undo:
            task.undo_again()
        else:
            task.try_again()
        task.not_before = retry_at


def take_signal(task: TaskRun, name: str) -> dict[str, Any] | None:
    """The payload of the oldest signal of this name nobody took yet, now taken; None when there is none."""
    signal = task.run.signals.filter(name=name, taken_by=None).order_by("id").first()
    if signal is None:
        return None
    signal.taken_by = task
    signal.save(update_fields=["taken_by"])
    payload: dict[str, Any] = signal.payload
    return payload


def wake(book: Book, task: TaskRun, payload: dict[str, Any] | None) -> None:
    """A waiting task's time or signal has come: its handler is called again."""
    if task.is_undo:
        task.resume_undo()
    else:
        task.try_again()
    task.waiting_for, task.due_at, task.not_before, task.woken_by = "", None, None, payload
    book.note("task.woken", task, signal=payload is not None)


@contextmanager
def _fenced(claim: Claim) -> Iterator[tuple[Book, TaskRun]]:
    """Open the run and make sure that the task is still this claim's."""
    with ledger.open_run(claim.run_id) as book:
        yield book, ledger.claimed(book, claim)
