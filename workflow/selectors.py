"""Reads: definitions, runs, tasks, and what the drawn graph needs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Subquery, Sum, Window
from django.db.models.functions import Coalesce, RowNumber

from boss.core.actors import Actor
from boss.core.problems import NotFound
from boss.core.scoping import ScopedQuerySet
from boss.tenancy import selectors as ground
from ticketing import selectors as desk
from workflow.choices import CLAIMED, NEEDS_PEOPLE, STARTS_RUNS, RunState, TaskState
from workflow.engine import graphs
from workflow.engine.reversal import ReversalPlan
from workflow.errors import NoSuchDefinition
from workflow.models import (
    Attempt,
    Definition,
    DefinitionDraft,
    DefinitionVersion,
    Limit,
    LimitSlot,
    LimitWaiter,
    Run,
    RunEvent,
    TaskRun,
)
from workflow.surroundings import Surroundings

__all__ = ["Edge", "Graph", "Node", "ReversalPlan"]


def _runs() -> ScopedQuerySet:
    rows: ScopedQuerySet = Run.objects.select_related("version__definition", "parent__run")
    return rows


def list_runs(actor: Actor) -> ScopedQuerySet:
    """Runs this actor may see, newest first."""
    rows: ScopedQuerySet = _runs().visible_to(actor).order_by("-id")
    return rows


def get_run(actor: Actor, public_id: str) -> Run:
    """One run. Raises :class:`boss.core.problems.NotFound` for one that does not exist or is not to be seen."""
    run: Run | None = _runs().visible_to(actor).filter(public_id=public_id).first()
    if run is None:
        raise NotFound
    return run


def find_run(run_id: int) -> Run | None:
    """A run by its row; for the rooms above, which keep the number."""
    run: Run | None = _runs().filter(pk=run_id).first()
    return run


def subjects_of_runs(kind: str, public_ids: Collection[str]) -> dict[str, int]:
    """What of this kind these runs are about, by the run's public id. Whoever calls narrows it to its reader."""
    rows = Run.objects.filter(public_id__in=list(public_ids), subject_kind=kind, subject_id__isnull=False)
    return dict(rows.values_list("public_id", "subject_id"))


def list_runs_for_subject(kind: str, subject_id: int) -> ScopedQuerySet:
    """Runs about one subject, newest first, without those that are parts of another. Whoever calls has checked that
    its reader may see the subject."""
    rows: ScopedQuerySet = _runs().filter(subject_kind=kind, subject_id=subject_id, parent__isnull=True).order_by("-id")
    return rows


def find_needing_people(run_ids: Iterable[int]) -> set[int]:
    """Those of the runs that do not go on by themselves: a task of theirs, or of their parts, has failed for good.

    Two statements, and two more for each level of parts.
    """
    stuck: set[int] = set()
    level = {run_id: run_id for run_id in run_ids}  # the runs of this level, each with the one that was asked about
    while level:
        failed = TaskRun.objects.filter(run_id__in=level, state__in=NEEDS_PEOPLE).order_by()
        stuck |= {level[run_id] for run_id in failed.values_list("run_id", flat=True).distinct()}
        parts = Run.objects.filter(parent__run_id__in=level, ended_at=None).order_by()
        level = {part: level[whole] for part, whole in parts.values_list("pk", "parent__run_id")}
    return stuck


def list_tasks(run: Run) -> list[TaskRun]:
    """A run's tasks in order, each with its ticket."""
    tasks = list(TaskRun.objects.select_related("ticket").filter(run=run).order_by("position"))
    for task in tasks:
        task.run = run
    return tasks


def list_tasks_visible(actor: Actor) -> ScopedQuerySet:
    """Tasks of all runs this actor may see, newest first."""
    rows: ScopedQuerySet = (
        TaskRun.objects.select_related("run__version", "ticket").visible_to(actor, "workflow.view_run").order_by("-id")
    )
    return rows


def get_task(actor: Actor, run: Run, key: str) -> TaskRun:
    """A task of a run by its key. Raises :class:`boss.core.problems.NotFound`."""
    task: TaskRun | None = list_tasks_visible(actor).filter(run=run, key=key).first()
    if task is None:
        raise NotFound
    return task


def find_task(actor: Actor, task_id: int) -> TaskRun | None:
    """A task by its row, as tickets name it; None when the actor may not see it."""
    found: TaskRun | None = (
        list_tasks_visible(actor).select_related("run__version__definition").filter(pk=task_id).first()
    )
    return found


def list_attempts(task: TaskRun) -> list[Attempt]:
    """The attempts of a task that have ended, first to last."""
    return list(Attempt.objects.filter(task=task).order_by("number"))


def list_definitions(actor: Actor) -> ScopedQuerySet:
    rows: ScopedQuerySet = Definition.objects.select_related("current").visible_to(actor).order_by("key")
    return rows


def get_definition(actor: Actor, public_id: str) -> Definition:
    """One definition, archived or not. Raises :class:`boss.core.problems.NotFound`."""
    found: Definition | None = list_definitions(actor).filter(public_id=public_id).first()
    if found is None:
        raise NotFound
    return found


def find_definition(key: str) -> Definition | None:
    """The definition of this key in the realm entered, archived or not."""
    found: Definition | None = Definition.objects.select_related("current").filter(key=key).first()
    return found


def list_limits(actor: Actor) -> ScopedQuerySet:
    """The realm's limits by key, each with how many tasks hold a place of it and how many wait."""
    holder = TaskRun.objects.filter(pk=OuterRef("task"), attempt=OuterRef("attempt"), state__in=CLAIMED)
    held = LimitSlot.objects.filter(Exists(holder), limit=OuterRef("pk"), is_place=True)
    waiters = LimitWaiter.objects.filter(limit=OuterRef("pk"))
    rows: ScopedQuerySet = Limit.objects.visible_to(actor).annotate(running=_count(held), waiting=_count(waiters))
    return rows.order_by("key")


def _count(rows: ScopedQuerySet) -> Coalesce:
    return Coalesce(Subquery(rows.order_by().values("limit").annotate(n=Count("*")).values("n")), 0)


def list_versions(definition: Definition) -> ScopedQuerySet:
    rows: ScopedQuerySet = DefinitionVersion.objects.filter(definition=definition).order_by("-number")
    return rows


def get_version(definition: Definition, number: int | None = None) -> DefinitionVersion:
    """One version, the current one without a number. Raises :class:`NoSuchDefinition`."""
    version: DefinitionVersion | None = definition.current
    if number is not None:
        version = list_versions(definition).filter(number=number).first()
    if version is None:
        raise NoSuchDefinition(number=number)
    return version


def list_drafts(actor: Actor) -> ScopedQuerySet:
    rows: ScopedQuerySet = DefinitionDraft.objects.visible_to(actor).order_by("key")
    return rows


def get_draft(actor: Actor, public_id: str) -> DefinitionDraft:
    """One draft. Raises :class:`boss.core.problems.NotFound`."""
    found: DefinitionDraft | None = list_drafts(actor).filter(public_id=public_id).first()
    if found is None:
        raise NotFound
    return found


def count_open_runs(definitions: Iterable[Definition]) -> dict[int, int]:
    """How many runs of any version are under way, by definition."""
    return _count_open_runs("version__definition", version__definition__in=list(definitions))


def count_open_runs_by_version(definition: Definition) -> dict[int, int]:
    """How many runs are under way, by version."""
    return _count_open_runs("version", version__definition=definition)


def _count_open_runs(by: str, **which: Any) -> dict[int, int]:
    rows = Run.objects.filter(state__in=[RunState.RUNNING, RunState.REVERSING], **which)
    return dict(rows.order_by().values_list(by).annotate(Count("pk")))


def surroundings(document: Any) -> Surroundings:
    """What a document names that is there in its realm, however wrong the document is otherwise. Two statements, and
    one for each calendar and for each level of workflows within workflows."""
    documents: dict[str, dict[str, Any]] = {}
    wanted = _named(document, "definition")
    while wanted := wanted - documents.keys():
        rows = Definition.objects.filter(key__in=wanted, is_archived=False, current__isnull=False)
        level = dict(rows.values_list("key", "current__document"))
        documents |= level
        wanted = set().union(*(_named(child, "definition") for child in level.values()))
    calendars = {key: ground.find_calendar(key) for key in _named(document, "calendar")}
    return Surroundings(
        calendars={key: calendar for key, calendar in calendars.items() if calendar is not None},
        pools=desk.names_of_pools(_named(document, "pool")),
        categories=desk.names_of_categories(_named(document, "category")),
        documents=documents,
    )


def _named(document: Any, field: str) -> set[str]:
    tasks = document.get("tasks") if isinstance(document, dict) else None
    values = (task.get(field) for task in tasks or () if isinstance(task, dict)) if isinstance(tasks, list) else ()
    return {value for value in values if isinstance(value, str) and value}


@dataclass(frozen=True, slots=True)
class Node:
    """One task as it is drawn. ``attempts`` counts what was tried, ``failures`` what went wrong since the last aid."""

    key: str
    title: str
    state: str
    state_label: str
    kind: str
    attempts: int
    failures: int
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    next_at: dt.datetime | None
    error: str
    ticket_number: str
    ticket_address: str
    pool: str
    point_of_no_return: bool


Edge = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Graph:
    """A run as a graph: tasks in topological order and the edges between their keys."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def document(self) -> dict[str, Any]:
        """The same as plain JSON values, for the API."""
        return {
            "title": self.title,
            "nodes": [{name: getattr(node, name) for name in Node.__slots__} for node in self.nodes],
            "edges": [list(edge) for edge in self.edges],
        }


def graph(run: Run) -> Graph:
    """The run's graph in its present state."""
    specs = graphs.of_run(run)
    nodes = []
    for task in list_tasks(run):
        spec = specs.tasks[task.position]
        waiting = task.state in (TaskState.WAITING, TaskState.UNDO_WAITING)
        nodes.append(
            Node(
                key=task.key,
                title=spec.title,
                state=task.state,
                state_label=str(TaskState(task.state).label),
                kind=task.kind,
                attempts=task.attempt,
                failures=task.failures,
                started_at=task.started_at,
                ended_at=task.ended_at,
                next_at=task.due_at if waiting else task.not_before,
                error=task.error,
                ticket_number=task.ticket.number if task.ticket else "",
                ticket_address=task.ticket.public_id if task.ticket else "",
                pool=spec.pool,
                point_of_no_return=spec.point_of_no_return,
            )
        )
    edges = tuple((before, task.key) for task in specs.tasks for before in task.after)
    return Graph(title=specs.title, nodes=tuple(nodes), edges=edges)


# What changes while one looks


@dataclass(frozen=True, slots=True)
class Pulse:
    """A run in a few numbers that change whenever anything of it does: its events, the attempts begun (a claim writes
    no event), and the events of its parts."""

    sequence: int
    claims: int
    parts: int

    @property
    def token(self) -> str:
        """The same as one word, to be sent back with the next question."""
        return f"{self.sequence}-{self.claims}-{self.parts}"


def pulse(actor: Actor, public_id: str) -> Pulse:
    """One statement on the run's row and its tasks' index: what an unchanged poll costs. Raises NotFound."""
    tasks = TaskRun.objects.filter(run=OuterRef("pk")).order_by().values("run")
    parts = Run.objects.filter(parent__run=OuterRef("pk")).order_by().values("parent__run")
    row = (
        Run.objects.visible_to(actor)
        .filter(public_id=public_id)
        .values_list(
            "sequence",
            Coalesce(Subquery(tasks.annotate(n=Sum("attempt")).values("n")), 0),
            Coalesce(Subquery(parts.annotate(n=Sum("sequence") + Count("id")).values("n")), 0),
        )
        .first()
    )
    if row is None:
        raise NotFound
    return Pulse(*row)


def pulse_of(run: Run, graph: Graph, parts: Sequence[Parts] = ()) -> Pulse:
    """The pulse of what was read already."""
    return Pulse(run.sequence, sum(node.attempts for node in graph.nodes), sum(part.pulse for part in parts))


PARTS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Parts:
    """The runs that one task of a run started: how many are in which state, and the first of them, each with whether
    it needs people."""

    key: str
    title: str
    counts: dict[str, int]
    shown: tuple[tuple[Run, bool], ...]
    pulse: int

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def list_parts(run: Run) -> list[Parts]:
    """The runs within a run, by the task that started them. Two statements; none for a run that cannot have any."""
    specs = {spec.position: spec for spec in graphs.of_run(run).tasks if spec.kind in STARTS_RUNS}
    if not specs:
        return []
    parts = Run.objects.filter(parent__run=run)
    counted: dict[int, dict[str, int]] = {}
    pulses: dict[int, int] = {}
    rows = parts.order_by().values_list("parent__position", "state").annotate(Count("id"), Sum("sequence"))
    for position, state, count, events in rows:
        counted.setdefault(position, {})[state] = count
        pulses[position] = pulses.get(position, 0) + count + events
    numbered = parts.annotate(
        place=Window(RowNumber(), partition_by="parent", order_by=["index", "id"]), at=F("parent__position")
    )
    stuck = Exists(TaskRun.objects.filter(run=OuterRef("pk"), state__in=NEEDS_PEOPLE))
    few = numbered.filter(place__lte=PARTS_SHOWN).annotate(needs_people=stuck)
    few = few.select_related("version__definition").defer("version__document")
    shown: dict[int, list[tuple[Run, bool]]] = {}
    for part in few.order_by("parent", "index", "id"):
        shown.setdefault(part.at, []).append((part, part.needs_people))
    return [
        Parts(specs[at].key, specs[at].title, counted[at], tuple(shown.get(at, ())), pulses[at])
        for at in sorted(counted)
    ]


def find_whole(run: Run) -> TaskRun | None:
    """The task of another run that this one is a part of."""
    if run.parent_id is None:
        return None
    task: TaskRun | None = (
        TaskRun.objects.filter(pk=run.parent_id)
        .select_related("run__version__definition")
        .defer("run__version__document")
        .first()
    )
    return task


def list_changed(run: Run, since: int) -> list[Node]:
    """The tasks of which anything was written down after the event ``since``, and those somebody is at now."""
    told = set(RunEvent.objects.filter(run=run, sequence__gt=since).values_list("task__key", flat=True))
    return [node for node in graph(run).nodes if node.key in told or node.state in CLAIMED]


def list_run_attempts(run: Run) -> list[Attempt]:
    """Every attempt of a run that has ended, by its beginning, each with its task."""
    return list(Attempt.objects.filter(task__run=run).select_related("task").order_by("started_at", "id"))


def title_of(task: TaskRun) -> str:
    """The task's title in the version its run started on."""
    return graphs.of_run(task.run).tasks[task.position].title


@dataclass(frozen=True, slots=True)
class Badges:
    """Facts about a run's tasks, shown beside its state. Counts."""

    waiting: int
    needs_people: int
    retrying: int
    done: int
    total: int


def badges(run: Run) -> Badges:
    """How far a run is and what holds it up."""
    tasks = list(TaskRun.objects.filter(run=run).only("state", "not_before", "kind"))
    ended = (TaskState.DONE, TaskState.SKIPPED, TaskState.KEPT, TaskState.UNDONE)
    return Badges(
        waiting=sum(task.state in (TaskState.WAITING, TaskState.UNDO_WAITING) for task in tasks),
        needs_people=sum(task.state in NEEDS_PEOPLE for task in tasks),
        retrying=sum(task.not_before is not None for task in tasks),
        done=sum(task.state in ended for task in tasks),
        total=len(tasks),
    )


def list_open_runs(actor: Actor) -> ScopedQuerySet:
    """Runs not yet closed, newest first."""
    rows: ScopedQuerySet = list_runs(actor).filter(state__in=[RunState.RUNNING, RunState.REVERSING])
    return rows
