"""Slots of limits: taken in the transaction that claims a task, held while the task runs with that attempt.

A slot is free when its last task is not claimed with that attempt any more, so nobody gives it back and whatever ends
an attempt frees it, a dead worker's lease included. Two claimers never take one slot: the candidate's row is locked
without waiting, and whether it is free is asked again in a second statement, which sees whoever held the lock before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connections

from boss.core import lanes, scoping
from workflow.choices import CLAIMABLE, TaskState
from workflow.engine import bell, graphs, pace
from workflow.models import Limit, LimitWaiter, TaskRun
from workflow.models.columns import ClockTimestamp

_PATIENCE_SECONDS = 600.0
"""A task in line is woken when a slot is free; after this the sweeper looks at it all the same."""

_PARTS: dict[str, str] = {}


def _spelled_out(statement: str) -> str:
    """The statement with the conditions that several of them share written out."""
    for name, condition in _PARTS.items():
        statement = statement.replace(name, condition)
    return statement


_PARTS["@held"] = """
EXISTS (SELECT FROM workflow_taskrun t WHERE t.realm_id = s.realm_id AND t.id = s.task AND t.attempt = s.attempt
           AND t.state IN ('running', 'undoing'))
"""
_PARTS["@used"] = "s.used_at > clock_timestamp() - interval '1 minute'"

_CANDIDATE = _spelled_out("""
SELECT s.id FROM workflow_limitslot s
 WHERE s.realm_id = %(realm)s AND s.limit_id = %(limit)s AND s.is_place AND s.number <= %(most)s
   AND s.id <> ALL (%(tried)s) AND NOT @held
 ORDER BY s.number LIMIT 1 FOR UPDATE OF s SKIP LOCKED
""")
_TAKE_PLACE = _spelled_out("""
UPDATE workflow_limitslot s SET task = %(task)s, attempt = %(attempt)s
 WHERE s.realm_id = %(realm)s AND s.id = %(slot)s AND NOT @held
""")
_TAKE_START = _spelled_out("""
UPDATE workflow_limitslot SET used_at = clock_timestamp()
 WHERE realm_id = %(realm)s AND id = (
       SELECT s.id FROM workflow_limitslot s
        WHERE s.realm_id = %(realm)s AND s.limit_id = %(limit)s AND NOT s.is_place AND s.number <= %(most)s
          AND (s.used_at IS NULL OR NOT @used)
        ORDER BY s.used_at NULLS FIRST LIMIT 1 FOR UPDATE SKIP LOCKED)
""")
_PARTS["@free"] = _spelled_out("""
LEAST(CASE WHEN l.most_at_once IS NOT NULL THEN (
           SELECT count(*) FROM workflow_limitslot s
            WHERE s.realm_id = l.realm_id AND s.limit_id = l.id AND s.is_place AND s.number <= l.most_at_once
              AND NOT @held) END,
      CASE WHEN l.most_per_minute IS NOT NULL THEN (
           SELECT count(*) FROM workflow_limitslot s
            WHERE s.realm_id = l.realm_id AND s.limit_id = l.id AND NOT s.is_place AND s.number <= l.most_per_minute
              AND (s.used_at IS NULL OR NOT @used)) END)
""")
_ANY_FREE = _spelled_out("SELECT @free > 0 FROM workflow_limit l WHERE l.realm_id = %(realm)s AND l.id = %(limit)s")
_LINE_UP = """
WITH line AS (
    INSERT INTO workflow_limitwaiter (realm_id, limit_id, task)
    SELECT %(realm)s, l.id, t.id FROM workflow_limit l, workflow_taskrun t
     WHERE l.realm_id = %(realm)s AND l.id = %(limit)s
       AND t.realm_id = %(realm)s AND t.id = %(task)s AND t.state IN ('ready', 'undo_ready')
        ON CONFLICT (realm_id, task) DO UPDATE SET limit_id = excluded.limit_id
 RETURNING task
)
UPDATE workflow_taskrun SET due_at = clock_timestamp() + make_interval(secs => %(patience)s)
 WHERE realm_id = %(realm)s AND id IN (SELECT task FROM line) AND state IN ('ready', 'undo_ready')
"""
# As many of each limit's oldest waiters as it has free slots.
_NEXT = _spelled_out("""
SELECT waiter.realm_id, waiter.task, waiter.version_id, waiter.key, waiter.state
  FROM (SELECT l.realm_id, l.id, @free AS free FROM workflow_limit l
         WHERE (%(limits)s::bigint[] IS NULL OR l.id = ANY (%(limits)s))
           AND EXISTS (SELECT FROM workflow_limitwaiter w WHERE w.realm_id = l.realm_id AND w.limit_id = l.id)) room
 CROSS JOIN LATERAL (
       SELECT w.realm_id, w.task, r.version_id, t.key, t.state
         FROM workflow_limitwaiter w
         JOIN workflow_taskrun t ON t.realm_id = w.realm_id AND t.id = w.task
         JOIN workflow_run r ON r.realm_id = t.realm_id AND r.id = t.run_id
        WHERE w.realm_id = room.realm_id AND w.limit_id = room.id AND t.state IN ('ready', 'undo_ready')
        ORDER BY w.id LIMIT room.free) waiter
""")
_FORGET = """
DELETE FROM workflow_limitwaiter w USING workflow_taskrun t
 WHERE t.realm_id = w.realm_id AND t.id = w.task AND t.state NOT IN ('ready', 'undo_ready')
"""

Next = list[tuple[int, int, int, str, str]]
"""Realm, task, version, key and state of tasks to wake."""


class NoneFree(Exception):
    """Every slot of a limit is in use."""

    def __init__(self, limit_id: int) -> None:
        super().__init__(limit_id)
        self.limit_id = limit_id


def take(realm_id: int, task_id: int, attempt: int, keys: Iterable[str]) -> tuple[int, ...]:
    """Take a slot of each of these limits in the open transaction, or raise :class:`NoneFree`; then roll it back."""
    limits = list(Limit.objects.filter(key__in=list(keys)).order_by("id"))
    for limit in limits:
        given = {"realm": realm_id, "limit": limit.pk, "task": task_id, "attempt": attempt}
        placed = limit.most_at_once is None or _take_place({**given, "most": limit.most_at_once})
        if not placed or not (limit.most_per_minute is None or _take_start({**given, "most": limit.most_per_minute})):
            raise NoneFree(limit.pk)
    if limits:
        LimitWaiter.objects.filter(task=task_id).delete()
    return tuple(limit.pk for limit in limits)


def _take_place(given: dict[str, Any]) -> bool:
    tried: list[int] = []
    with connections[scoping.alias()].cursor() as cursor:
        while True:
            cursor.execute(_CANDIDATE, {**given, "tried": tried})
            row = cursor.fetchone()
            if row is None:
                return False
            cursor.execute(_TAKE_PLACE, {**given, "slot": row[0]})
            if cursor.rowcount == 1:
                return True
            tried.append(row[0])


def _take_start(given: dict[str, Any]) -> bool:
    with connections[scoping.alias()].cursor() as cursor:
        cursor.execute(_TAKE_START, given)
        return bool(cursor.rowcount == 1)


def line_up(realm_id: int, task_id: int, limit_id: int) -> None:
    """Let a ready task wait for a slot of this limit; one that waits already keeps its place in the line."""
    given = {"realm": realm_id, "task": task_id, "limit": limit_id, "patience": _PATIENCE_SECONDS}
    with scoping.realm_transaction(realm_id, "workflow"), connections[scoping.alias()].cursor() as cursor:
        cursor.execute(_LINE_UP, given)


def any_free(realm_id: int, limit_id: int) -> bool:
    """Whether the limit has a free slot at this moment, or is gone."""
    with scoping.realm_transaction(realm_id, "workflow"), connections[scoping.alias()].cursor() as cursor:
        cursor.execute(_ANY_FREE, {"realm": realm_id, "limit": limit_id})
        row = cursor.fetchone()
    return row is None or bool(row[0])


def pass_on(realm_id: int, limit_ids: tuple[int, ...]) -> None:
    """An attempt with slots of these limits has ended: wake those whose turn it is."""
    with scoping.realm_transaction(realm_id, "workflow"), connections[scoping.alias()].cursor() as cursor:
        cursor.execute(_NEXT, {"limits": list(limit_ids)})
        waiting: Next = cursor.fetchall()
    wake(waiting)


def sweep() -> int:
    """Wake, in all realms, as many of those in line as there are free slots: time freed them, or a dead worker."""
    with scoping.dispatch_transaction("workflow.sweep"), connections[scoping.alias()].cursor() as cursor:
        cursor.execute(_FORGET)
        cursor.execute(_NEXT, {"limits": None})
        waiting: Next = cursor.fetchall()
    wake(waiting)
    return len(waiting)


def wake(waiting: Next) -> None:
    """Ring for tasks in their realms' lanes."""
    for realm_id, task_id, version_id, key, state in waiting:
        kind = pace.kind_of_any(graphs.of_any(realm_id, version_id), key, undo=state == TaskState.UNDO_READY)
        bell.ring_now(realm_id, [task_id], lanes.of_realm(kind, realm_id))


def let_go(limit_id: int) -> None:
    """The limit is lifted: let the sweeper ring for all who waited for it, fairly, and soon."""
    waiting = LimitWaiter.objects.filter(limit_id=limit_id).values("task")
    TaskRun.objects.filter(pk__in=waiting, state__in=CLAIMABLE).update(due_at=ClockTimestamp())
