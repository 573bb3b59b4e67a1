"""Celery doors of the engine. All may be called too often and at any time: what is not due is left alone."""

from __future__ import annotations

from celery import shared_task
from celery.signals import celeryd_after_setup, worker_shutting_down

from workflow.engine import draining, loop, pace, sweeper
from workflow.engine.bell import ADVANCE, BULK
from workflow.services import bulk as bulks


@shared_task(name=ADVANCE)
def advance(realm_id: int, task_run_id: int) -> bool:
    return loop.advance(realm_id, task_run_id)


@shared_task(name="workflow.sweep")
def sweep() -> int:
    return sweeper.sweep() + bulks.sweep()


@shared_task(name=BULK)
def bulk(realm_id: int, bulk_id: int) -> int:
    return bulks.go_on(realm_id, bulk_id)


worker_shutting_down.connect(draining.begin, dispatch_uid="workflow.draining", weak=False)
celeryd_after_setup.connect(pace.take_note, dispatch_uid="workflow.pace", weak=False)
