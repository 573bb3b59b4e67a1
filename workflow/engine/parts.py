"""Tasks whose work is done by runs of their own: a sub-workflow, or one for each item of a list.

The parts are ordinary runs with a ``parent``. The task that started them waits without a worker or a message; the end
of a part is told to it after commit (``PartClosed``), so a run locks its parts and a part never its whole. To undo the
task is to reverse its parts, those as well that are complete: only the end of the whole is the end of its parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from boss.core import scoping
from boss.core.expressions import ExpressionError, evaluate
from boss.core.scoping import ScopedQuerySet
from workflow import graph
from workflow.choices import CLOSED_RUN_STATES, AttemptOutcome, RunState, TaskKind, TaskState
from workflow.engine import forward, graphs, leases, ledger, outcomes, reversal, starting, waits
from workflow.engine.claims import Claim
from workflow.engine.ledger import MACHINE, Book
from workflow.errors import NestedTooDeeply
from workflow.events import PartClosed
from workflow.graph import MOST_LEVELS, TaskSpec
from workflow.models import Run, TaskRun

MOST_ITEMS = 1000
"""Longer lists are cut by whoever makes them: each part is looked at whenever one ends."""

MOST_AT_ONCE = 50
"""Parts that are open at a time when the definition says no number."""

_UNDO_SECONDS = 300


def begin(claim: Claim) -> None:
    """Start the parts of a claimed task; with nothing to start it is done."""
    with scoping.realm_transaction(claim.realm_id, "workflow"), ledger.open_run(claim.run_id) as book:
        task = ledger.claimed(book, claim)
        if book.is_taken_back(task):
            reversal.give_up(book, task)
            return
        _refuse_endless(book.run)
        task.inputs = _inputs(book, task)
        book.record_attempt(task, AttemptOutcome.WAIT)
        task.wait()
        task.due_at = None
        _go_on(book, task)


def closed(fact: PartClosed) -> None:
    """A part came to its end: start what is still to be started, finish the task, or ask people."""
    run_id = TaskRun.objects.filter(pk=fact.task_id).values_list("run_id", flat=True).first()
    if run_id is None:
        return
    with ledger.open_run(run_id) as book:
        task = book.task(fact.task_id)
        if task.state == TaskState.WAITING:
            newest = {part.index: part for part in _parts(task).order_by("id")}
            lost = next((part for part in newest.values() if part.state == RunState.REVERSED), None)
            if lost is not None:
                waits.ask_people(book, task, _("Run %(run)s, a part of this task, was reversed.") % {"run": lost})
            else:
                _go_on(book, task)
        elif task.state == TaskState.UNDO_WAITING and not _standing(task).exists():
            outcomes.wake(book, task, None)


def undo(claim: Claim) -> None:
    """Reverse every part, each in a transaction of its own, and wait until all of them are reversed."""
    with scoping.realm_transaction(claim.realm_id, "workflow"):
        parts = list(_parts_of(claim.task_id).exclude(state=RunState.REVERSED).values_list("pk", flat=True))
    with leases.held(claim, _UNDO_SECONDS):
        for run_id in parts:
            with scoping.realm_transaction(claim.realm_id, "workflow"), ledger.open_run(run_id) as book:
                if book.run.state in (RunState.RUNNING, RunState.COMPLETED):
                    reversal.begin(book, who=MACHINE, reason=_("The run it is a part of is reversed."))
    with scoping.realm_transaction(claim.realm_id, "workflow"), ledger.open_run(claim.run_id) as book:
        task = ledger.claimed(book, claim)
        # Whatever ends after this look finds the task waiting: its end is told under this run's lock.
        if _standing(task).exists():
            book.record_attempt(task, AttemptOutcome.WAIT, is_undo=True)
            task.wait_undo()
            task.due_at = None
            book.note("task.waiting", task, until="", signal="", note=_("Its parts are being reversed."))
        else:
            book.record_attempt(task, AttemptOutcome.DONE, is_undo=True)
            reversal.finish(book, task, event="task.undone")


def are_open(task: TaskRun) -> bool:
    """Whether a part of the task is still under way."""
    return bool(_parts(task).exclude(state__in=CLOSED_RUN_STATES).exists())


def _go_on(book: Book, task: TaskRun) -> None:
    spec = book.spec(task)
    items = _items(spec, task)
    standing = {part.index: part.state for part in _standing(task).only("index", "state")}
    missing = [index for index in range(len(items)) if index not in standing]
    under_way = sum(state not in CLOSED_RUN_STATES for state in standing.values())
    to_start = missing[: max(0, (spec.at_once or MOST_AT_ONCE) - under_way)]
    if to_start:
        _start(book, task, items, to_start)
    elif not under_way:
        forward.finish(book, task, _outputs(spec, task), event="task.parts_done", count=len(items))


def _start(book: Book, task: TaskRun, items: list[Any], indexes: list[int]) -> None:
    spec = book.spec(task)
    on = starting.current(book.run.realm_id, spec.definition)
    known = book.names()
    starts = [
        starting.Start(
            book.run.subject, graph.resolve_inputs(spec, {**known, "item": items[index], "index": index}), index
        )
        for index in indexes
    ]
    starting.begin(on, who=MACHINE, starts=starts, parent=task)
    book.note("task.parts", task, count=len(indexes), definition=spec.definition)


def _inputs(book: Book, task: TaskRun) -> dict[str, Any]:
    """What the parts are made of, kept with the task: a list may be long gone when the last part starts."""
    spec = book.spec(task)
    if spec.kind == TaskKind.SUBFLOW:
        return graph.resolve_inputs(spec, book.names())
    items = evaluate(spec.over, book.names())
    if not isinstance(items, list):
        raise ExpressionError(f"over gave {items!r}, which is no list")
    if len(items) > MOST_ITEMS:
        raise ExpressionError(f"over gave {len(items)} items; at most {MOST_ITEMS} are possible")
    return {"items": items}


def _items(spec: TaskSpec, task: TaskRun) -> list[Any]:
    return [None] if spec.kind == TaskKind.SUBFLOW else list(task.inputs["items"])


def _outputs(spec: TaskSpec, task: TaskRun) -> dict[str, Any]:
    results = [_results(part) for part in _standing(task).order_by("index")]
    if spec.kind == TaskKind.SUBFLOW:
        return results[0]
    return {"items": results, "count": len(results)}


def _results(part: Run) -> dict[str, Any]:
    known = graph.names(part.inputs, part.outputs, part.subject)
    declared: Mapping[str, Any] = graphs.of_run(part).results
    return {name: evaluate(expression, known) for name, expression in declared.items()}


def _parts_of(task_id: int) -> ScopedQuerySet:
    parts: ScopedQuerySet = Run.objects.filter(parent_id=task_id)
    return parts


def _parts(task: TaskRun) -> ScopedQuerySet:
    return _parts_of(task.pk)


def _standing(task: TaskRun) -> ScopedQuerySet:
    """The parts that are not reversed."""
    return _parts(task).exclude(state=RunState.REVERSED)


def _refuse_endless(run: Run) -> None:
    depth, parent_id = 0, run.parent_id
    while parent_id is not None:
        depth += 1
        if depth >= MOST_LEVELS:
            raise NestedTooDeeply
        parent_id = TaskRun.objects.filter(pk=parent_id).values_list("run__parent_id", flat=True).first()
