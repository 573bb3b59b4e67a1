from __future__ import annotations

from workflow.models.bulk import Bulk, BulkItem
from workflow.models.definitions import Definition, DefinitionDraft, DefinitionVersion
from workflow.models.limits import Limit, LimitSlot, LimitWaiter
from workflow.models.records import Attempt, RunEvent, Signal
from workflow.models.runs import Run, TaskRun

__all__ = [
    "Attempt",
    "Bulk",
    "BulkItem",
    "Definition",
    "DefinitionDraft",
    "DefinitionVersion",
    "Limit",
    "LimitSlot",
    "LimitWaiter",
    "Run",
    "RunEvent",
    "Signal",
    "TaskRun",
]
