"""Celery doors of the desk's mail: rung when a mail was stored, swept by beat in case a ring or a worker was lost."""

from __future__ import annotations

from celery import shared_task

from ticketing.services.mail import bell, intake


@shared_task(name=bell.PROCESS)
def process_mail(realm_id: int, mail_id: int) -> bool:
    return intake.process(realm_id, mail_id)


@shared_task(name="ticketing.sweep_mail")
def sweep_mail() -> int:
    return sum(intake.process(realm_id, mail_id) for realm_id, mail_id in intake.due_everywhere())
