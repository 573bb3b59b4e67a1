"""Starting a run and turning it round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit, events
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from workflow.choices import RunState
from workflow.engine import graphs, ledger, reversal, starting
from workflow.engine.reversal import ReversalPlan
from workflow.errors import RunIsClosed, RunIsReversing
from workflow.events import RunReversing, RunStarted
from workflow.models import Run, TaskRun


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
    on = starting.current(actor.realm_id, definition_key)

    run = starting.begin(on, who=actor.label, subject=subject, inputs=inputs or {})

    audit.record(actor=actor, action="run.started", subject=run, after={"definition": definition_key})
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
