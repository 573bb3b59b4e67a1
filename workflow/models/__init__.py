from __future__ import annotations

from workflow.models.definitions import Definition, DefinitionVersion
from workflow.models.limits import Limit, LimitSlot, LimitWaiter
from workflow.models.records import Attempt, RunEvent, Signal
from workflow.models.runs import Run, TaskRun

__all__ = [
    "Attempt",
    "Definition",
    "DefinitionVersion",
    "Limit",
    "LimitSlot",
    "LimitWaiter",
    "Run",
    "RunEvent",
    "Signal",
    "TaskRun",
]
