"""Waking workers. Celery only carries "look at this task": a message lost costs seconds, one too many costs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import KombuError

from boss.core import lanes, scoping
from boss.core.lanes import Kind

log = structlog.get_logger(__name__)

ADVANCE = "workflow.advance"
MOST_SWEPT = 500
"""Most wake-ups that wait in a sweeper's lane: more would only make a backlog longer by repeating it."""
BULK = "workflow.bulk"


def ring(realm_id: int, kinds: Mapping[int, Kind]) -> None:
    """Wake a worker of its kind for each task, once the open transaction has committed."""
    if kinds:
        transaction.on_commit(lambda: _ring_each(realm_id, kinds), using=scoping.alias())


def _ring_each(realm_id: int, kinds: Mapping[int, Kind]) -> None:
    for kind in lanes.KINDS:
        if ids := [task_id for task_id, its in kinds.items() if its == kind]:
            ring_now(realm_id, ids, lanes.of_realm(kind, realm_id))


def ring_now(realm_id: int, task_ids: Iterable[int], lane: str) -> None:
    """Wake a worker for each task at once. Never fails: without a broker the sweeper finds them."""
    try:
        for task_id in task_ids:
            current_app.send_task(ADVANCE, args=[realm_id, task_id], queue=lane)
    except (KombuError, OSError) as error:
        log.warning("workers_not_woken", error=str(error))


def room() -> dict[Kind, int]:
    """How many more wake-ups of each kind the sweeper may send; none while the broker does not answer."""
    try:
        with current_app.pool.acquire(block=True) as connection:
            return {kind: max(0, MOST_SWEPT - _waiting(connection, lanes.swept(kind))) for kind in lanes.KINDS}
    except (KombuError, OSError) as error:
        log.warning("broker_does_not_answer", error=str(error))
        return dict.fromkeys(lanes.KINDS, 0)


def _waiting(connection: Any, lane: str) -> int:
    """How many messages wait in a lane, which is made if this broker has not seen it yet."""
    queue: Any = current_app.amqp.queues[lane]
    ask = connection.autoretry(lambda channel: queue(channel).queue_declare(), max_retries=1, interval_start=0.1)
    declared, _channel = ask()
    return int(declared.message_count)


def ring_bulk(realm_id: int, bulk_id: int) -> None:
    """Wake a worker for an action on many runs, once the open transaction has committed."""
    transaction.on_commit(lambda: ring_bulk_now(realm_id, bulk_id), using=scoping.alias())


def ring_bulk_now(realm_id: int, bulk_id: int) -> None:
    """Wake a worker for an action on many runs at once. Never fails: the sweeper rings again."""
    try:
        current_app.send_task(BULK, args=[realm_id, bulk_id], queue="slow")
    except (KombuError, OSError) as error:
        log.warning("workers_not_woken", error=str(error))
