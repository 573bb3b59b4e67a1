"""How a run comes into being: its inputs checked, its tasks written, its first ones ready, in one statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from boss.core import schema
from boss.core.problems import InvalidInput
from workflow.engine import graphs, joins
from workflow.engine.ledger import Book
from workflow.errors import NoSuchDefinition
from workflow.graph import PLAIN_TYPES, Graph
from workflow.models import Definition, DefinitionVersion, Run, TaskRun
from workflow.models.columns import ClockTimestamp


@dataclass(frozen=True, slots=True)
class Current:
    """What new runs of a definition start on, and the database's clock at this moment."""

    version: DefinitionVersion
    graph: Graph
    now: dt.datetime


def current(realm_id: int, definition_key: str) -> Current:
    """Raises :class:`NoSuchDefinition` where no version is published, or the definition is archived."""
    definition = (
        Definition.objects.select_related("current")
        .filter(key=definition_key, is_archived=False)
        .annotate(database_now=ClockTimestamp())
        .first()
    )
    if definition is None or definition.current is None:
        raise NoSuchDefinition(
            _("There is no published workflow “%(key)s”.") % {"key": definition_key}, key=definition_key
        )
    definition.current.definition = definition
    return Current(definition.current, graphs.of_version(realm_id, definition.current_id), definition.database_now)


def begin(
    on: Current,
    *,
    who: str,
    subject: tuple[str, int] | None,
    inputs: Mapping[str, Any],
    parent: TaskRun | None = None,
    index: int | None = None,
) -> Run:
    """Write a run with its tasks; workers wake when the open transaction commits.

    Raises :class:`boss.core.problems.InvalidInput` with fields ``inputs.<key>``.
    """
    graph = on.graph
    run: Run = Run(
        version=on.version,
        subject_kind=subject[0] if subject else "",
        subject_id=subject[1] if subject else None,
        inputs=checked(graph, dict(inputs)),
        open_tasks=len(graph.tasks),
        started_by=who[:200],
        started_at=on.now,
        parent=parent,
        index=index,
    )
    tasks = [
        TaskRun(
            run=run,
            position=spec.position,
            key=spec.key,
            kind=spec.kind,
            undecided=len(graph.predecessors[spec.position]),
            taken=0 if spec.after else 1,
        )
        for spec in graph.tasks
    ]
    book = Book(run, graph, tasks, on.now)
    book.note("run.started", who=who, definition=on.version.definition.key, version=on.version.number)
    joins.decide(book)
    book.begin()
    return run


def checked(graph: Graph, given: dict[str, Any]) -> dict[str, Any]:
    """The declared inputs checked and with their defaults; what was not declared stays as it is."""
    declared = {item.key for item in graph.inputs}
    try:
        cleaned = schema.validate(graph.inputs, {k: v for k, v in given.items() if k in declared}, prefix="inputs.")
    except InvalidInput as error:
        fields = error.fields
    else:
        fields = {}
    for key, kind in graph.plain_inputs.items():
        if given.get(key) is not None and not isinstance(given[key], PLAIN_TYPES[kind]):
            fields[f"inputs.{key}"] = [_("This is not of the expected type.")]
    if fields:
        raise InvalidInput(fields=fields)
    return {**{k: v for k, v in given.items() if k not in declared}, **cleaned}
