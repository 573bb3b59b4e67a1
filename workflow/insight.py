"""Learning from what was: lead times and their parts, failures, people's time, and which open runs will be late.

Everything is measured on the newest runs of each version that ended within some days, a few hundred at most: more
would cost more and say the same. Durations are those of completed runs only, for undoing writes over a task's times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections

from boss.core import permissions, scoping
from boss.core.actors import Actor
from ticketing import selectors as desk
from workflow.board import ACTIVE, kept
from workflow.engine import graphs
from workflow.engine.people import SUBJECT_KIND
from workflow.graph import Graph
from workflow.models import Definition, DefinitionVersion, Run
from workflow.sample import CTE, Sample

WINDOWS = (7, 30, 90)
FEWEST_RUNS = 5
"""With fewer completed ones nothing is said about what will be late."""
MOST_IN_JEOPARDY = 50

_RUNS = "".join(
    (
        CTE,
        """
SELECT definition_id, count(*), count(*) FILTER (WHERE state = 'reversed'),
       percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - started_at))
           FILTER (WHERE state = 'completed')
  FROM sample GROUP BY definition_id
""",
    )
)
_TASKS = "".join(
    (
        CTE,
        """, task AS (
    SELECT sample.definition_id, sample.id AS run_id, t.id, t.key, t.kind, tried.work, tried.failed, tried.retried,
           sample.state = 'completed' AND t.state = 'done' AS counts,
           extract(epoch FROM t.ended_at - least(tried.first_at, t.started_at)) AS seconds
      FROM sample
      JOIN workflow_taskrun AS t ON t.realm_id = %(realm)s AND t.run_id = sample.id
      LEFT JOIN LATERAL (
            SELECT min(started_at) AS first_at, sum(extract(epoch FROM ended_at - started_at)) AS work,
                   bool_or(outcome = 'failed') AS failed, bool_or(outcome IN ('retry', 'lost')) AS retried
              FROM workflow_attempt WHERE realm_id = %(realm)s AND task_id = t.id AND NOT is_undo
           ) AS tried ON true
)
SELECT definition_id, key, count(seconds) FILTER (WHERE counts),
       percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE counts),
       coalesce(avg(work) FILTER (WHERE counts), 0), count(*) FILTER (WHERE failed), count(*) FILTER (WHERE retried),
       array_agg(id) FILTER (WHERE kind = 'manual' OR failed), array_agg(run_id) FILTER (WHERE failed)
  FROM task GROUP BY definition_id, key
""",
    )
)


@dataclass(frozen=True, slots=True)
class TaskLearning:
    """One task of a definition, in seconds. ``p50`` and ``p90`` go from its first attempt to its end; ``work_seconds``
    of it (on average) somebody's program was at it, the rest it waited. ``people_seconds`` is the sum of people's time
    from taking a ticket to resolving it. ``on_path`` marks the chain that decides the lead time."""

    key: str
    title: str
    kind: str
    done: int
    p50: float
    p90: float
    work_seconds: float
    failed: int
    retried: int
    people_seconds: float
    on_path: bool = False


@dataclass(frozen=True, slots=True)
class Learning:
    """A definition over a window: ``ended`` runs were looked at, ``undone`` of them were reversed, and in ``fallen``
    it came to a failure that people had to look at. ``sample`` names those runs."""

    key: str
    title: str
    sample: Sample
    ended: int
    undone: int
    fallen: int
    p50: float | None
    p90: float | None
    tasks: tuple[TaskLearning, ...]

    @property
    def days(self) -> int:
        return self.sample.days

    @property
    def completed(self) -> int:
        return self.ended - self.undone

    @property
    def bottleneck(self) -> TaskLearning | None:
        """The longest task of the chain that decides the lead time."""
        path = [task for task in self.tasks if task.on_path and task.p50 > 0]
        return max(path, key=lambda task: task.p50, default=None)

    @property
    def retried(self) -> int:
        return sum(task.retried for task in self.tasks)

    @property
    def people_seconds(self) -> float:
        return sum(task.people_seconds for task in self.tasks)


def learn(actor: Actor, days: int, definition: Definition | None = None) -> list[Learning]:
    """What the runs that ended within ``days`` teach, by definition. Five statements; kept a while when they took
    long."""
    if not permissions.may(actor, "workflow.view_run"):
        return []
    name = f"insight:{days}:{definition.pk if definition else ''}"
    found: list[Learning] = kept(name, actor.realm_id, lambda: _learn(actor.realm_id, days, definition))
    return found


def durations(definition: Definition, days: int = 90) -> dict[str, float]:
    """The median seconds of each task of a definition, as far as any run of it was completed. For simulations."""
    given = _sample(days).given(definition.realm_id, definition.key)
    return {key: quantiles[0] for _definition, key, done, quantiles, *_rest in _rows(_TASKS, given) if done}


def _sample(days: int) -> Sample:
    ((now,),) = _rows("SELECT clock_timestamp()", {})
    return Sample(days, now)


def _rows(statement: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connections[scoping.alias()].cursor() as cursor:
        cursor.execute(statement, given)
        return list(cursor.fetchall())


def _learn(realm_id: int, days: int, definition: Definition | None) -> list[Learning]:
    sample = _sample(days)
    given = sample.given(realm_id, definition.key if definition else None)
    runs = {row[0]: row for row in _rows(_RUNS, given)}
    tasks: dict[int, dict[str, tuple[Any, ...]]] = {}
    for row in _rows(_TASKS, given):
        tasks.setdefault(row[0], {})[row[1]] = row
    with_people = [pk for rows in tasks.values() for row in rows.values() for pk in row[7] or ()]
    handled = desk.handling_seconds(SUBJECT_KIND, with_people) if with_people else {}
    definitions = Definition.objects.filter(pk__in=list(runs)).order_by("title", "id")
    return [
        _learning(known, sample, runs[known.pk], tasks.get(known.pk, {}), handled)
        for known in definitions
        if known.current_id is not None
    ]


def _learning(
    definition: Definition,
    sample: Sample,
    run: tuple[Any, ...],
    tasks: Mapping[str, tuple[Any, ...]],
    handled: Mapping[int, float],
) -> Learning:
    graph = graphs.of_version(definition.realm_id, definition.current_id or 0)
    medians = {key: row[3][0] for key, row in tasks.items() if row[2]}
    path = critical_path(graph, medians)
    _definition, ended, undone, quantiles = run
    told = []
    # Of every task, also of those an older version had: the run has fallen all the same.
    fallen = {run_id for row in tasks.values() for run_id in row[8] or ()}
    for spec in graph.tasks:
        row = tasks.get(spec.key)
        if row is None:
            continue
        _of, _key, done, spread, work, failed, retried, ids, _fallen_in = row
        told.append(
            TaskLearning(
                key=spec.key,
                title=spec.title,
                kind=spec.kind,
                done=done,
                p50=float(spread[0]) if done else 0.0,
                p90=float(spread[1]) if done else 0.0,
                work_seconds=float(work),
                failed=failed,
                retried=retried,
                people_seconds=sum(handled.get(pk, 0.0) for pk in ids or ()),
                on_path=spec.key in path,
            )
        )
    return Learning(
        key=definition.key,
        title=definition.title,
        sample=sample,
        ended=ended,
        undone=undone,
        fallen=len(fallen),
        p50=float(quantiles[0]) if quantiles else None,
        p90=float(quantiles[1]) if quantiles else None,
        tasks=tuple(told),
    )


def remaining(graph: Graph, seconds: Mapping[str, float]) -> list[float]:
    """For each task by position: how long it is from its beginning to the end of the run by the longest way."""
    found = [0.0] * len(graph.tasks)
    for spec in reversed(graph.tasks):
        behind = max((found[after] for after in graph.successors[spec.position]), default=0.0)
        found[spec.position] = behind + seconds.get(spec.key, 0.0)
    return found


def critical_path(graph: Graph, seconds: Mapping[str, float]) -> set[str]:
    """The keys of the chain of tasks that takes longest and so decides the lead time."""
    left = remaining(graph, seconds)
    first = [spec.position for spec in graph.tasks if not spec.after]
    keys: set[str] = set()
    while first:
        position = max(first, key=lambda position: left[position])
        keys.add(graph.tasks[position].key)
        first = list(graph.successors[position])
    return keys


# Which open runs will be late


@dataclass(frozen=True, slots=True)
class InJeopardy:
    """An open run that will probably take longer than nine in ten did: ``expected_seconds`` in all."""

    run: Run
    expected_seconds: float
    allowed_seconds: float

    @property
    def over_seconds(self) -> float:
        return self.expected_seconds - self.allowed_seconds


_JEOPARDY = "".join(
    (
        ACTIVE,
        """, way AS (
    SELECT * FROM unnest(%(versions)s::bigint[], %(positions)s::int[], %(own)s::float[], %(left)s::float[])
                  AS way (version_id, position, own, whole)
), expected AS (
    SELECT run.id, extract(epoch FROM now() - run.started_at)
           + max(way.whole - least(way.own, coalesce(extract(epoch FROM now() - active.started_at), 0))) AS seconds
      FROM active
      JOIN workflow_run AS run ON run.realm_id = %(realm)s AND run.id = active.run_id AND run.state = 'running'
      JOIN way ON way.version_id = run.version_id AND way.position = active.position
     GROUP BY run.id, run.started_at
)
SELECT id, seconds FROM expected WHERE seconds > %(allowed)s ORDER BY seconds DESC LIMIT %(most)s
""",
    )
)


def jeopardy(actor: Actor, definition: Definition, learned: Learning) -> list[InJeopardy]:
    """Open runs of a definition that will probably take longer than nine in ten of those that ended, worst first.

    What is left of a run is the longest way from where it stands, by the median of each task, less the time the
    present task has been going on. Nothing is said when too few runs were completed.
    """
    if learned.p90 is None or learned.completed < FEWEST_RUNS or not permissions.may(actor, "workflow.view_run"):
        return []
    seconds = {task.key: task.p50 for task in learned.tasks}
    way = _ways(definition, seconds)
    given: dict[str, Any] = {"realm": actor.realm_id, "allowed": learned.p90, "most": MOST_IN_JEOPARDY, **way}
    name = f"jeopardy:{learned.days}:{definition.pk}"
    expected: dict[int, float] = kept(name, actor.realm_id, lambda: _expected(given))
    runs = Run.objects.filter(pk__in=list(expected)).select_related("version__definition").defer("version__document")
    found = [InJeopardy(run, float(expected[run.pk]), learned.p90) for run in runs]
    return sorted(found, key=lambda one: -one.expected_seconds)


def _expected(given: Mapping[str, Any]) -> dict[int, float]:
    with connections[scoping.alias()].cursor() as cursor:
        cursor.execute(_JEOPARDY, given)
        return dict(cursor.fetchall())


def _ways(definition: Definition, seconds: Mapping[str, float]) -> dict[str, Sequence[Any]]:
    versions: list[int] = []
    positions: list[int] = []
    own: list[float] = []
    left: list[float] = []
    open_versions = DefinitionVersion.objects.filter(definition=definition).order_by("-number")[:100]
    for version_id in open_versions.values_list("pk", flat=True):
        graph = graphs.of_version(definition.realm_id, version_id)
        whole = remaining(graph, seconds)
        for spec in graph.tasks:
            versions.append(version_id)
            positions.append(spec.position)
            own.append(seconds.get(spec.key, 0.0))
            left.append(whole[spec.position])
    return {"versions": versions, "positions": positions, "own": own, "left": left}
