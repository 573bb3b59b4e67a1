"""Heartbeats. One thread per process prolongs the leases of the tasks at work, up to each one's time limit.

A process that is killed or frozen stops beating with all its tasks; a handler that hangs beats no longer than it may
take. In both cases the lease ends and the sweeper hands the task on.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from django.db import connections

from boss.core import scoping
from workflow.engine import sql
from workflow.engine.claims import Claim
from workflow.engine.settings import lease_seconds

log = structlog.get_logger(__name__)


def extend(claim: Claim) -> bool:
    """Prolong one lease in a transaction of its own. False: the task is somebody else's by now."""
    with scoping.realm_transaction(claim.realm_id, "workflow"):
        parameters = {
            "realm": claim.realm_id, "task": claim.task_id, "attempt": claim.attempt, "lease": lease_seconds(),
        }  # fmt: skip
        return sql.execute(sql.EXTEND, parameters).rowcount == 1


@dataclass(frozen=True, slots=True)
class _Held:
    claim: Claim
    until: float


class _Keeper:
    """The thread and what it keeps. Started with the first lease held in this process."""

    def __init__(self) -> None:
        self.pid = 0
        self.lock = threading.Lock()
        self.held: dict[int, _Held] = {}

    def hold(self, claim: Claim, seconds: float) -> None:
        if self.pid != os.getpid():
            # Threads do not survive a fork, and neither may the parent's leases.
            self.pid, self.lock, self.held = os.getpid(), threading.Lock(), {}
            threading.Thread(target=self._beat, name="workflow-leases", daemon=True).start()
        with self.lock:
            self.held[claim.task_id] = _Held(claim, time.monotonic() + seconds)

    def release(self, claim: Claim) -> None:
        with self.lock:
            self.held.pop(claim.task_id, None)

    def _beat(self) -> None:
        while True:
            time.sleep(lease_seconds() / 3)
            with self.lock:
                beating = [held.claim for held in self.held.values() if held.until > time.monotonic()]
            for claim in beating:
                try:
                    extend(claim)
                except Exception as error:  # noqa: BLE001 - without this thread every long task would lose its lease
                    log.warning("lease_not_extended", task=claim.task_id, error=str(error))
                    connections.close_all()


_keeper = _Keeper()


@contextmanager
def held(claim: Claim, seconds: float) -> Iterator[None]:
    """Keep the claim's lease alive while the block runs, for at most ``seconds``."""
    _keeper.hold(claim, seconds)
    try:
        yield
    finally:
        _keeper.release(claim)
