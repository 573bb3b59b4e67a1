"""Finds in Postgres what no message will come for: lost messages, due retries, timers, and leases that ended.

One look through each realm in turn by the index on ``due_at``, the first of every realm before the second of any, then
every task is dealt with in its own realm behind the wall, in its own transaction and under its run's lock, where
everything is looked at again. Any number of sweepers may run at once.
"""

from __future__ import annotations

import time

import structlog
from django.db import InterfaceError, OperationalError, connections

from boss.core import lanes, scoping
from workflow.choices import CLAIMED, AttemptOutcome, RunState, TaskKind, TaskState
from workflow.engine import bell, graphs, ledger, outcomes, pace, people, slots, waits
from workflow.engine.ledger import Book
from workflow.engine.settings import MOST_CRASHES, message_grace_seconds, rering_seconds
from workflow.models import Attempt, TaskRun

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 1000
LONGEST_SECONDS = 20.0
"""One sweep ends after this, whatever is left to the next one: the clock calls for one every other second."""
BUSY_SECONDS = 5.0
"""A task that could not be dealt with now is looked at again after this, so that many such never hide the others."""

# The sub-select makes the clock one value, so that the index can be used.
_UNHEARD = """
WITH fair AS MATERIALIZED (
    SELECT found.id, found.turn, found.due_at
      FROM tenancy_realm realm
     CROSS JOIN LATERAL (
           SELECT id, due_at, row_number() OVER (ORDER BY due_at, id) AS turn
             FROM workflow_taskrun t
            WHERE t.realm_id = realm.id AND t.due_at <= (SELECT clock_timestamp())
              AND t.state IN ('ready', 'undo_ready')
            ORDER BY due_at, id LIMIT %(most)s) found
     ORDER BY found.turn, found.due_at LIMIT %(most)s
), free AS (
    SELECT t.id FROM workflow_taskrun t
     WHERE t.id = ANY (ARRAY(SELECT id FROM fair)) AND t.due_at <= (SELECT clock_timestamp())
       AND t.state IN ('ready', 'undo_ready')
       FOR UPDATE SKIP LOCKED
), rung AS (
    UPDATE workflow_taskrun t SET due_at = clock_timestamp() + make_interval(secs => %(pause)s)
      FROM free WHERE t.id = free.id
 RETURNING t.id, t.realm_id, t.run_id, t.key, t.state
)
SELECT rung.realm_id, rung.id, r.version_id, rung.key, rung.state
  FROM rung JOIN fair ON fair.id = rung.id JOIN workflow_run r ON r.id = rung.run_id
 ORDER BY fair.turn, fair.due_at
"""
_DUE = """
SELECT found.realm_id, found.id, found.run_id
  FROM tenancy_realm realm
 CROSS JOIN LATERAL (
       SELECT t.*, row_number() OVER (ORDER BY t.due_at, t.id) AS turn
         FROM (SELECT realm_id, id, run_id, due_at FROM workflow_taskrun
                WHERE realm_id = realm.id AND due_at <= (SELECT clock_timestamp())
                  AND state NOT IN ('ready', 'undo_ready')
                ORDER BY due_at, id LIMIT %(most)s FOR UPDATE SKIP LOCKED) t) found
 ORDER BY found.turn, found.due_at LIMIT %(most)s
"""
_LOOK_LATER = """
UPDATE workflow_taskrun SET due_at = clock_timestamp() + make_interval(secs => %(pause)s)
 WHERE id IN (SELECT id FROM workflow_taskrun
               WHERE id = ANY (%(ids)s)
                 AND CASE WHEN state IN ('ready', 'undo_ready')
                          THEN %(crowded)s AND (not_before IS NULL OR not_before <= clock_timestamp())
                          ELSE due_at <= clock_timestamp() END
                 FOR UPDATE SKIP LOCKED)
"""


def sweep() -> int:
    """One pass over all realms. Returns how many tasks were rung for or dealt with."""
    rung = _ring_for_the_unheard()
    with scoping.dispatch_transaction("workflow.sweep"), connections[scoping.alias()].cursor() as cursor:
        cursor.execute(_DUE, {"most": MOST_AT_ONCE})
        due = cursor.fetchall()
    ends = time.monotonic() + LONGEST_SECONDS
    for realm_id, task_id, run_id in due:
        if time.monotonic() > ends:
            break
        if not _dealt_with(realm_id, run_id, task_id):
            _look_later([task_id], BUSY_SECONDS, crowded=False)
    return rung + len(due) + slots.sweep()


def _ring_for_the_unheard() -> int:
    """Ring again for ready tasks that nobody claimed, as far as the sweeper's lanes are not full of them."""
    room = bell.room()
    if not any(room.values()):
        return 0
    with scoping.dispatch_transaction("workflow.sweep"), connections[scoping.alias()].cursor() as cursor:
        cursor.execute(_UNHEARD, {"pause": rering_seconds(), "most": MOST_AT_ONCE})
        unheard = cursor.fetchall()
    crowded: list[int] = []
    for realm_id, task_id, version_id, key, state in unheard:
        kind = pace.kind_of_any(graphs.of_any(realm_id, version_id), key, undo=state == TaskState.UNDO_READY)
        if room[kind] > 0:
            room[kind] -= 1
            bell.ring_now(realm_id, [task_id], lanes.swept(kind))
        else:
            crowded.append(task_id)
    if crowded:
        _look_later(crowded, message_grace_seconds(), crowded=True)
    return len(unheard) - len(crowded)


def _look_later(task_ids: list[int], seconds: float, *, crowded: bool) -> None:
    """Put off the next look at tasks that are still due, or (``crowded``) still ready; whoever holds one of them
    decides about it himself."""
    with scoping.dispatch_transaction("workflow.sweep"), connections[scoping.alias()].cursor() as cursor:
        cursor.execute(_LOOK_LATER, {"ids": task_ids, "pause": seconds, "crowded": crowded})


def _dealt_with(realm_id: int, run_id: int, task_id: int) -> bool:
    """Settle one due task. False when its run was busy or it cannot be settled now."""
    try:
        with scoping.realm_transaction(realm_id, "workflow.sweep"):
            return settle_due(run_id, task_id)
    except (OperationalError, InterfaceError):
        log.exception("task_not_swept", realm=realm_id, task=task_id)
    except Exception as error:
        log.exception("task_not_swept", realm=realm_id, task=task_id)
        _give_to_people(realm_id, run_id, task_id, str(error) or type(error).__name__)
    return False


def settle_due(run_id: int, task_id: int) -> bool:
    """Deal with one task whose time has come, in the realm that is entered; nothing happens if it has not. False if
    the run is busy: it is looked at again soon."""
    with ledger.open_run_unless_busy(run_id) as book:
        if book is None:
            return False
        task = book.task(task_id)
        if task.due_at is None or task.due_at > book.now:
            return True
        if task.state in (TaskState.RUNNING, TaskState.UNDOING):
            _lost(book, task)
        elif task.state == TaskState.WAITING and task.kind == TaskKind.WAIT and book.run.state == RunState.RUNNING:
            waits.time_came(book, task, book.spec(task))
        elif task.state in (TaskState.WAITING, TaskState.UNDO_WAITING):
            outcomes.wake(book, task, None)
    return True


def _give_to_people(realm_id: int, run_id: int, task_id: int, error: str) -> None:
    """What was refused (by the room of the run's subject, say) would be refused at every sweep again, unheard of: a
    wait that cannot end is people's now, and of a run that cannot end they get a ticket while it is tried on."""
    try:
        with scoping.realm_transaction(realm_id, "workflow.sweep"), ledger.open_run_unless_busy(run_id) as book:
            task = book.task(task_id) if book is not None else None
            if book is None or task is None:
                return
            if task.kind == TaskKind.WAIT and task.state == TaskState.WAITING:
                waits.ask_people(book, task, error)
            elif task.state in CLAIMED:
                people.ask_about_refused_end(book, task, error)
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
    people.withdraw_refused_end(book, task)


def _crashes(task: TaskRun) -> int:
    """How many of the failures counted so far were lost workers. A server that is down is not the task's own poison."""
    failed = Attempt.objects.filter(task=task, is_undo=task.is_undo).exclude(outcome=AttemptOutcome.WAIT)
    recent = failed.order_by("-number").values_list("outcome", flat=True)[: task.failures]
    return list(recent).count(AttemptOutcome.LOST)
