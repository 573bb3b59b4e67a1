"""A claim: the right to work on one task until its lease ends, and all that is needed for it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from boss.core import scoping
from workflow import graph
from workflow.choices import TaskState
from workflow.engine import graphs, sql
from workflow.engine.settings import LONGEST_INLINE_SECONDS, lease_seconds, worker_name
from workflow.graph import Graph, TaskSpec


@dataclass(frozen=True, slots=True)
class Claim:
    """``attempt`` is the fencing token. ``outputs`` are those of all tasks of the run finished so far. ``done_with``
    are the inputs a task that is to be undone was done with: the run's own may have been amended since.

    After ``inline_until`` (this process's monotonic clock) what follows goes by message, so that one long run neither
    keeps its worker from other realms nor exceeds what Celery allows one message to take.
    """

    realm_id: int
    task_id: int
    run_id: int
    run_address: str
    version_id: int
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
        again = f"-{self.generation}" if self.generation else ""
        return f"wf-{self.realm_id}-{self.run_address}-{self.spec.key}{again}"

    def names(self) -> dict[str, Any]:
        """What this task's expressions can name."""
        return graph.names(self.inputs, self.outputs, self.subject)


def take(realm_id: int, task_id: int) -> Claim | None:
    """Claim a ready task, or None when it is not ours to take: done, not due, or somebody else's by now."""
    with scoping.realm_transaction(realm_id, "workflow"):
        row = sql.execute(
            sql.CLAIM, {"realm": realm_id, "task": task_id, "worker": worker_name(), "lease": lease_seconds()}
        ).fetchone()
        if row is None:
            return None
        run_id, position, state, attempt, failures, woken_by, address, version_id = row[:8]
        kind, subject_id, inputs, outputs, generation, task_inputs = row[8:]
        return Claim(
            realm_id=realm_id,
            task_id=task_id,
            run_id=run_id,
            run_address=address,
            version_id=version_id,
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
        )
