"""A remote system for fault tests, kept in files so that it outlives every process and can be judged from outside.

It honours idempotency keys as a good server does: the first call of a key makes an effect, the next ones answer the
same. Every effect made and every effect removed is one line of a log opened for appending. It misbehaves now and
then: fails before or after the effect, answers slowly, never answers.

Worker processes load this module (``celery worker --include tests.faults.remote``), which shortens their leases, and
theirs only: the tests' own process imports it too.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import time
from pathlib import Path

from django.conf import settings

from boss.core import audit
from boss.core.schema import Characteristic
from workflow.contracts import Done, Outcome, TaskContext, TaskHandler, UndoContext
from workflow.models import TaskRun
from workflow.registry import task_handlers

if "worker" in sys.argv:
    settings.WORKFLOW_LEASE_SECONDS = 2.0
    settings.WORKFLOW_RERING_SECONDS = 5.0

PLACE = "BOSS_TEST_REMOTE"
LONGEST_SECONDS = 3.0


def place() -> Path:
    return Path(os.environ[PLACE])


def _append(line: str) -> None:
    with open(place() / "log", "a") as log:
        log.write(f"{line}\n")


def apply(key: str) -> str:
    """Make the effect of ``key`` once. The exclusive creation decides between two callers at once."""
    effect = place() / "effects" / key
    with contextlib.suppress(FileExistsError):
        os.close(os.open(effect, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        _append(f"made {key}")
    return f"receipt-{key}"


def remove(key: str) -> None:
    """Take the effect of ``key`` away, if there is one."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(place() / "effects" / key)
        _append(f"removed {key}")


def _misbehave(when: str) -> None:
    roll = random.random()
    if roll < 0.03:
        raise ConnectionError(f"the remote failed {when} the effect")
    if roll < 0.06:
        time.sleep(random.uniform(0.1, 0.4))
    elif roll < 0.065:
        time.sleep(LONGEST_SECONDS * 3)


def run(context: TaskContext) -> Outcome:
    _append(f"called {context.idempotency_key}")
    _misbehave("before")
    time.sleep(0.02)
    receipt = apply(context.idempotency_key)
    _misbehave("after")
    return Done({"receipt": receipt})


def undo(context: UndoContext) -> Outcome:
    _misbehave("before")
    remove(context.forward_key)
    _misbehave("after")
    return Done()


def poison(context: TaskContext) -> Outcome:
    """Kills its worker, every time."""
    os._exit(9)


def _dies(context: TaskContext, turn: int) -> None:
    if context.attempt % 3 == turn:
        os.kill(os.getpid(), signal.SIGKILL)


def mortal(context: TaskContext) -> Outcome:
    """Its worker is killed at both boundaries, one after the other: claimed but not done, done but not recorded."""
    _dies(context, 1)
    receipt = apply(context.idempotency_key)
    _dies(context, 2)
    return Done({"receipt": receipt})


def mortal_undo(context: UndoContext) -> Outcome:
    """The same on the way back: the attempts go on counting from the third, which was the good one."""
    _dies(context, 1)
    remove(context.forward_key)
    _dies(context, 2)
    return Done()


def write_locally(context: TaskContext) -> Outcome:
    """An effect in our own database: exactly one row, however often it is tried."""
    audit.record(actor=context.actor, action="faults.local", subject=TaskRun.objects.get(pk=context.task_id))
    if random.random() < 0.05:
        raise ValueError("after writing")
    return Done()


_OUT = [Characteristic("receipt")]
for handler in (
    TaskHandler("faults.remote", "Remote", run, undo=undo, outputs=_OUT, time_limit_seconds=LONGEST_SECONDS),
    TaskHandler("faults.local", "Local", write_locally, nothing_to_undo=True, local=True),
    TaskHandler("faults.poison", "Poison", poison, undo=undo),
    TaskHandler("faults.mortal", "Mortal", mortal, undo=mortal_undo, outputs=_OUT),
):
    task_handlers.register(handler.key, handler)
