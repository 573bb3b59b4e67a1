"""Reads of cost rates, and what time costs by them. Money is ``Decimal`` of the realm's currency, never a float."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import DecimalField, F, Q, Sum

from boss.core import permissions
from boss.core.actors import Actor
from boss.core.scoping import ScopedQuerySet
from boss.tenancy import selectors as tenancy
from ticketing.models import CostRate

VIEW = "ticketing.view_costrate"
CENT = Decimal("0.01")

SUMS: dict[str, Any] = {
    "cost": Sum(F("seconds") * F("cost_rate"), output_field=DecimalField(max_digits=30, decimal_places=2)),
    "uncosted": Sum("seconds", filter=Q(cost_rate=None)),
}
"""Aggregates over time entries: rates × seconds (see :func:`money_of`), and the seconds nobody knew a rate for."""


def may_see(actor: Actor) -> bool:
    """Whether the actor is shown what time costs."""
    return permissions.may(actor, VIEW)


def list_rates(actor: Actor) -> ScopedQuerySet:
    """All that was ever set, newest first."""
    rates: ScopedQuerySet = CostRate.objects.visible_to(actor).select_related("user", "pool").order_by("-id")
    return rates


def find_rate(*, realm_id: int, user_id: int | None, pool_id: int | None, at: dt.datetime) -> Decimal | None:
    """What an hour cost at that time: the person's rate, else the pool's, else that of all; None when none is known.

    ``at`` decides by its day where the provider is. One statement.
    """
    day = at.astimezone(ZoneInfo(tenancy.get_realm(realm_id).time_zone)).date()
    whose = Q(user=None, pool=None)
    if user_id is not None:
        whose |= Q(user_id=user_id)
    if pool_id is not None:
        whose |= Q(pool_id=pool_id)
    newest = (
        CostRate.objects.filter(whose, valid_from__lte=day)
        .order_by("user_id", "pool_id", "-valid_from", "-id")
        .distinct("user_id", "pool_id")
    )
    nearest = sorted(newest, key=lambda rate: (rate.user_id is None, rate.pool_id is None))
    return next((rate.per_hour for rate in nearest if rate.per_hour is not None), None)


def money_of(cost: Decimal | None) -> Decimal | None:
    """What ``SUMS["cost"]`` is in money: rounded half-up to cents once, after everything was added up."""
    return None if cost is None else (cost / 3600).quantize(CENT, ROUND_HALF_UP)
