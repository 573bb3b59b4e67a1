"""Finds in Postgres what no message will come for: lost messages, due retries, timers, and leases that ended.

One look through all realms by the index on ``due_at``, then every task is dealt with in its own realm behind the
wall, in its own transaction and under its run's lock, where everything is looked at again. Any number of sweepers
may run at once.
"""

from __future__ import annotations

from collections import defaultdict

import structlog
from django.db import InterfaceError, OperationalError, connections

from boss.core import scoping
from workflow.choices import AttemptOutcome, RunState, TaskKind, TaskState
from workflow.engine import bell, ledger, outcomes, waits
from workflow.engine.ledger import Book
from workflow.engine.settings import MOST_CRASHES, rering_seconds
from workflow.models import Attempt, TaskRun

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 1000

# The sub-select makes the clock one value, so that the index can be used.
_UNHEARD = """
UPDATE workflow_taskrun SET due_at = clock_timestamp() + make_interval(secs => %s)
 WHERE id IN (SELECT id FROM workflow_taskrun
               WHERE due_at <= (SELECT clock_timestamp()) AND state IN ('ready', 'undo_ready')
               ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING realm_id, id
"""
_DUE = """
SELECT realm_id, id, run_id FROM workflow_taskrun
 WHERE due_at <= (SELECT clock_timestamp()) AND state NOT IN ('ready', 'undo_ready')
 ORDER BY due_at LIMIT %s
"""


def sweep() -> int:
    """One pass over all realms. Returns how many tasks were rung for or dealt with."""
    with scoping.system_transaction("workflow.sweep"), connections["system"].cursor() as cursor:
        cursor.execute(_UNHEARD, (rering_seconds(), MOST_AT_ONCE))
        unheard = cursor.fetchall()
        cursor.execute(_DUE, (MOST_AT_ONCE,))
        due = cursor.fetchall()
    by_realm: dict[int, list[int]] = defaultdict(list)
    for realm_id, task_id in unheard:
        by_realm[realm_id].append(task_id)
    for realm_id, task_ids in by_realm.items():
        bell.ring_now(realm_id, task_ids)
    for realm_id, task_id, run_id in due:
        try:
            with scoping.realm_transaction(realm_id, "workflow.sweep"):
                settle_due(run_id, task_id)
        except (OperationalError, InterfaceError):
            log.exception("task_not_swept", realm=realm_id, task=task_id)
        except Exception as error:
            log.exception("task_not_swept", realm=realm_id, task=task_id)
            _give_to_people(realm_id, run_id, task_id, str(error) or type(error).__name__)
    return len(unheard) + len(due)


def settle_due(run_id: int, task_id: int) -> None:
    """Deal with one task whose time has come, in the realm that is entered; nothing happens if it has not, or if the
    run is busy: the next sweep comes soon."""
    with ledger.open_run_unless_busy(run_id) as book:
        if book is None:
            return
        task = book.task(task_id)
        if task.due_at is None or task.due_at > book.now:
            return
        if task.state in (TaskState.RUNNING, TaskState.UNDOING):
            _lost(book, task)
        elif task.state == TaskState.WAITING and task.kind == TaskKind.WAIT and book.run.state == RunState.RUNNING:
            waits.time_came(book, task, book.spec(task))
        elif task.state in (TaskState.WAITING, TaskState.UNDO_WAITING):
            outcomes.wake(book, task, None)


def _give_to_people(realm_id: int, run_id: int, task_id: int, error: str) -> None:
    """A wait whose end was refused (by the room of the run's subject, say) would be refused at every sweep again."""
    try:
        with scoping.realm_transaction(realm_id, "workflow.sweep"), ledger.open_run_unless_busy(run_id) as book:
            task = book.task(task_id) if book is not None else None
            if book is not None and task is not None and task.kind == TaskKind.WAIT and task.state == TaskState.WAITING:
                waits.ask_people(book, task, error)
    except Exception:
        log.exception("task_not_given_to_people", realm=realm_id, task=task_id)


def _lost(book: Book, task: TaskRun) -> None:
    """The lease ended: the worker is dead, frozen or hangs. That counts as a failure, so a task that kills its
    workers ends with people instead of killing all of them."""
    outcomes.fail(
        book, task, f"the worker {task.worker} did not finish in time",
        permanent=_crashes(task) + 1 >= MOST_CRASHES, after_seconds=None, lost=True,
        allowed=book.spec(task).retry.attempts,
    )  # fmt: skip


def _crashes(task: TaskRun) -> int:
    """How many of the failures counted so far were lost workers. A server that is down is not the task's own poison."""
    failed = Attempt.objects.filter(task=task, is_undo=task.is_undo).exclude(outcome=AttemptOutcome.WAIT)
    recent = failed.order_by("-number").values_list("outcome", flat=True)[: task.failures]
    return list(recent).count(AttemptOutcome.LOST)
