"""Delivers facts. Rows are locked with SKIP LOCKED, so any number of relays may run at once."""

from __future__ import annotations

import datetime as dt
import random

import structlog
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from boss.core import events, scoping
from boss.core.models import FactDelivery

log = structlog.get_logger(__name__)

_LONGEST_PAUSE = 600


def deliver_due(realm_id: int, *, limit: int = 200) -> int:
    """Deliver what is due in one realm. Returns how many deliveries were tried."""
    tried = 0
    while tried < limit and _deliver_one(realm_id):
        tried += 1
    return tried


def realms_with_due() -> list[int]:
    """Realms that have deliveries due, for the sweeper."""
    with scoping.dispatch_transaction("relay"):
        due = FactDelivery.objects.filter(delivered_at=None, due_at__lte=Now())
        return sorted(due.values_list("realm_id", flat=True).distinct())


def _deliver_one(realm_id: int) -> bool:
    with scoping.realm_transaction(realm_id, "relay"):
        delivery = (
            FactDelivery.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("fact")
            .filter(delivered_at=None, due_at__lte=Now())
            .order_by("due_at", "id")
            .first()
        )
        if delivery is None:
            return False
        handler = events.handlers.find(delivery.handler)
        kind = events.facts.find(delivery.fact.name)
        try:
            if handler is None or kind is None:
                raise LookupError(f"nothing is registered for {delivery.handler} / {delivery.fact.name}")
            with transaction.atomic():
                handler.handle(kind.cls(**delivery.fact.payload))
        except Exception as error:  # noqa: BLE001 - whatever a handler raises, the fact stays and is tried again
            pause = min(_LONGEST_PAUSE, 2 ** min(delivery.attempts, 9)) * (0.5 + random.random())  # noqa: S311
            log.warning("fact_delivery_failed", handler=delivery.handler, fact=delivery.fact.name, error=str(error))
            FactDelivery.objects.filter(pk=delivery.pk).update(
                attempts=F("attempts") + 1, error=repr(error)[:2000], due_at=Now() + dt.timedelta(seconds=pause)
            )
        else:
            FactDelivery.objects.filter(pk=delivery.pk).update(attempts=F("attempts") + 1, error="", delivered_at=Now())
        return True
