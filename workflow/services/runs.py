"""Starting a run and turning it round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit, events, schema
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from workflow.choices import RunState
from workflow.engine import forward, graphs, ledger, reversal
from workflow.engine.ledger import Book
from workflow.engine.reversal import ReversalPlan
from workflow.errors import NoSuchDefinition, RunIsClosed, RunIsReversing
from workflow.events import RunReversing, RunStarted
from workflow.graph import PLAIN_TYPES, Graph
from workflow.models import Definition, Run, TaskRun
from workflow.models.columns import ClockTimestamp


@service
def start(
    *,
    actor: Actor,
    definition_key: str,
    subject: tuple[str, int] | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> Run:
    """Start a run of the definition's current version, in the caller's transaction; workers wake when it commits.

    Asks for no permission: the room that calls has asked for its own (placing an order). Declared inputs are checked;
    further ones are kept but no expression can name them. Raises :class:`NoSuchDefinition` and :class:`InvalidInput`
    with fields ``inputs.<key>``.
    """
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
    graph = graphs.of_version(actor.realm_id, definition.current_id)
    cleaned = _inputs(graph, dict(inputs or {}))

    definition.current.definition = definition
    run: Run = Run(
        version=definition.current,
        subject_kind=subject[0] if subject else "",
        subject_id=subject[1] if subject else None,
        inputs=cleaned,
        open_tasks=len(graph.tasks),
        started_by=actor.label[:200],
        started_at=definition.database_now,
    )
    tasks = [
        TaskRun(
            run=run,
            position=spec.position,
            key=spec.key,
            kind=spec.kind,
            undecided=len(graph.predecessors[spec.position]),
            # A task without predecessors has been come to by the start itself.
            taken=0 if spec.after else 1,
        )
        for spec in graph.tasks
    ]
    book = Book(run, graph, tasks, run.started_at)
    book.note("run.started", who=actor.label, definition=definition.key, version=definition.current.number)
    forward.decide(book)
    book.begin()

    audit.record(actor=actor, action="run.started", subject=run, after={"definition": definition.key})
    events.publish(RunStarted(run_id=run.pk))
    return run


@service
def start_by_hand(*, actor: Actor, definition_key: str, inputs: Mapping[str, Any] | None = None) -> Run:
    """Start a run for a person, about nothing in particular. Raises as :func:`start`."""
    require(actor, "workflow.start_run")

    return start(actor=actor, definition_key=definition_key, inputs=inputs)


def preview_reversal(*, actor: Actor, run: Run) -> ReversalPlan:
    """What a reversal would undo now, what is past its point of no return, who gets work. Changes nothing."""
    require(actor, "workflow.view_run", run)

    tasks = list(TaskRun.objects.filter(run=run).order_by("position"))
    return reversal.plan(tasks, graphs.of_run(run).tasks)


@service
def reverse(*, actor: Actor, run: Run, reason: str) -> Run:
    """Turn the run round: everything it made is undone in reverse order. There is no way forward after this.

    Raises :class:`RunIsClosed`, :class:`RunIsReversing`, and :class:`InvalidInput` without a ``reason``.
    """
    with ledger.open_run(run.pk) as book:
        require(actor, "workflow.reverse_run", book.run)

        if book.run.is_closed:
            raise RunIsClosed
        if book.run.state == RunState.REVERSING:
            raise RunIsReversing
        if not reason.strip():
            raise InvalidInput(fields={"reason": [_("Please say why.")]})

        reversal.begin(book, who=actor.label, reason=reason.strip())

    audit.record(
        actor=actor, action="run.reversed", subject=book.run, before={"state": RunState.RUNNING},
        after={"state": book.run.state, "reason": reason.strip()},
    )  # fmt: skip
    events.publish(RunReversing(run_id=book.run.pk))
    return book.run


def _inputs(graph: Graph, given: dict[str, Any]) -> dict[str, Any]:
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
