"""A claim: the right to work on one task until its lease ends, and all that is needed for it."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from boss.core import scoping
from workflow import effect_keys, graph
from workflow.choices import TaskKind, TaskState
from workflow.contracts import Fail, Retry
from workflow.engine import graphs, slots, sql
from workflow.engine.settings import LONGEST_INLINE_SECONDS, lease_seconds, worker_name
from workflow.graph import Graph, TaskSpec
from workflow.models.limits import EVERY_TASK
from workflow.registry import task_handlers

_LOOKS = 3
"""How often a task looks for a slot before it waits to be woken."""


@dataclass(frozen=True, slots=True)
class Claim:
    """``attempt`` is the fencing token. ``outputs`` are those of all tasks of the run finished so far. ``done_with``
    are the inputs a task that is to be undone was done with: the run's own may have been amended since.

    After ``inline_until`` (this process's monotonic clock) what follows goes by message, so that one long run neither
    keeps its worker from other realms nor exceeds what Celery allows one message to take. ``limited`` are the keys that
    are limited in the realm, ``holds`` the limits of which this claim has a slot. ``fault`` is what stood in the way of
    finding out: the attempt fails with it.
    """

    realm_id: int
    task_id: int
    run_id: int
    run_address: str
    version_id: int
    revision: int
    graph: Graph
    position: int
    state: str
    generation: int
    attempt: int
    failures: int
    woken_by: dict[str, Any] | None
    subject: tuple[str, int] | None
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    done_with: dict[str, Any]
    inline_until: float
    limited: tuple[str, ...] = ()
    holds: tuple[int, ...] = ()
    fault: Exception | None = None
    alone: bool = False
    """Not to share its transaction with tasks that follow: an attempt was lost or failed before, and the next crash
    must be put down to the task that causes it."""
    foreseen: tuple[int, Retry | Fail] | None = None
    """How the task at this position failed a moment ago, when it was done together with those before it."""

    @property
    def spec(self) -> TaskSpec:
        return self.graph.tasks[self.position]

    @property
    def is_undo(self) -> bool:
        return self.state == TaskState.UNDOING

    @property
    def forward_key(self) -> str:
        """Names the task's effect: the same over all attempts, different for every task of every run, and for each
        time the task is done anew after it was taken back."""
        return effect_keys.of_task(self.realm_id, self.run_address, self.spec.key, self.generation)

    def names(self) -> dict[str, Any]:
        """What this task's expressions can name."""
        return graph.names(self.inputs, self.outputs, self.subject)

    def task_inputs(self) -> dict[str, Any]:
        """What the task's handler is given; to undo it, what it was done with."""
        if self.done_with:
            return self.done_with
        inputs = graph.resolve_inputs(self.spec, self.names())
        handler = task_handlers.find(self.spec.handler)
        for item in handler.inputs if handler is not None else ():
            if inputs.get(item.key) is None and item.default is not None:
                inputs[item.key] = item.default
        return inputs


def take(realm_id: int, task_id: int) -> Claim | None:
    """Claim a ready task, or None when it is not ours to take: done, not due, somebody else's by now, or without a slot
    of a limit; then it has lined up for one."""
    for _look in range(_LOOKS):
        try:
            with scoping.realm_transaction(realm_id, "workflow"):
                claim = _claim(realm_id, task_id)
                return _admitted(claim) if claim is not None and claim.limited else claim
        except slots.NoneFree as full:
            # Announced first and looked at afterwards: whoever frees one now either is seen or sees us.
            slots.line_up(realm_id, task_id, full.limit_id)
            if not slots.any_free(realm_id, full.limit_id):
                return None
    return None


def _claim(realm_id: int, task_id: int) -> Claim | None:
    row = sql.execute(
        sql.CLAIM, {"realm": realm_id, "task": task_id, "worker": worker_name(), "lease": lease_seconds()}
    ).fetchone()
    if row is None:
        return None
    run_id, position, state, attempt, failures, woken_by, generation, task_inputs = row
    of_run = sql.execute(sql.CLAIMED_RUN, {"realm": realm_id, "run": run_id}).fetchone()
    assert of_run is not None, "a task has a run"
    address, version_id, revision, kind, subject_id, inputs, outputs, limited = of_run
    return Claim(
        realm_id=realm_id,
        task_id=task_id,
        run_id=run_id,
        run_address=address,
        version_id=version_id,
        revision=revision,
        graph=graphs.of_version(realm_id, version_id),
        position=position,
        state=state,
        generation=generation,
        attempt=attempt,
        failures=failures,
        woken_by=sql.loaded(woken_by),
        subject=(kind, subject_id) if subject_id is not None else None,
        inputs=sql.loaded(inputs),
        outputs=sql.loaded(outputs),
        done_with=sql.loaded(task_inputs) if state == TaskState.UNDOING else {},
        inline_until=time.monotonic() + LONGEST_INLINE_SECONDS,
        limited=tuple(sql.loaded(limited) or ()),
        alone=attempt > 1,
    )


def _admitted(claim: Claim) -> Claim:
    """The claim with a slot of every limit that its task counts for. Raises :class:`slots.NoneFree`."""
    handler = task_handlers.find(claim.spec.handler)
    if not may_be_limited(claim.spec, claim.limited):
        return claim
    named: set[str] = {EVERY_TASK}
    if handler is not None and handler.limits is not None:
        try:
            with transaction.atomic(using=scoping.alias()):
                named.update(handler.limits(claim.task_inputs()))
        except Exception as fault:  # noqa: BLE001 - a handler's own mistake is its attempt's failure, said there
            return dataclasses.replace(claim, fault=fault)
    keys = named.intersection(claim.limited)
    return dataclasses.replace(claim, holds=slots.take(claim.realm_id, claim.task_id, claim.attempt, keys))


def may_be_limited(spec: TaskSpec, limited: tuple[str, ...]) -> bool:
    """Whether a task may count for one of the keys that are limited in its realm."""
    if not limited or spec.kind != TaskKind.AUTOMATED:
        return False
    handler = task_handlers.find(spec.handler)
    return EVERY_TASK in limited or (handler is not None and handler.limits is not None)
