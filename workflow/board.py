"""The board: which runs are under way, where each of them stands, how many stand there and how many are late.

A task *stands* somewhere while it is neither pending nor ended. It is *late* when its ticket is past its due date, or
else when it has been going on for longer than the target its definition gives it. A target that counts open hours
only (``calendar``) is judged by the ticket alone, which knows the hours.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.db import connections
from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from boss.core import permissions, scoping
from boss.core.actors import Actor
from boss.core.scoping import ScopedQuerySet
from ticketing import selectors as desk
from workflow import selectors
from workflow.choices import (
    CLOSED_RUN_STATES,
    NEEDS_PEOPLE,
    RESTING,
    AttemptOutcome,
    RunState,
    TaskKind,
    TaskState,
)
from workflow.engine import graphs
from workflow.engine.people import SUBJECT_KIND
from workflow.graph import TaskSpec
from workflow.models import Attempt, DefinitionVersion, Run, TaskRun
from workflow.registry import run_subject_kinds
from workflow.sample import Sample

MOVING = (TaskState.READY, TaskState.RUNNING, TaskState.UNDO_READY, TaskState.UNDOING)
WAITING = (TaskState.WAITING, TaskState.UNDO_WAITING)
OPEN = (RunState.RUNNING, RunState.REVERSING)

STATES = ("open", "attention", "late", "waiting", "running", "reversing", "closed", "completed", "reversed", "all")
HAPPENED = ("fallout", "retried", "done", "people")

_KEPT_SECONDS_PER_SECOND = 20
_WORTH_KEEPING_SECONDS = 0.25

# Resting tasks by their own index, moving ones by that of what is due: each is small however many runs are stored.
# The states are written out so that the planner sees that the partial indexes hold them. A run with a task that
# stands somewhere is open, so its state is not asked for.
ACTIVE = """
WITH target AS MATERIALIZED (
    SELECT v.id AS version_id, task ->> 'key' AS key, (task ->> 'target_seconds')::float AS seconds
      FROM workflow_definitionversion AS v, jsonb_array_elements(v.document -> 'tasks') AS task
     WHERE v.realm_id = %(realm)s AND jsonb_typeof(task -> 'target_seconds') = 'number'
       AND coalesce(task ->> 'calendar', '') = ''
), active AS (
    SELECT run_id, position, key, state, started_at, ticket_id FROM workflow_taskrun
     WHERE realm_id = %(realm)s AND state IN ('waiting', 'attention', 'undo_waiting', 'undo_attention')
    UNION ALL
    SELECT run_id, position, key, state, started_at, ticket_id FROM workflow_taskrun
     WHERE realm_id = %(realm)s AND due_at IS NOT NULL AND state IN ('ready', 'running', 'undo_ready', 'undoing')
)"""
_COUNTS = "".join(
    (
        ACTIVE,
        """, standing AS (
    SELECT run.version_id, active.position, active.run_id, active.state,
           coalesce(ticket.due_at, active.started_at + make_interval(secs => target.seconds)) < now() AS late
      FROM active
      JOIN workflow_run AS run ON run.realm_id = %(realm)s AND run.id = active.run_id
       AND run.state IN ('running', 'reversing')
      LEFT JOIN ticketing_ticket AS ticket ON ticket.realm_id = %(realm)s AND ticket.id = active.ticket_id
      LEFT JOIN target ON target.version_id = run.version_id AND target.key = active.key
)
SELECT version_id, position, count(*), count(*) FILTER (WHERE late),
       count(DISTINCT run_id) FILTER (WHERE state IN ('attention', 'undo_attention')),
       count(DISTINCT run_id) FILTER (WHERE late),
       count(DISTINCT run_id) FILTER (WHERE state IN ('waiting', 'undo_waiting')),
       count(DISTINCT run_id) FILTER (WHERE state IN ('ready', 'running', 'undo_ready', 'undoing'))
  FROM standing GROUP BY GROUPING SETS ((version_id, position), ())
""",
    )
)
_OPEN_RUNS = """
SELECT version_id, count(*) FILTER (WHERE state = 'running'), count(*) FILTER (WHERE state = 'reversing')
  FROM workflow_run WHERE realm_id = %(realm)s AND state IN ('running', 'reversing') GROUP BY version_id
"""
# First what may be late by any version's target, which is little; then what is late by its own version's.
_LATE_RUNS = "".join(
    (
        ACTIVE,
        """, least AS (
    SELECT key, min(seconds) AS seconds FROM target GROUP BY key
), suspect AS MATERIALIZED (
    SELECT active.run_id, active.key, active.started_at, ticket.due_at
      FROM active
      LEFT JOIN ticketing_ticket AS ticket ON ticket.realm_id = %(realm)s AND ticket.id = active.ticket_id
      LEFT JOIN least ON least.key = active.key
     WHERE coalesce(ticket.due_at, active.started_at + make_interval(secs => least.seconds)) < now()
)
SELECT suspect.run_id
  FROM suspect
  JOIN workflow_run AS run ON run.realm_id = %(realm)s AND run.id = suspect.run_id
  LEFT JOIN target ON target.version_id = run.version_id AND target.key = suspect.key
 WHERE coalesce(suspect.due_at, suspect.started_at + make_interval(secs => target.seconds)) < now()
""",
    )
)


# Which runs


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for. Empty values ask for nothing.

    ``text`` is what people call the subject (an order's number, an account, a name) or the run's own address.
    ``task`` with an open ``state`` means runs that stand at this task now; ``happened`` (one of :data:`HAPPENED`)
    those where it came to that, at this task if one is named. ``older_seconds`` is their least age, ``ended_days``
    the window in which closed ones ended, ``sample`` the ended runs that a number about the past was made from.
    """

    state: str = "open"
    text: str = ""
    definition: str = ""
    task: str = ""
    error: str = ""
    happened: str = ""
    older_seconds: int | None = None
    ended_days: int | None = None
    sample: Sample | None = None


def list_runs(actor: Actor, wanted: Wanted) -> ScopedQuerySet:
    """The runs that ``wanted`` describes as far as the actor may see them, newest first."""
    rows: ScopedQuerySet = selectors.list_runs(actor).defer("version__document").filter(_state(actor, wanted.state))
    if wanted.text.strip():
        rows = rows.filter(_subject(actor, wanted.text.strip()))
    if wanted.definition:
        rows = rows.filter(version__definition__key=wanted.definition)
    tasks = TaskRun.objects.filter(run=OuterRef("pk"))
    if wanted.task and not wanted.happened and wanted.state not in (*CLOSED_RUN_STATES, "closed", "all"):
        rows = rows.filter(Exists(tasks.filter(key=wanted.task, state__in=[*RESTING, *MOVING])))
    if wanted.happened:
        rows = rows.filter(Exists(_happened(wanted)))
    if wanted.error.strip():
        failing = TaskRun.objects.filter(
            Q(state__in=NEEDS_PEOPLE) | Q(state__in=[TaskState.READY, TaskState.UNDO_READY], due_at__isnull=False),
            error__icontains=wanted.error.strip(),
        )
        rows = rows.filter(pk__in=failing.values("run_id"))
    if wanted.older_seconds is not None:
        rows = rows.filter(started_at__lt=Now() - dt.timedelta(seconds=wanted.older_seconds))
    if wanted.ended_days is not None:
        rows = rows.filter(ended_at__gte=Now() - dt.timedelta(days=wanted.ended_days))
    if wanted.sample is not None:
        rows = rows.filter(wanted.sample.condition(actor.realm_id, wanted.definition or None))
    return rows


def _state(actor: Actor, state: str) -> Q:
    if state == "all":
        return Q()
    if state == "closed":
        return Q(state__in=CLOSED_RUN_STATES)
    if state in CLOSED_RUN_STATES:
        return Q(state=state)
    is_open = Q(state__in=OPEN)
    if state == "reversing":
        return Q(state=RunState.REVERSING)
    if state == "attention":
        return is_open & Q(pk__in=TaskRun.objects.filter(state__in=NEEDS_PEOPLE).values("run_id"))
    if state == "waiting":
        return is_open & Q(Exists(TaskRun.objects.filter(run=OuterRef("pk"), state__in=WAITING)))
    if state == "running":
        moving = TaskRun.objects.filter(state__in=MOVING, due_at__isnull=False)
        return is_open & Q(pk__in=moving.values("run_id"))
    if state == "late":
        realms = [actor.realm_id] * _LATE_RUNS.count("%(realm)s")
        return is_open & Q(pk__in=RawSQL(_LATE_RUNS.replace("%(realm)s", "%s"), realms))  # noqa: S611 - no text of people
    return is_open


def _subject(actor: Actor, text: str) -> Q:
    found = Q(public_id=text.lower())
    for key, kind in run_subject_kinds:
        ids = list(kind.find(actor, text))
        if ids:
            found |= Q(subject_kind=key, subject_id__in=ids)
    return found


def _happened(wanted: Wanted) -> ScopedQuerySet:
    """Tasks of the run at which it came to that, as :mod:`workflow.insight` counts it: going forward, not undoing."""
    rows: ScopedQuerySet = TaskRun.objects.filter(run=OuterRef("pk"))
    if wanted.task:
        rows = rows.filter(key=wanted.task)
    tried = Attempt.objects.filter(task=OuterRef("pk"), is_undo=False)
    failed = Exists(tried.filter(outcome=AttemptOutcome.FAILED))
    if wanted.happened == "fallout":
        return rows.filter(failed)
    if wanted.happened == "retried":
        return rows.filter(Exists(tried.filter(outcome__in=[AttemptOutcome.RETRY, AttemptOutcome.LOST])))
    if wanted.happened == "done":
        timed = Q(started_at__isnull=False) | Exists(tried)
        return rows.filter(timed, state=TaskState.DONE, ended_at__isnull=False)
    handled = desk.handled(SUBJECT_KIND).filter(subject_id=OuterRef("pk"))
    return rows.filter(Q(kind=TaskKind.MANUAL) | failed).filter(Exists(handled))


# Where they stand


@dataclass(frozen=True, slots=True)
class Standing:
    """One task a run stands at. ``since`` is the beginning of its present state as far as it is known."""

    key: str
    title: str
    state: str
    since: dt.datetime | None
    due_at: dt.datetime | None
    is_late: bool
    error: str
    retry_at: dt.datetime | None
    ticket_number: str
    ticket_address: str


@dataclass(frozen=True, slots=True)
class Position:
    """A run on the board: what it is about and where it stands. ``done`` of ``total`` tasks are settled."""

    run: Run
    title: str
    subject: str
    tasks: tuple[Standing, ...] = field(default=())
    done: int = 0
    total: int = 0

    @property
    def needs_people(self) -> bool:
        return any(task.state in NEEDS_PEOPLE for task in self.tasks)

    @property
    def is_late(self) -> bool:
        return any(task.is_late for task in self.tasks)


def positions(runs: Iterable[Run]) -> list[Position]:
    """Where each of these runs stands: one statement for the tasks, one for the labels of each kind of subject."""
    runs = list(runs)
    active = TaskRun.objects.filter(run__in=[run.pk for run in runs if not run.is_closed]).annotate(now=Now())
    tasks: dict[int, list[Any]] = {}
    for task in active.filter(state__in=[*RESTING, *MOVING]).select_related("ticket").order_by("position"):
        tasks.setdefault(task.run_id, []).append(task)
    labels = _labels(runs)
    found = []
    for run in runs:
        graph = graphs.of_run(run)
        standing = tuple(_standing(task, graph.tasks[task.position], task.now) for task in tasks.get(run.pk, []))
        found.append(
            Position(
                run=run,
                title=run.version.definition.title,
                subject=labels.get((run.subject_kind, run.subject_id), ""),
                tasks=standing,
                done=len(graph.tasks) - run.open_tasks,
                total=len(graph.tasks),
            )
        )
    return found


def _standing(task: TaskRun, spec: TaskSpec, now: dt.datetime) -> Standing:
    due_at = task.ticket.due_at if task.ticket else None
    if due_at is None and spec.target_seconds and task.started_at and not spec.calendar:
        due_at = task.started_at + dt.timedelta(seconds=spec.target_seconds)
    return Standing(
        key=task.key,
        title=spec.title,
        state=task.state,
        since=task.ticket.opened_at if task.ticket else task.started_at,
        due_at=due_at,
        is_late=due_at is not None and due_at < now,
        error=task.error,
        retry_at=task.not_before,
        ticket_number=task.ticket.number if task.ticket else "",
        ticket_address=task.ticket.public_id if task.ticket else "",
    )


def _labels(runs: Iterable[Run]) -> Mapping[tuple[str, int | None], str]:
    by_kind: dict[str, set[int]] = {}
    for run in runs:
        if run.subject_id is not None:
            by_kind.setdefault(run.subject_kind, set()).add(run.subject_id)
    labels: dict[tuple[str, int | None], str] = {}
    for key, ids in by_kind.items():
        kind = run_subject_kinds.find(key)
        if kind is None:
            continue
        told = kind.labels(sorted(ids)) if kind.labels else {pk: f"{kind.title} {kind.label(pk)}" for pk in ids}
        labels |= {(key, pk): label for pk, label in told.items()}
    return labels


# How many


@dataclass(frozen=True, slots=True)
class PlaceCount:
    """How many tasks stand at one place of one definition, over all its versions."""

    definition: str
    definition_title: str
    task: str
    title: str
    there: int
    late: int
    needs_people: int


@dataclass(frozen=True, slots=True)
class DefinitionCount:
    """Open runs of one definition and where they stand, in the order of its tasks."""

    key: str
    title: str
    open: int
    places: tuple[PlaceCount, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """Open runs by what is to be known of them (a run may count in several), and by definition and task."""

    open: int
    running: int
    waiting: int
    needs_people: int
    late: int
    reversing: int
    definitions: tuple[DefinitionCount, ...]

    @property
    def places(self) -> list[PlaceCount]:
        return [place for definition in self.definitions for place in definition.places]


NOTHING = Counts(0, 0, 0, 0, 0, 0, ())


def counts(actor: Actor) -> Counts:
    """How many runs are under way and where they stand. Three statements, whatever is stored.

    Counting a great many takes its time, so what took long is kept for a while, the longer the longer it took.
    """
    if not permissions.may(actor, "workflow.view_run"):
        return NOTHING
    counted: Counts = kept("counts", actor.realm_id, lambda: _count(actor.realm_id))
    return counted


def kept(name: str, realm_id: int, compute: Callable[[], Any]) -> Any:
    """What ``compute`` gives, or what it gave a short while ago if that took long: twenty times as long as it took."""
    kept_as = f"workflow.{name}:{connections[scoping.alias()].settings_dict['NAME']}:{realm_id}"
    known = cache.get(kept_as)
    if known is not None:
        return known
    begun = time.monotonic()
    computed = compute()
    took = time.monotonic() - begun
    if took > _WORTH_KEEPING_SECONDS:
        cache.set(kept_as, computed, timeout=took * _KEPT_SECONDS_PER_SECOND)
    return computed


def _count(realm_id: int) -> Counts:
    with connections[scoping.alias()].cursor() as cursor:
        cursor.execute(_OPEN_RUNS, {"realm": realm_id})
        open_runs = {version_id: (running, reversing) for version_id, running, reversing in cursor.fetchall()}
        cursor.execute(_COUNTS, {"realm": realm_id})
        rows = cursor.fetchall()
    versions = DefinitionVersion.objects.filter(pk__in=list(open_runs)).select_related("definition").defer("document")
    whole = next((row for row in rows if row[0] is None), (None, None, 0, 0, 0, 0, 0, 0))
    by_version: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        if row[0] is not None:
            by_version.setdefault(row[0], []).append(row)
    opened: dict[str, int] = {}
    titles: dict[str, str] = {}
    places: dict[str, dict[str, PlaceCount]] = {}
    for version in sorted(versions, key=lambda version: -version.number):
        key = version.definition.key
        titles[key] = version.definition.title
        opened[key] = opened.get(key, 0) + sum(open_runs[version.pk])
        specs = graphs.of_version(realm_id, version.pk).tasks
        for _version, position, there, late, attention, *_rest in sorted(by_version.get(version.pk, [])):
            spec = specs[position]
            known = places.setdefault(key, {}).get(spec.key)
            places[key][spec.key] = PlaceCount(
                definition=key,
                definition_title=version.definition.title,
                task=spec.key,
                title=known.title if known else spec.title,
                there=there + (known.there if known else 0),
                late=late + (known.late if known else 0),
                needs_people=attention + (known.needs_people if known else 0),
            )
    definitions = [
        DefinitionCount(key, titles[key], opened[key], tuple(places.get(key, {}).values()))
        for key in sorted(opened, key=lambda key: titles[key])
    ]
    return Counts(
        open=sum(sum(both) for both in open_runs.values()),
        reversing=sum(reversing for _running, reversing in open_runs.values()),
        needs_people=whole[4],
        late=whole[5],
        waiting=whole[6],
        running=whole[7],
        definitions=tuple(definitions),
    )
