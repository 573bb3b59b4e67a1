"""Celery doors of the desk. May be called too often and at any time: what is not due is left alone."""

from __future__ import annotations

from celery import shared_task

from ticketing.services import escalation, notices
from ticketing.services.mail import bell, fetching, intake


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


@shared_task(name=bell.FETCH)
def fetch_mail(realm_id: int, source_id: int) -> int:
    """Rung when a mailbox elsewhere is due to be looked at."""
    return fetching.fetch(realm_id, source_id)


@shared_task(name="ticketing.fetch_mail_due")
def fetch_mail_due() -> int:
    """A ring for each mailbox elsewhere that is due: one whose server hangs holds up no other."""
    due = fetching.due_everywhere()
    for realm_id, source_id in due:
        bell.ring_for_source(realm_id, source_id)
    return len(due)
