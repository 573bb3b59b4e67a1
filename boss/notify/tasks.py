"""Celery doors of the outbox: rung after commit, swept by beat in case a ring was lost or an attempt is due again."""

from __future__ import annotations

from celery import shared_task

from boss.notify import bell
from boss.notify.services import deliveries


@shared_task(name=bell.DELIVER)
def deliver(realm_id: int, delivery_id: int) -> bool:
    return deliveries.deliver(realm_id, delivery_id)


@shared_task(name="notify.sweep")
def sweep() -> int:
    return sum(deliveries.deliver(realm_id, delivery_id) for realm_id, delivery_id in deliveries.due_everywhere())
