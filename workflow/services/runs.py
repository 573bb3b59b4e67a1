"""Starting a run, turning it round, sending it back, changing it under way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit, events
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput, NotFound
from boss.core.services import service
from workflow.choices import RunState, TaskState
from workflow.engine import amending, graphs, ledger, moving, reversal, starting
from workflow.engine.ledger import Book
from workflow.engine.reversal import ReversalPlan
from workflow.engine.starting import Start
from workflow.errors import (
    AlreadyGoingBack,
    CannotMove,
    NoReturnPoint,
    NoSuchDefinition,
    NotYetReached,
    PastNoReturn,
    RunIsClosed,
    RunIsReversing,
)
from workflow.events import RunReversing, RunStarted
from workflow.models import DefinitionVersion, Run, TaskRun


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
    return start_many(actor=actor, definition_key=definition_key, starts=[Start(subject, inputs or {})])[0]


@service
def start_many(*, actor: Actor, definition_key: str, starts: Sequence[Start]) -> list[Run]:
    """Start several runs of one definition: all of them, or none when the inputs of one are refused. In their order.

    Asks for no permission, like :func:`start`, and raises as it does; a batch of a thousand is a good size.
    """
    on = starting.current(actor.realm_id, definition_key)

    begun = starting.begin(on, who=actor.label, starts=starts) if starts else []

    audit.record_many(actor=actor, action="run.started", subjects=begun, after={"definition": definition_key})
    events.publish_many([RunStarted(run_id=run.pk) for run in begun])
    return begun


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


def preview_taking_back(*, actor: Actor, run: Run, to: str) -> ReversalPlan:
    """What sending the run back to the task ``to`` would undo now. Changes nothing. Raises as :func:`take_back`."""
    require(actor, "workflow.view_run", run)

    book = ledger.look_at(run)
    return reversal.plan(book.tasks, book.graph.tasks, _way_back(book, to))


@service
def take_back(*, actor: Actor, run: Run, to: str, reason: str) -> Run:
    """Send a run back to one of its tasks: it and all that came after are undone and then done again.

    Only where the definition says so (``return_point``), and as long as nothing on the way is past its point of no
    return. Raises :class:`NotFound` for an unknown task, :class:`NoReturnPoint`, :class:`NotYetReached`,
    :class:`PastNoReturn`, :class:`AlreadyGoingBack`, :class:`RunIsClosed`, :class:`RunIsReversing`, and
    :class:`InvalidInput` without a ``reason``.
    """
    with ledger.open_run(run.pk) as book:
        require(actor, "workflow.reverse_run", book.run)

        _refuse_unless_running(book)
        positions = _way_back(book, to)
        if not reason.strip():
            raise InvalidInput(fields={"reason": [_("Please say why.")]})

        title = book.graph.by_key[to].title
        book.note("run.taken_back", who=actor.label, to=title, reason=reason.strip())
        reversal.take_back(book, positions)

    audit.record(actor=actor, action="run.taken_back", subject=book.run, after={"to": to, "reason": reason.strip()})
    return book.run


@service
def amend(*, actor: Actor, run: Run, inputs: Mapping[str, Any], reason: str) -> tuple[str, ...]:
    """Give a run under way other inputs. Only what differs is undone and done again; the rest stands or goes on.

    Asks for no permission: the room that calls has asked for its own (changing an order). ``inputs`` are all of them,
    checked like those of a start. Returns the keys of the tasks that are taken back. Raises :class:`PastNoReturn`
    (and nothing changes), :class:`AlreadyGoingBack`, :class:`RunIsClosed`, :class:`RunIsReversing`,
    :class:`InvalidInput`.
    """
    with ledger.open_run(run.pk) as book:
        _refuse_unless_running(book)
        cleaned = book.graph.checked_inputs(inputs)
        positions = amending.differing(book, cleaned)
        _refuse_past_return(book, positions)

        keys = tuple(book.graph.tasks[position].key for position in sorted(positions))
        book.note("run.amended", who=actor.label, reason=reason, tasks=list(keys))
        amending.keep_inputs(book, positions)
        book.run.inputs = cleaned
        book.run.revision += 1
        if positions:
            reversal.take_back(book, positions)

    audit.record(actor=actor, action="run.amended", subject=book.run, after={"reason": reason, "tasks": list(keys)})
    return keys


def _refuse_unless_running(book: Book) -> None:
    if book.run.is_closed:
        raise RunIsClosed
    if book.run.state == RunState.REVERSING:
        raise RunIsReversing
    if book.run.taken_back is not None:
        raise AlreadyGoingBack


def _way_back(book: Book, to: str) -> set[int]:
    spec = book.graph.by_key.get(to)
    if spec is None:
        raise NotFound(task=to)
    if not spec.return_point:
        raise NoReturnPoint(task=to)
    if book.tasks[spec.position].state == TaskState.PENDING:
        raise NotYetReached(task=to)
    positions = amending.behind(book, to)
    _refuse_past_return(book, positions)
    return positions


def _refuse_past_return(book: Book, positions: set[int]) -> None:
    past = amending.past_return(book, positions)
    if past:
        raise PastNoReturn(tasks=past)


@service
def move(*, actor: Actor, run: Run, number: int) -> Run:
    """Let a run under way go on by another version of its definition.

    Only when what it has begun is the same there: every task that is not pending stands in that version with the same
    work, undo and predecessors. Raises :class:`CannotMove`, whose ``fields`` say for each task why not,
    :class:`NoSuchDefinition` for an unknown number, :class:`AlreadyGoingBack`, :class:`RunIsClosed` and
    :class:`RunIsReversing`.
    """
    with ledger.open_run(run.pk) as book:
        version = DefinitionVersion.objects.filter(definition=book.run.version.definition_id, number=number).first()

        require(actor, "workflow.move_run", book.run)

        _refuse_unless_running(book)
        if version is None:
            raise NoSuchDefinition(number=number)
        before = book.run.version.number
        graph = graphs.of_version(actor.realm_id, version.pk)
        obstacles = moving.obstacles(book, graph)
        if obstacles:
            raise CannotMove(fields=obstacles)

        if version.pk != book.run.version_id:
            book.note("run.moved", who=actor.label, before=before, after=number)
            moving.move(book, version, graph)

    audit.record(
        actor=actor, action="run.moved", subject=book.run, before={"version": before}, after={"version": number}
    )
    return book.run
