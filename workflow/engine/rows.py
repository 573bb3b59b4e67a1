"""Writes what named transitions decided about a locked run: its tasks, the run and its events in one statement.

The same through ``bulk_update``, ``save`` and ``bulk_create`` is three round trips and most of the time of an undo or
of a failed attempt is then spent building their SQL. The statement is made from the models' fields, once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from django.db import connections, models
from psycopg.types.json import Jsonb

from workflow.engine import sql
from workflow.models import Attempt, Run, RunEvent, TaskRun

_EVENT = ("sequence", "at", "kind", "task", "who", "data")
_ATTEMPT = (
    "realm_id", "task", "number", "is_undo", "started_at", "ended_at", "outcome", "error", "worker", "answer",
    "retry_at",
)  # fmt: skip


def write(
    run: Run, run_fields: Sequence[str], tasks: Iterable[TaskRun], task_fields: Sequence[str],
    events: Iterable[RunEvent],
) -> None:  # fmt: skip
    """Update the run and these of its tasks, and add the events."""
    sql.execute(
        _update(tuple(run_fields), tuple(task_fields)),
        {
            "realm": run.realm_id,
            "id": run.pk,
            "run": Jsonb([_values(run, run_fields)]),
            "tasks": Jsonb([{"id": task.pk, **_values(task, task_fields)} for task in tasks]),
            "events": Jsonb([_values(event, _EVENT) for event in events]),
        },
    )


def add(attempt: Attempt) -> None:
    """Insert one attempt that ended."""
    sql.execute(_insert_attempt(), {"row": Jsonb([_values(attempt, _ATTEMPT)])})


@cache
def _update(run_fields: tuple[str, ...], task_fields: tuple[str, ...]) -> str:
    return f"""
WITH task AS (
    UPDATE workflow_taskrun AS t SET {_assigned(TaskRun, task_fields)}
      FROM jsonb_to_recordset(%(tasks)s) AS n (id bigint, {_typed(TaskRun, task_fields)})
     WHERE t.realm_id = %(realm)s AND t.id = n.id
), event AS (
    INSERT INTO workflow_runevent (realm_id, run_id, {_named(RunEvent, _EVENT)})
    SELECT %(realm)s, %(id)s, {_named(RunEvent, _EVENT, "n.")}
      FROM jsonb_to_recordset(%(events)s) AS n ({_typed(RunEvent, _EVENT)})
)
UPDATE workflow_run AS r SET {_assigned(Run, run_fields)}
  FROM jsonb_to_recordset(%(run)s) AS n ({_typed(Run, run_fields)})
 WHERE r.realm_id = %(realm)s AND r.id = %(id)s
"""  # noqa: S608 - column names of our own models


@cache
def _insert_attempt() -> str:
    return f"""
INSERT INTO workflow_attempt ({_named(Attempt, _ATTEMPT)})
SELECT {_named(Attempt, _ATTEMPT, "n.")} FROM jsonb_to_recordset(%(row)s) AS n ({_typed(Attempt, _ATTEMPT)})
"""  # noqa: S608 - column names of our own models


def _columns(model: type[models.Model], fields: Sequence[str]) -> list[tuple[str, str]]:
    found = [model._meta.get_field(name) for name in fields]
    return [(str(field.column), str(field.db_type(connections["default"]))) for field in found]  # type: ignore[union-attr]


def _assigned(model: type[models.Model], fields: Sequence[str]) -> str:
    return ", ".join(f"{column} = n.{column}" for column, _type in _columns(model, fields))


def _named(model: type[models.Model], fields: Sequence[str], prefix: str = "") -> str:
    return ", ".join(prefix + column for column, _type in _columns(model, fields))


def _typed(model: type[models.Model], fields: Sequence[str]) -> str:
    return ", ".join(f"{column} {kind}" for column, kind in _columns(model, fields))


def _values(row: models.Model, fields: Sequence[str]) -> dict[str, Any]:
    found = {}
    for name in fields:
        field = row._meta.get_field(name)
        value = getattr(row, field.attname)  # type: ignore[union-attr]
        found[str(field.column)] = value.isoformat() if isinstance(value, dt.datetime) else value  # type: ignore[union-attr]
    return found
