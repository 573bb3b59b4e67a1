"""Facts the engine publishes: what happened to a run or a task, ids only."""

from __future__ import annotations

from dataclasses import dataclass

from boss.core.events import fact


@fact("workflow.run_started")
@dataclass(frozen=True)
class RunStarted:
    run_id: int


@fact("workflow.run_completed")
@dataclass(frozen=True)
class RunCompleted:
    run_id: int
    subject_kind: str
    subject_id: int


@fact("workflow.part_closed")
@dataclass(frozen=True)
class PartClosed:
    """A run that is part of another one is completed or reversed; ``task_id`` is the task that started it."""

    run_id: int
    task_id: int


@fact("workflow.run_reversing")
@dataclass(frozen=True)
class RunReversing:
    run_id: int


@fact("workflow.run_reversed")
@dataclass(frozen=True)
class RunReversed:
    run_id: int
    subject_kind: str
    subject_id: int


@fact("workflow.task_done")
@dataclass(frozen=True)
class TaskDone:
    """Written only when somebody listens: there are many of them."""

    task_id: int


@fact("workflow.task_needs_attention")
@dataclass(frozen=True)
class TaskNeedsAttention:
    task_id: int
    ticket_id: int
