"""The engine's open ends: filled by the rooms above in ``AppConfig.ready``, by third parties through entry points."""

from __future__ import annotations

from importlib.metadata import entry_points

from boss.core.registry import Registry
from workflow.contracts import RunSubjectKind, TaskHandler

task_handlers: Registry[TaskHandler] = Registry("task handlers", TaskHandler)
run_subject_kinds: Registry[RunSubjectKind] = Registry("run subject kinds", RunSubjectKind)

ENTRY_POINT_GROUP = "boss.task_handlers"


def load_entry_points() -> None:
    """Register the handlers other packages offer: each entry point is a TaskHandler, its name the handler's key."""
    for point in entry_points(group=ENTRY_POINT_GROUP):
        task_handlers.register(point.name, point.load())
