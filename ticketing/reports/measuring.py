"""Quantiles and lengths of time in SQL."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Aggregate, DurationField, ExpressionWrapper, F, FloatField, Func

from ticketing.sla.words import written


class Seconds(Func):
    """How long it is from one instant to another, in seconds of the clock."""

    template = "EXTRACT(EPOCH FROM %(expressions)s)"
    output_field = FloatField()

    def __init__(self, since: str, until: str, **extra: Any) -> None:
        span: Any = F(until) - F(since)
        super().__init__(ExpressionWrapper(span, DurationField()), **extra)


class Quantile(Aggregate):
    """The value below which ``share`` of the values lie, between two of them where it falls there."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()

    def __init__(self, expression: Any, share: float, **extra: Any) -> None:
        super().__init__(expression, share=share, **extra)


def half_and_ninety(expression: str) -> dict[str, Quantile]:
    return {"p50": Quantile(expression, 0.5), "p90": Quantile(expression, 0.9)}


def length(seconds: float) -> str:
    """A length of time for a sentence or a mail: "40 s", "25 min", "3 h 5 min", "2 d 4 h"."""
    if seconds < 0:
        return f"−{length(-seconds)}"
    if seconds < 60:
        return f"{seconds:.0f} s"
    # Nobody reads minutes beside days.
    step = 3600 if seconds >= 2 * 86400 else 60
    return written(dt.timedelta(seconds=round(seconds / step) * step))
