"""The database's clock, moved."""

from __future__ import annotations

import datetime as dt

from django.db import models

from boss.core import scoping
from workflow.models import TaskRun


def step_clock(realm_id: int, seconds: int) -> None:
    """Move the database's clock, seen from the engine: everything stored lies as much earlier."""
    by = dt.timedelta(seconds=seconds)
    with scoping.realm_transaction(realm_id):
        TaskRun.objects.filter(due_at__isnull=False).update(
            due_at=models.F("due_at") - by, not_before=models.F("not_before") - by
        )
