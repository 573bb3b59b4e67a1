"""A run under way goes on by another version: what it has begun must be the same there, the rest is exchanged."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.utils.translation import gettext as _

from boss.core import scoping
from workflow.choices import FORWARD_END, TaskState
from workflow.engine import joins
from workflow.engine.ledger import Book
from workflow.graph import Graph, TaskSpec
from workflow.models import DefinitionVersion, TaskRun

_WORDS = {"position", "title", "instructions", "undo_instructions", "follow_up", "pool", "category", "retry",
          "target_seconds", "calendar", "skippable", "return_point", "after"}  # fmt: skip
"""What may differ in a task that has begun: how it is told, who is asked, and how often it is tried."""

_ASIDE = 10_000
"""Positions are exchanged in two steps: no two tasks of a run may have one at any time."""


def obstacles(book: Book, graph: Graph) -> dict[str, list[str]]:
    """What stands in the way, by task; empty when the run can be moved."""
    found: dict[str, list[str]] = {}
    for task in book.tasks:
        here, there = book.spec(task), graph.by_key.get(task.key)
        if task.state == TaskState.PENDING and (there is not None or task.generation == 0):
            continue
        if there is None:
            found[task.key] = [_("It has begun and does not exist in that version.")]
        elif set(here.after) != set(there.after):
            found[task.key] = [_("It has begun and comes after other tasks in that version.")]
        elif _work(here) != _work(there):
            found[task.key] = [_("It has begun and is other work in that version.")]
    return found


def _work(spec: TaskSpec) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(spec).items() if name not in _WORDS}


def move(book: Book, version: DefinitionVersion, graph: Graph) -> None:
    """Give the locked run the other version's tasks. Those that have begun keep their rows, and so their history."""
    run = book.run
    rows = {task.key: task for task in book.tasks}
    gone = [task.pk for key, task in rows.items() if key not in graph.by_key]
    # None of them has a history: that was looked at.
    TaskRun.objects.filter(pk__in=gone)._raw_delete(scoping.alias())
    kept = [task for key, task in rows.items() if key in graph.by_key]
    for task in kept:
        task.position += _ASIDE
    TaskRun.objects.bulk_update(kept, ["position"])
    for spec in graph.tasks:
        if spec.key in rows:
            rows[spec.key].position, rows[spec.key].kind = spec.position, spec.kind
        else:
            rows[spec.key] = TaskRun(run=run, position=spec.position, key=spec.key, kind=spec.kind)
    tasks = [rows[spec.key] for spec in graph.tasks]
    TaskRun.objects.bulk_update(kept, ["position", "kind"])
    TaskRun.objects.bulk_create([task for task in tasks if task.pk is None])
    run.version = version
    book.exchange(graph, tasks)
    for task in tasks:
        if task.state == TaskState.PENDING:
            joins.count_edges(book, task)
    run.open_tasks = sum(task.state not in FORWARD_END for task in tasks)
    joins.decide(book)
