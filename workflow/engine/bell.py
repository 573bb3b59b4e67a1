"""Waking workers. Celery only carries "look at this task": a message lost costs seconds, one too many costs nothing."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from boss.core import scoping

log = structlog.get_logger(__name__)

ADVANCE = "workflow.advance"


def ring(realm_id: int, task_ids: Iterable[int]) -> None:
    """Wake a worker for each task, once the open transaction has committed."""
    ids = list(task_ids)
    if ids:
        transaction.on_commit(lambda: ring_now(realm_id, ids), using=scoping.alias())


def ring_now(realm_id: int, task_ids: Iterable[int]) -> None:
    """Wake a worker for each task at once. Never fails: without a broker the sweeper finds them."""
    try:
        for task_id in task_ids:
            current_app.send_task(ADVANCE, args=[realm_id, task_id])
    except (OperationalError, OSError) as error:
        log.warning("workers_not_woken", error=str(error))
