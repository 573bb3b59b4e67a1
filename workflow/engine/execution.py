"""Doing one claimed task: call its handler in the right kind of transaction, record what came of it, exactly once."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, connections
from django.utils.translation import gettext as _

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.expressions import ExpressionError
from boss.core.problems import InvalidInput, Problem
from boss.core.schema import validate
from workflow import graph
from workflow.checks import effective_undo
from workflow.choices import STARTS_RUNS, TaskKind, TaskState
from workflow.contracts import Done, Fail, Outcome, Retry, TaskContext, TaskHandler, UndoContext, Wait
from workflow.engine import joins, leases, ledger, limits, outcomes, parts, people, sql, waits
from workflow.engine.claims import Claim
from workflow.engine.times import BadTime
from workflow.errors import LeaseLost
from workflow.registry import task_handlers

log = structlog.get_logger(__name__)

_LEASE_MARGIN = 5.0
"""Seconds the lease outlives the time limit, for recording the outcome."""

_MOST_TOGETHER = 25
_LONGEST_TOGETHER = 0.2
_LONGEST_WAIT_TOGETHER = "100ms"
"""How many local tasks of a run share one transaction at most, for how many seconds new ones join, and how long such a
transaction waits for anybody's lock: shorter than Postgres takes to look for a deadlock, so it is the one to yield."""

_RECORDING_TRIES = 3
_LONGEST_ANSWER = 100_000


def perform(claim: Claim) -> Claim | None:
    """Do the task of a claim and record the outcome. Returns a successor claimed in the same stroke, if any.

    Never raises for what a handler does; raises when the database is gone, and then the lease brings the task back.
    """
    try:
        if claim.fault is not None:
            raise claim.fault
        inputs = _inputs(claim)
        if claim.spec.kind in STARTS_RUNS:
            parts.undo(claim) if claim.is_undo else parts.begin(claim)
            return None
        if claim.spec.kind == TaskKind.MANUAL or (claim.is_undo and effective_undo(claim.spec) == "manual"):
            with scoping.realm_transaction(claim.realm_id, "workflow"):
                waits.begin_work(claim, inputs)
            return None
        if claim.spec.kind == TaskKind.WAIT:
            with scoping.realm_transaction(claim.realm_id, "workflow"):
                waits.begin_wait(claim)
            return None
        if claim.foreseen is not None and claim.foreseen[0] == claim.position:
            return _record(claim, inputs, claim.foreseen[1])
        handler = task_handlers.find(claim.spec.handler)
        if handler is None:
            return _record(claim, inputs, Fail(f"no handler {claim.spec.handler!r} is installed"))
        return _local(claim, handler, inputs) if handler.local else _remote(claim, handler, inputs)
    except LeaseLost:
        _late(claim)
        return None
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever goes wrong before or after a handler is its task's failure
        return _record_failure(claim, {}, _as_failure(error))


def _inputs(claim: Claim) -> dict[str, Any]:
    if not claim.is_undo:
        # A condition that cannot be evaluated was let through to here, where its error finds people.
        graph.holds(claim.spec, claim.names())
    if claim.spec.kind in STARTS_RUNS:
        return {}
    return claim.task_inputs()


def _local(claim: Claim, handler: TaskHandler, inputs: dict[str, Any]) -> Claim | None:
    """The handler and its outcome are one transaction: both happen or neither does.

    The local tasks that follow are done in the same transaction. When one of them fails, or would have to wait for a
    lock, everything is rolled back and done again, each task by itself; a failure is recorded without calling its
    handler again.
    """
    try:
        with scoping.realm_transaction(claim.realm_id, "workflow"):
            following = _local_step(claim, handler, inputs)
            if following is None or claim.alone or claim.holds:
                return following
            return _those_that_follow(following)
    except _RolledBack as refused:
        return _record(claim, inputs, refused.outcome)
    except LeaseLost:
        raise
    except _BetterAlone as better:
        return _local(dataclasses.replace(claim, alone=True, foreseen=better.foreseen), handler, inputs)
    except Exception as error:  # noqa: BLE001
        return _record_failure(claim, inputs, _as_failure(error))


def _local_step(claim: Claim, handler: TaskHandler, inputs: dict[str, Any]) -> Claim | None:
    outcome = _call(claim, handler, inputs, lambda: True)
    if isinstance(outcome, Retry | Fail):
        raise _RolledBack(outcome)
    return _apply(claim, inputs, outcome)


def _those_that_follow(claim: Claim) -> Claim | None:
    """Do local tasks in the transaction that is open. Returns the claim to go on with outside of it."""
    until = time.monotonic() + _LONGEST_TOGETHER
    following: Claim | None = claim
    for number in range(_MOST_TOGETHER):
        handler = task_handlers.find(following.spec.handler) if following is not None else None
        if following is None or handler is None or not handler.local or time.monotonic() > until:
            break
        position = following.position
        try:
            if number == 0:
                sql.wait_no_longer_than(_LONGEST_WAIT_TOGETHER)
            following = _local_step(following, handler, _inputs(following))
        except _RolledBack as refused:
            raise _BetterAlone((position, refused.outcome)) from refused
        except (LeaseLost, OperationalError, InterfaceError) as trouble:
            raise _BetterAlone(None) from trouble
        except Exception as error:
            raise _BetterAlone((position, _as_failure(error))) from error
    return following


class _BetterAlone(Exception):
    """Carries out of a transaction of several tasks which of them failed and how, if one did."""

    def __init__(self, foreseen: tuple[int, Retry | Fail] | None) -> None:
        super().__init__()
        self.foreseen = foreseen


def _remote(claim: Claim, handler: TaskHandler, inputs: dict[str, Any]) -> Claim | None:
    """The handler runs outside any transaction; its outcome is recorded afterwards."""
    try:
        with scoping.enter(scoping.Scope(claim.realm_id, "workflow")):
            outcome = _call(claim, handler, inputs, lambda: leases.extend(claim))
    except Exception as error:  # noqa: BLE001
        return _record_failure(claim, inputs, _as_failure(error))
    return _record(claim, inputs, outcome)


class _RolledBack(Exception):
    """Carries a local handler's refusal out of its transaction."""

    def __init__(self, outcome: Retry | Fail) -> None:
        super().__init__(outcome.error)
        self.outcome = outcome


def _call(claim: Claim, handler: TaskHandler, inputs: dict[str, Any], heartbeat: Callable[[], bool]) -> Outcome:
    seconds = claim.spec.retry.time_limit_seconds or handler.time_limit_seconds
    plain: dict[str, Any] = {
        "realm_id": claim.realm_id, "actor": Actor.system(claim.realm_id), "run_id": claim.run_id,
        "task_id": claim.task_id, "task_key": claim.spec.key, "attempt": claim.attempt, "inputs": inputs,
        "subject": claim.subject, "heartbeat": heartbeat, "woken_by": claim.woken_by,
    }  # fmt: skip
    with leases.held(claim, seconds + _LEASE_MARGIN), limits.enforced(seconds):
        if claim.is_undo:
            outputs = claim.outputs.get(claim.spec.key)
            # A task that people skipped after its attempts had failed was never finished, whatever stands for it.
            outputs = {} if outputs == joins.SKIPPED_OUTPUTS else outputs
            finished = bool(outputs) or _was_finished(claim)
            context = UndoContext(
                **plain, idempotency_key=f"{claim.forward_key}-undo", forward_key=claim.forward_key,
                outputs=outputs or {}, finished=finished,
            )  # fmt: skip
            if handler.undo is None:
                return Fail(f"{handler.key} cannot undo")
            return _checked(handler.undo(context))
        outcome = _checked(handler.run(TaskContext(**plain, idempotency_key=claim.forward_key)))
    return _as_declared(claim, outcome) if handler.open and isinstance(outcome, Done) else outcome


def _was_finished(claim: Claim) -> bool:
    """Whether the task was done before it was to be undone; one without outputs leaves no other trace of it."""
    with scoping.realm_transaction(claim.realm_id, "workflow"):
        return ledger.was_finished(claim.task_id)


def _checked(outcome: Outcome | None) -> Outcome:
    """A handler's answer as one of the four outcomes; anything else is its fault and said so."""
    if outcome is None:
        return Done()
    if isinstance(outcome, Wait) and outcome.until is None and not outcome.signal:
        return Fail("the handler waits for nothing")
    if isinstance(outcome, Done):
        if not isinstance(outcome.outputs, Mapping):
            return Fail("the handler's outputs are not a mapping")
        text = json.dumps(dict(outcome.outputs))
        return outcome if len(text) <= _LONGEST_ANSWER else Fail("the handler's outputs are too large to keep")
    if isinstance(outcome, Wait | Retry | Fail):
        return outcome
    return Fail(f"the handler returned {type(outcome).__name__}, which is no outcome")


def _as_declared(claim: Claim, outcome: Done) -> Outcome:
    """An open handler's outputs against what the definition declares for the task; nothing else is kept of them.

    What does not fit is not worth another attempt: the effect stands, and a person says what the outputs are.
    """
    given = dict(outcome.outputs)
    declared = {item.key for item in claim.spec.outputs}
    try:
        cleaned = validate(claim.spec.outputs, {key: given[key] for key in declared & given.keys()}, prefix="outputs.")
    except InvalidInput as error:
        places = "; ".join(f"{place}: {' '.join(messages)}" for place, messages in error.fields.items())
        return Fail(_("It is done, but did not give what the workflow expects (%(places)s).") % {"places": places},
                    log=outcome.log)  # fmt: skip
    handler = task_handlers.get(claim.spec.handler)
    own = {item.key: given[item.key] for item in handler.outputs if item.key in given}
    return dataclasses.replace(outcome, outputs=own | cleaned)


def _apply(claim: Claim, inputs: dict[str, Any], outcome: Outcome) -> Claim | None:
    """Record the outcome in the open transaction."""
    if isinstance(outcome, Done):
        if claim.is_undo:
            outcomes.undone(claim, dict(outcome.outputs), outcome.note, outcome.log)
            return None
        return outcomes.done(claim, inputs, dict(outcome.outputs), outcome.note, outcome.log)
    if isinstance(outcome, Wait):
        outcomes.waits(claim, inputs, outcome)
    else:
        outcomes.failed(claim, inputs, outcome)
    return None


def _record(claim: Claim, inputs: dict[str, Any], outcome: Outcome) -> Claim | None:
    """Record the outcome in a transaction of its own. When the connection breaks it is tried again: the fence makes
    a second recording after an unheard commit a late one, which does nothing."""
    for tries_left in reversed(range(_RECORDING_TRIES)):
        try:
            with scoping.realm_transaction(claim.realm_id, "workflow"):
                return _apply(claim, inputs, outcome)
        except LeaseLost:
            raise
        except (OperationalError, InterfaceError):
            if not tries_left:
                raise
            connections.close_all()
        except Exception as error:
            if isinstance(outcome, Retry | Fail):
                raise
            # Its effect stands but cannot be written down (the subject's room refused, for instance).
            return _record_failure(claim, inputs, _as_failure(error))
    return None


def _record_failure(claim: Claim, inputs: dict[str, Any], failure: Retry | Fail) -> Claim | None:
    log.debug("task_failed", task=claim.task_id, key=claim.spec.key, error=failure.error)
    try:
        return _record(claim, inputs, failure)
    except LeaseLost:
        _late(claim)
        return None


def _as_failure(error: Exception) -> Retry | Fail:
    text = str(error) or type(error).__name__
    if isinstance(error, Problem):
        if error.fields:
            places = "; ".join(f"{place}: {' '.join(messages)}" for place, messages in error.fields.items())
            text = f"{text} ({places})"
        return Retry(error=text) if getattr(error, "retryable", False) else Fail(text)
    if isinstance(error, ExpressionError | BadTime):
        return Fail(text)
    return Retry(error=f"{type(error).__name__}: {text}" if type(error).__name__ not in text else text)


def _late(claim: Claim) -> None:
    """Put on record that a result came too late and was refused."""
    log.warning("late_result_refused", task=claim.task_id, key=claim.spec.key, attempt=claim.attempt)
    with scoping.realm_transaction(claim.realm_id, "workflow"), ledger.open_run(claim.run_id) as book:
        task = book.task(claim.task_id)
        book.note("task.late", task, attempt=claim.attempt)
        handler = task_handlers.find(claim.spec.handler)
        # Done anew meanwhile, it was undone before that as well.
        undone_meanwhile = not claim.is_undo and (
            task.generation != claim.generation or task.state in (TaskState.UNDOING, TaskState.UNDONE)
        )
        if undone_meanwhile and (handler is None or not handler.local):
            # Undo looked for the effect before this worker may have made it: nobody else will look again.
            people.ask_about_late_effect(book, task)
