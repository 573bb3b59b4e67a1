"""Handlers for tests of whose turn it is. Worker processes load this module (``celery worker --include``)."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from django.conf import settings

from workflow.contracts import Done, Outcome, TaskContext, TaskHandler
from workflow.registry import task_handlers

if "worker" in sys.argv:
    settings.WORKFLOW_LEASE_SECONDS = 2.0  # theirs only: the tests' own process imports this too

PLACE = "BOSS_TEST_TURNS"
HANG_SECONDS = 40.0
CALL_SECONDS = 0.25


def quick(context: TaskContext) -> Outcome:
    return Done()


def hang(context: TaskContext) -> Outcome:
    """A server that accepts the call and never answers."""
    time.sleep(HANG_SECONDS)
    return Done()


def call(context: TaskContext) -> Outcome:
    """A call to a server that counts who talks to it: one line when it begins and one when it ends."""
    log = Path(os.environ[PLACE])
    for word in ("begins", "ends"):
        with open(log, "a") as file:
            file.write(f"{word} {context.task_id}-{context.attempt} {time.time()}\n")
        if word == "begins":
            time.sleep(CALL_SECONDS)
    return Done()


for handler in (
    TaskHandler("turns.quick", "Quick", quick, nothing_to_undo=True, local=True),
    TaskHandler("turns.slow", "Slow", quick, nothing_to_undo=True),
    TaskHandler("turns.call", "Call", call, nothing_to_undo=True, limits=lambda inputs: ["server:one"]),
    TaskHandler("turns.hang", "Hang", hang, nothing_to_undo=True, time_limit_seconds=HANG_SECONDS * 2),
):
    task_handlers.register(handler.key, handler)
