"""Celery doors of the desk. May be called too often and at any time: what is not due is left alone."""

from __future__ import annotations

from celery import shared_task

from ticketing.services import escalation, notices


@shared_task(name="ticketing.escalate")
def escalate() -> int:
    """Steps of ladders that are due, then what staff are to be told, by them or before."""
    return escalation.sweep() + notices.sweep()
