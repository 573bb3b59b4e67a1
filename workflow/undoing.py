"""What a reversal does with a task, by its definition and state alone: the one rule that the engine follows, a plan
foretells and a simulation shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workflow.checks import effective_undo
from workflow.choices import TaskState
from workflow.graph import TaskSpec

How = Literal["undone", "people", "kept", "nothing", "stopped", "after_attempt"]

UNDO: tuple[How, ...] = ("undone", "people")
"""The ways that are work: for a handler, for people."""

_BY_UNDO: dict[str, How] = {"none": "nothing", "manual": "people", "handler": "undone"}


@dataclass(frozen=True, slots=True)
class PlannedUndo:
    """One line of a reversal's plan. ``how``: undone, people, kept, nothing, stopped or after_attempt."""

    key: str
    title: str
    how: How
    pool: str = ""
    follow_up: str = ""


def of_done(spec: TaskSpec) -> How:
    """What becomes of a task that is done."""
    return "kept" if spec.point_of_no_return else _BY_UNDO[effective_undo(spec)]


def of_unfinished(spec: TaskSpec, *, left: bool) -> How:
    """What becomes of a task that never ended; ``left`` when its attempts may have left something."""
    if not left:
        return "stopped"
    if effective_undo(spec) != "none":
        return _BY_UNDO[effective_undo(spec)]
    # It may have passed its point of no return: its answer was lost, perhaps.
    return "kept" if spec.point_of_no_return and spec.follow_up else "stopped"


def planned(spec: TaskSpec, state: str, *, left: bool = False) -> PlannedUndo:
    """What a reversal would do with a task in its present state."""
    if state == TaskState.DONE:
        how = of_done(spec)
    elif state == TaskState.RUNNING:
        how = "after_attempt"
    elif state == TaskState.SKIPPED:
        # A person may have skipped it after attempts that left something.
        how = of_unfinished(spec, left=left)
        how = "nothing" if how == "stopped" else how
    else:
        how = of_unfinished(spec, left=left)
    follow_up = spec.follow_up if how == "kept" else ""
    return PlannedUndo(key=spec.key, title=spec.title, how=how, pool=spec.pool, follow_up=follow_up)
