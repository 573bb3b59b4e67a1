"""A definition's graph as typed values: read from the published JSON, in topological order, never changed.

The document (YAML or JSON) and the stored graph are the same thing; see ``docs/how-to/write-a-workflow.md``.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from boss.core import expressions
from boss.core.problems import InvalidInput
from boss.core.schema import Characteristic, from_json, validate
from workflow.choices import TaskKind

PLAIN_TYPES = {"list": list, "object": dict}
"""Types of run inputs that no form asks for and no characteristic can describe."""


MOST_LEVELS = 5
"""Runs within runs. Publishing refuses more, and workflows that contain themselves; but versions change."""

LONGEST_SECONDS = 3_155_760_000
"""A hundred years: no duration of a definition is longer."""


@dataclass(frozen=True, slots=True)
class RetryRule:
    """How often and how far apart. ``attempts`` counts failures; a wait is none."""

    attempts: int = 5
    backoff_seconds: float = 2.0
    backoff_factor: float = 2.0
    max_seconds: float = 300.0
    time_limit_seconds: float | None = None

    def pause(self, failures: int) -> float:
        """Seconds until the next attempt after the ``failures``-th failure: exponential, with jitter downwards."""
        longest = min(self.max_seconds, self.backoff_seconds * self.backoff_factor ** max(0, failures - 1))
        return longest * (0.5 + random.random() / 2)  # noqa: S311 - spreads load, guards nothing


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One task of a definition. ``position`` is its place in topological order and never changes in a version."""

    position: int
    key: str
    title: str
    kind: str
    handler: str = ""
    with_: Mapping[str, Any] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    when: Any = None
    retry: RetryRule = RetryRule()
    undo: str = ""
    pool: str = ""
    category: str = ""
    instructions: str = ""
    undo_instructions: str = ""
    outputs: tuple[Characteristic, ...] = ()
    point_of_no_return: bool = False
    follow_up: str = ""
    return_point: bool = False
    skippable: bool = False
    target_seconds: int | None = None
    until: Any = None
    signal: str = ""
    deadline_seconds: float | None = None
    on_deadline: str = "fail"
    calendar: str = ""
    definition: str = ""
    over: Any = None
    at_once: int | None = None

    @property
    def is_conditional(self) -> bool:
        return self.when is not None


@dataclass(frozen=True)
class Graph:
    """All tasks of one version, by position; edges follow from ``after``."""

    key: str
    title: str
    inputs: tuple[Characteristic, ...]
    plain_inputs: Mapping[str, str]
    tasks: tuple[TaskSpec, ...]
    results: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def by_key(self) -> dict[str, TaskSpec]:
        return {task.key: task for task in self.tasks}

    @cached_property
    def predecessors(self) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(self.by_key[key].position for key in task.after) for task in self.tasks)

    @cached_property
    def successors(self) -> tuple[tuple[int, ...], ...]:
        found: list[list[int]] = [[] for _ in self.tasks]
        for task in self.tasks:
            for before in self.predecessors[task.position]:
                found[before].append(task.position)
        return tuple(tuple(positions) for positions in found)

    @cached_property
    def ancestors(self) -> tuple[frozenset[int], ...]:
        found: list[frozenset[int]] = []
        for task in self.tasks:
            direct = self.predecessors[task.position]
            found.append(frozenset(direct).union(*(found[before] for before in direct)))
        return tuple(found)

    @cached_property
    def plain_successors(self) -> tuple[list[int], ...]:
        """Successors without a condition: SQL alone may make them ready."""
        return tuple([p for p in after if not self.tasks[p].is_conditional] for after in self.successors)

    @cached_property
    def guarded_successors(self) -> tuple[list[int], ...]:
        """Successors whose condition must be evaluated first."""
        return tuple([p for p in after if self.tasks[p].is_conditional] for after in self.successors)

    def checked_inputs(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The declared inputs checked and with their defaults; what was not declared stays as it is.

        Raises :class:`boss.core.problems.InvalidInput` with fields ``inputs.<key>``.
        """
        declared = {item.key for item in self.inputs}
        fields: dict[str, list[str]] = {}
        cleaned: dict[str, Any] = {}
        try:
            cleaned = validate(self.inputs, {k: v for k, v in given.items() if k in declared}, prefix="inputs.")
        except InvalidInput as error:
            fields = error.fields
        for key, kind in self.plain_inputs.items():
            if given.get(key) is not None and not isinstance(given[key], PLAIN_TYPES[kind]):
                fields[f"inputs.{key}"] = [_("This is not of the expected type.")]
        if fields:
            raise InvalidInput(fields=fields)
        return {**{k: v for k, v in given.items() if k not in declared}, **cleaned}


def names(inputs: Mapping[str, Any], outputs: Mapping[str, Any], subject: tuple[str, int] | None) -> dict[str, Any]:
    """What expressions of a run can name: ``inputs.x``, ``tasks.<key>.<output>``, ``subject.kind``, ``subject.id``."""
    about = {"kind": subject[0], "id": subject[1]} if subject else {}
    return {"inputs": inputs, "tasks": outputs, "subject": about}


def resolve_inputs(spec: TaskSpec, known: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the task's parameters. Raises :class:`boss.core.expressions.ExpressionError`."""
    return {parameter: expressions.evaluate(expression, known) for parameter, expression in spec.with_.items()}


def holds(spec: TaskSpec, known: Mapping[str, Any]) -> bool:
    """Whether the task's condition is true. Raises :class:`boss.core.expressions.ExpressionError`."""
    return spec.when is None or bool(expressions.evaluate(spec.when, known))


def order(after: Mapping[str, Iterable[str]]) -> tuple[list[str], list[str]]:
    """Topological order that keeps the document's order where it can, and the keys that stand in a cycle."""
    waiting = {key: set(before) & set(after) for key, before in after.items()}
    sorted_keys: list[str] = []
    while free := next((key for key, before in waiting.items() if not before), None):
        sorted_keys.append(free)
        del waiting[free]
        for before in waiting.values():
            before.discard(free)
    return sorted_keys, list(waiting)


def read(document: Mapping[str, Any]) -> Graph:
    """The typed graph of a document that was checked when it was published."""
    declared = document.get("inputs") or ()
    inputs = [item for item in declared if item.get("type") not in PLAIN_TYPES]
    plain = {item["key"]: item["type"] for item in declared if item.get("type") in PLAIN_TYPES}
    by_key = {task["key"]: task for task in document["tasks"]}
    keys, _cycle = order({key: task.get("after") or () for key, task in by_key.items()})
    return Graph(
        key=document["key"],
        title=document["title"],
        inputs=tuple(from_json(inputs)),
        plain_inputs=plain,
        tasks=tuple(_task(position, by_key[key]) for position, key in enumerate(keys)),
        results=document.get("results") or {},
    )


def _task(position: int, raw: Mapping[str, Any]) -> TaskSpec:
    given = {key: value for key, value in raw.items() if value is not None}
    return TaskSpec(
        position=position,
        key=given["key"],
        title=given["title"],
        kind=given.get("kind", TaskKind.AUTOMATED),
        handler=given.get("handler", ""),
        with_=given.get("with", {}),
        after=tuple(given.get("after", ())),
        when=given.get("when"),
        retry=RetryRule(**given.get("retry", {})),
        undo=given.get("undo", ""),
        pool=given.get("pool", ""),
        category=given.get("category", ""),
        instructions=given.get("instructions", ""),
        undo_instructions=given.get("undo_instructions", ""),
        outputs=tuple(from_json(given.get("outputs", ()))),
        point_of_no_return=given.get("point_of_no_return", False),
        follow_up=given.get("follow_up", ""),
        return_point=given.get("return_point", False),
        skippable=given.get("skippable", False),
        target_seconds=given.get("target_seconds"),
        until=given.get("until"),
        signal=given.get("signal", ""),
        deadline_seconds=given.get("deadline_seconds"),
        on_deadline=given.get("on_deadline", "fail"),
        calendar=given.get("calendar", ""),
        definition=given.get("definition", ""),
        over=given.get("over"),
        at_once=given.get("at_once"),
    )
