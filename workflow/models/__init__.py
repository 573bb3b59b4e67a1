from __future__ import annotations

from workflow.models.bulk import Bulk, BulkItem
from workflow.models.definitions import Definition, DefinitionVersion
from workflow.models.records import Attempt, RunEvent, Signal
from workflow.models.runs import Run, TaskRun

__all__ = ["Attempt", "Bulk", "BulkItem", "Definition", "DefinitionVersion", "Run", "RunEvent", "Signal", "TaskRun"]
