"""Wakes a worker for a stored mail, by the task's name: services do not import the doors above them."""

from __future__ import annotations

from celery import current_app

from boss.core import lanes

PROCESS = "ticketing.process_mail"
FETCH = "ticketing.fetch_mail"


def ring(realm_id: int, mail_id: int) -> None:
    current_app.send_task(PROCESS, args=(realm_id, mail_id), queue=lanes.of_realm("slow", realm_id))


def ring_for_source(realm_id: int, source_id: int) -> None:
    current_app.send_task(FETCH, args=(realm_id, source_id), queue=lanes.of_realm("slow", realm_id), expires=60)
