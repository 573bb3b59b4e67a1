"""Celery doors of the desk. May be called too often and at any time: what is not due is left alone."""

from __future__ import annotations

from celery import shared_task

from ticketing.services import (
    absences,
    answers,
    assigning,
    deadlines,
    drafts_of_text,
    escalation,
    keeping,
    notices,
    reports,
)
from ticketing.services import bulk as bulks
from ticketing.services.mail import bell, fetching, intake


@shared_task(name="ticketing.escalate")
def escalate() -> int:
    """Steps of ladders and deadlines of tickets that are due, tickets of people who are away too long, pools where
    somebody may fit by now, actions on many tickets that stand still, then what staff are to be told."""
    return (
        escalation.sweep() + deadlines.sweep() + absences.sweep() + assigning.sweep() + bulks.sweep() + notices.sweep()
    )


@shared_task(name="ticketing.let_answers_go")
def let_answers_go() -> int:
    """Answers that nobody has taken back in time."""
    return answers.sweep()


@shared_task(name=bell.PROCESS)
def process_mail(realm_id: int, mail_id: int) -> int:
    """Rung when a mail was stored."""
    return intake.process_some(realm_id, mail_id)


@shared_task(name="ticketing.sweep_mail")
def sweep_mail() -> int:
    """Mails whose ring or worker was lost."""
    return sum(intake.process_some(realm_id, mail_id) for realm_id, mail_id in intake.due_everywhere())


@shared_task(name=bulks.TASK)
def bulk(realm_id: int, bulk_id: int) -> int:
    """Rung when many tickets are to be worked on at once."""
    return bulks.go_on(realm_id, bulk_id)


@shared_task(name="ticketing.sweep_texts")
def sweep_texts() -> int:
    """Texts that were typed and not sent for fourteen days, and files of refused forms a day later."""
    return drafts_of_text.sweep() + keeping.sweep()


@shared_task(name="ticketing.mail_reports")
def mail_reports() -> int:
    """Saved reports whose time has come."""
    return reports.sweep()


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
