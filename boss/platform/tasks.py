"""Celery doors of the platform itself."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="platform.ping", ignore_result=False)
def ping(token: str) -> str:
    """Give `token` back: proof that a worker of this platform takes and does work."""
    return token
