"""The hot path as SQL: start, claim, completion with what follows from it, and the lease.

Each statement is one round trip and atomic by itself; the time in it is the database's. They are prepared
(:mod:`boss.core.prepared`): planning the completion costs more than running it. ``MOVES`` names the state changes
each statement writes; a test compares them with the named transitions of the models.

Locks are always taken in the order run, task, successors (a claim takes its task's lock alone), so two workers
never wait for one another in a circle.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import connections

from boss.core import scoping
from boss.core.prepared import execute as execute

# Any number of runs in one statement; rows of the three tables find each other by the run's public id.
START = """
WITH run AS (
    INSERT INTO workflow_run (realm_id, public_id, version_id, subject_kind, subject_id, inputs, outputs, state,
                              open_tasks, sequence, started_at, started_by, ended_at, reversal_reason, parent_id, index)
    SELECT %(realm)s, r.public_id, %(version)s, r.subject_kind, r.subject_id, r.inputs, r.outputs, r.state,
           r.open_tasks, r.sequence, %(now)s, %(who)s, CASE WHEN r.has_ended THEN %(now)s::timestamptz END, '',
           %(parent)s, r.index
      FROM jsonb_to_recordset(%(runs)s) AS r (public_id text, subject_kind text, subject_id bigint, inputs jsonb,
                                              outputs jsonb, state text, open_tasks int, sequence int,
                                              has_ended boolean, index int)
 RETURNING id, public_id
), task AS (
    INSERT INTO workflow_taskrun (realm_id, run_id, position, key, kind, state, undecided, taken, attempt, failures,
                                  due_at, ended_at, worker, inputs, waiting_for, error)
    SELECT %(realm)s, run.id, t.position, t.key, t.kind, t.state, t.undecided, t.taken, 0, 0,
           CASE t.state WHEN 'ready' THEN %(now)s::timestamptz + make_interval(secs => %(grace)s) END,
           CASE t.state WHEN 'skipped' THEN %(now)s::timestamptz END, '', '{}', '', ''
      FROM unnest(%(of)s::text[], %(positions)s::smallint[], %(keys)s::text[], %(kinds)s::text[], %(states)s::text[],
                  %(undecided)s::smallint[], %(taken)s::smallint[])
                AS t (of, position, key, kind, state, undecided, taken)
      JOIN run ON run.public_id = t.of
 RETURNING id, run_id, position
), event AS (
    INSERT INTO workflow_runevent (realm_id, run_id, sequence, at, kind, task_id, who, data)
    SELECT %(realm)s, run.id, e.sequence, %(now)s, e.kind, task.id, e.who, e.data
      FROM jsonb_to_recordset(%(events)s) AS e (of text, sequence int, kind text, position int, who text, data jsonb)
      JOIN run ON run.public_id = e.of
      LEFT JOIN task ON task.run_id = run.id AND task.position = e.position
)
SELECT run.public_id, run.id, jsonb_object_agg(task.position, task.id)
  FROM run JOIN task ON task.run_id = run.id
 GROUP BY run.public_id, run.id
"""

CLAIM = """
UPDATE workflow_taskrun AS t
   SET state = CASE t.state WHEN 'ready' THEN 'running' ELSE 'undoing' END,
       attempt = t.attempt + 1, started_at = clock_timestamp(), worker = %(worker)s, not_before = NULL,
       due_at = clock_timestamp() + make_interval(secs => %(lease)s)
 WHERE t.realm_id = %(realm)s AND t.id = %(task)s AND t.state IN ('ready', 'undo_ready')
   AND (t.not_before IS NULL OR t.not_before <= clock_timestamp())
RETURNING t.run_id, t.position, t.state, t.attempt, t.failures, t.woken_by, t.generation, t.inputs
"""

# What the claim needs of its run, in a statement of its own: the first one may have waited for somebody who amended
# the run or moved it to another version, and would see the run as it was before.
CLAIMED_RUN = """
SELECT r.public_id, r.version_id, r.revision, r.subject_kind, r.subject_id, r.inputs, r.outputs,
       (SELECT jsonb_agg(l.key) FROM workflow_limit l WHERE l.realm_id = %(realm)s)
  FROM workflow_run AS r WHERE r.realm_id = %(realm)s AND r.id = %(run)s
"""

# The run's row comes first: its lock puts the completions of one run in an order, and its new version carries the
# outputs of every task that finished before, also those committed while this statement waited for the lock. A run that
# is reversed, or taken back in part, or was changed or moved to another version since the claim, goes through the
# ledger instead: the claim knows its former inputs, and this statement may see its tasks as they were.
# Rows are found by parameters, never by a join with `run`: only so does the index get the whole key.
COMPLETE = """
WITH run AS (
    UPDATE workflow_run
       SET open_tasks = open_tasks - 1,
           sequence = sequence + CASE open_tasks WHEN 1 THEN 2 ELSE 1 END,
           outputs = CASE WHEN %(outputs)s = '{}'::jsonb THEN outputs
                          ELSE outputs || jsonb_build_object(%(key)s::text, %(outputs)s) END,
           state = CASE open_tasks WHEN 1 THEN 'completed' ELSE state END,
           ended_at = CASE open_tasks WHEN 1 THEN clock_timestamp() END
     WHERE realm_id = %(realm)s AND id = %(run)s AND state = 'running' AND taken_back IS NULL
       AND version_id = %(version)s AND revision = %(revision)s
 RETURNING id, realm_id, open_tasks, sequence, outputs, parent_id
), task AS (
    UPDATE workflow_taskrun AS t
       SET state = 'done', ended_at = clock_timestamp(), due_at = NULL, waiting_for = '', error = '',
           inputs = %(inputs)s
      FROM run
     WHERE t.realm_id = %(realm)s AND t.id = %(task)s AND t.run_id = %(run)s
       AND t.state = 'running' AND t.attempt = %(attempt)s
 RETURNING t.id, t.realm_id, t.started_at
), attempt AS (
    INSERT INTO workflow_attempt
           (realm_id, task_id, number, is_undo, started_at, ended_at, outcome, error, worker, answer)
    SELECT task.realm_id, task.id, %(attempt)s, false, task.started_at, clock_timestamp(), 'done', '', %(worker)s,
           %(outputs)s
      FROM task
), event AS (
    INSERT INTO workflow_runevent (realm_id, run_id, sequence, at, kind, task_id, who, data)
    SELECT run.realm_id, run.id, run.sequence - CASE run.open_tasks WHEN 0 THEN 1 ELSE 0 END, clock_timestamp(),
           'task.done', task.id, 'BOSS', %(data)s
      FROM run, task
    UNION ALL
    SELECT run.realm_id, run.id, run.sequence, clock_timestamp(), 'run.completed', NULL, 'BOSS', '{}'
      FROM run, task WHERE run.open_tasks = 0
), successor AS (
    UPDATE workflow_taskrun AS s
       SET undecided = s.undecided - 1, taken = s.taken + 1,
           state = CASE WHEN s.undecided > 1 OR s.position = ANY (%(guarded)s) THEN s.state
                        WHEN s.position = %(mine)s THEN 'running' ELSE 'ready' END,
           attempt = CASE WHEN s.undecided = 1 AND s.position = %(mine)s THEN s.attempt + 1 ELSE s.attempt END,
           started_at = CASE WHEN s.undecided = 1 AND s.position = %(mine)s THEN clock_timestamp() END,
           worker = CASE WHEN s.undecided = 1 AND s.position = %(mine)s THEN %(worker)s ELSE '' END,
           due_at = CASE WHEN s.undecided > 1 OR s.position = ANY (%(guarded)s) THEN NULL
                         WHEN s.position = %(mine)s THEN clock_timestamp() + make_interval(secs => %(lease)s)
                         ELSE clock_timestamp() + make_interval(secs => %(grace)s) END
      FROM run, task
     WHERE s.realm_id = %(realm)s AND s.run_id = %(run)s AND s.state = 'pending' AND s.position = ANY (%(after)s)
 RETURNING s.id, s.position, s.state, s.undecided, s.attempt, s.generation
)
SELECT run.open_tasks, run.outputs, coalesce((SELECT jsonb_agg(to_jsonb(successor)) FROM successor), '[]'),
       run.parent_id
  FROM run, task
"""

EXTEND = """
UPDATE workflow_taskrun SET due_at = clock_timestamp() + make_interval(secs => %(lease)s)
 WHERE realm_id = %(realm)s AND id = %(task)s AND attempt = %(attempt)s AND state IN ('running', 'undoing')
"""

MOVES: dict[str, set[tuple[str, str]]] = {
    "START": set(),  # writes what the transitions of new instances decided
    "CLAIM": {("ready", "running"), ("undo_ready", "undoing")},
    "CLAIMED_RUN": set(),
    "COMPLETE": {
        ("running", "done"),
        ("pending", "ready"),
        ("pending", "running"),
    },
    "EXTEND": set(),
}
RUN_MOVES = {("running", "completed")}


def wait_no_longer_than(time: str) -> None:
    """Let the statements that follow in this transaction fail instead of waiting longer for a lock."""
    with connections[scoping.alias()].cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [time])


def loaded(value: Any) -> Any:
    """A jsonb column as Python sees it: Django's connections hand it over as text."""
    return json.loads(value) if isinstance(value, str | bytes) else value
