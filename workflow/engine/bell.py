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
BULK = "workflow.bulk"


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


def ring_bulk(realm_id: int, bulk_id: int) -> None:
    """Wake a worker for an action on many runs, once the open transaction has committed."""
    transaction.on_commit(lambda: ring_bulk_now(realm_id, bulk_id), using=scoping.alias())


def ring_bulk_now(realm_id: int, bulk_id: int) -> None:
    """Wake a worker for an action on many runs at once. Never fails: the sweeper rings again."""
    try:
        current_app.send_task(BULK, args=[realm_id, bulk_id], queue="slow")
    except (OperationalError, OSError) as error:
        log.warning("workers_not_woken", error=str(error))
