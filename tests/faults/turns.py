"""Handlers for tests of whose turn it is. Worker processes load this module (``celery worker --include``)."""

from __future__ import annotations

import time

from workflow.contracts import Done, Outcome, TaskContext, TaskHandler
from workflow.registry import task_handlers

HANG_SECONDS = 40.0


def quick(context: TaskContext) -> Outcome:
    return Done()


def hang(context: TaskContext) -> Outcome:
    """A server that accepts the call and never answers."""
    time.sleep(HANG_SECONDS)
    return Done()


for handler in (
    TaskHandler("turns.quick", "Quick", quick, nothing_to_undo=True, local=True),
    TaskHandler("turns.slow", "Slow", quick, nothing_to_undo=True),
    TaskHandler("turns.hang", "Hang", hang, nothing_to_undo=True, time_limit_seconds=HANG_SECONDS * 2),
):
    task_handlers.register(handler.key, handler)
