"""Celery doors of the desk. May be called too often and at any time: what is not due is left alone."""

from __future__ import annotations

from celery import shared_task

from ticketing.services import escalation, notices
from ticketing.services.mail import bell, intake


@shared_task(name="ticketing.escalate")
def escalate() -> int:
    """Steps of ladders that are due, then what staff are to be told, by them or before."""
    return escalation.sweep() + notices.sweep()


@shared_task(name=bell.PROCESS)
def process_mail(realm_id: int, mail_id: int) -> int:
    """Rung when a mail was stored."""
    return intake.process_some(realm_id, mail_id)


@shared_task(name="ticketing.sweep_mail")
def sweep_mail() -> int:
    """Mails whose ring or worker was lost."""
    return sum(intake.process_some(realm_id, mail_id) for realm_id, mail_id in intake.due_everywhere())
