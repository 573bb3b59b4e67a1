"""How a run comes into being: its inputs checked, its tasks written, its first ones ready, in one statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from workflow.engine import graphs, joins, ledger
from workflow.engine.ledger import Book
from workflow.errors import NoSuchDefinition
from workflow.graph import Graph
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


@dataclass(frozen=True, slots=True)
class Start:
    """One run to be started: what it is about, what it is given, and its place among the parts of another run."""

    subject: tuple[str, int] | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    index: int | None = None


def begin(on: Current, *, who: str, starts: Sequence[Start], parent: TaskRun | None = None) -> list[Run]:
    """Write runs with their tasks, all in one statement; workers wake when the open transaction commits.

    Raises :class:`boss.core.problems.InvalidInput` with fields ``inputs.<key>``, and then writes none.
    """
    books = [_book(on, who, start, parent) for start in starts]
    ledger.begin(books)
    return [book.run for book in books]


def _book(on: Current, who: str, start: Start, parent: TaskRun | None) -> Book:
    graph = on.graph
    run: Run = Run(
        version=on.version,
        subject_kind=start.subject[0] if start.subject else "",
        subject_id=start.subject[1] if start.subject else None,
        inputs=graph.checked_inputs(start.inputs),
        open_tasks=len(graph.tasks),
        started_by=who[:200],
        started_at=on.now,
        parent=parent,
        index=start.index,
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
    return book
