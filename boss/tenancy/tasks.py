"""Celery doors of the ground: what nobody needs any more is cleared away."""

from __future__ import annotations

import datetime as dt

from celery import shared_task

from boss.core import clock, scoping
from boss.tenancy.models import Session, SignInFailure

_KEPT = dt.timedelta(days=1)


@shared_task(name="tenancy.tidy_up")
def tidy_up() -> int:
    """Sessions that have expired and attempts no window counts any more, of all realms. How many rows."""
    with scoping.system_transaction("tidy up"):
        now = clock.now()
        sessions, _each = Session.objects.filter(expire_date__lt=now).delete()
        attempts, _each = SignInFailure.objects.filter(at__lt=now - _KEPT).delete()
        return int(sessions + attempts)
