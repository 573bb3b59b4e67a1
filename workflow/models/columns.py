from __future__ import annotations

from django.db import models


class ClockTimestamp(models.Func):
    """The database's own clock at this very moment; ``Now()`` is that of the transaction's or statement's beginning."""

    template = "clock_timestamp()"
    output_field = models.DateTimeField()
