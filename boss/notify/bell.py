"""Wakes a worker for a delivery, by the task's name: services do not import the doors above them."""

from __future__ import annotations

from celery import current_app

from boss.core import lanes

DELIVER = "notify.deliver"


def ring(realm_id: int, delivery_id: int) -> None:
    current_app.send_task(DELIVER, args=(realm_id, delivery_id), queue=lanes.of_realm("slow", realm_id))
