"""Long work in turns: who is at it, until when, and when the sweep must ring again.

A row (a comparison, a migration) is held by one worker at a time, by the database's clock. A worker that dies is
succeeded when its time is over; what it had written stands, and the next one goes on from there.
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import TypeVar

import structlog
from celery import current_app
from django.db import transaction
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, Q, Value
from django.db.models.expressions import CombinedExpression
from kombu.exceptions import KombuError

from boss.core import lanes, scoping
from ipservices.models.comparing import InTurns
from workflow.models.columns import ClockTimestamp

log = structlog.get_logger(__name__)

Row = TypeVar("Row", bound=InTurns)

TURN_SECONDS = 20.0
RING_AGAIN_SECONDS = 30.0
MARGIN_SECONDS = 30.0


def _in(seconds: float) -> ExpressionWrapper:
    later = CombinedExpression(ClockTimestamp(), "+", Value(dt.timedelta(seconds=seconds), DurationField()))
    return ExpressionWrapper(later, output_field=DateTimeField())


def take(model: type[Row], realm_id: int, pk: int, *, seconds: float) -> str:
    """Hold the row for ``seconds`` when nobody else does; the holder's token, else empty."""
    token = secrets.token_hex(12)
    with scoping.realm_transaction(realm_id, "turn"):
        free = Q(until=None) | Q(until__lt=ClockTimestamp())
        rows = model.objects.filter(free, pk=pk, finished_at=None)
        taken = rows.update(holder=token, until=_in(seconds), due_at=_in(seconds + 5))
    return token if taken else ""


def is_held(model: type[Row], pk: int, token: str) -> bool:
    """Lock the row in the caller's transaction; False when it is somebody else's by now, or over."""
    rows = model.objects.select_for_update(of=("self",)).filter(pk=pk, holder=token, finished_at=None)
    return bool(rows.exists())


def prolong(model: type[Row], realm_id: int, pk: int, token: str, *, seconds: float) -> bool:
    """Hold the row for ``seconds`` from now; False when it is somebody else's by now."""
    with scoping.realm_transaction(realm_id, "turn"):
        mine = model.objects.filter(pk=pk, holder=token, finished_at=None)
        return bool(mine.update(until=_in(seconds), due_at=_in(seconds + 5)))


def leave(model: type[Row], realm_id: int, pk: int, token: str, *, again_in: float | None) -> None:
    """Let go of the row; the sweep rings again in ``again_in`` seconds, never when None."""
    with scoping.realm_transaction(realm_id, "turn"):
        due = None if again_in is None else _in(again_in)
        model.objects.filter(pk=pk, holder=token).update(holder="", until=None, due_at=due)


def ring(task: str, realm_id: int, pk: int) -> None:
    """Wake a worker for slow work once the open transaction has committed."""
    transaction.on_commit(lambda: ring_now(task, realm_id, pk), using=scoping.alias())


def ring_now(task: str, realm_id: int, pk: int, *, after_seconds: float = 0) -> None:
    """Wake a worker. Never fails: without a broker the sweep finds the row."""
    try:
        current_app.send_task(
            task, args=[realm_id, pk], queue=lanes.of_realm("slow", realm_id), countdown=after_seconds or None
        )
    except (KombuError, OSError) as error:
        log.warning("workers_not_woken", error=str(error))


def sweep(task: str, model: type[Row]) -> int:
    """Ring for rows of all realms that nobody has been at for a while: a message was lost, or a worker died."""
    with scoping.dispatch_transaction("ipservices turns"):
        stuck = list(
            model.objects.select_for_update(skip_locked=True)
            .filter(due_at__lte=ClockTimestamp())
            .order_by("due_at")  # a model's own order may be by what this role does not read
            .values_list("realm_id", "pk")[:100]
        )
        model.objects.filter(pk__in=[pk for _realm, pk in stuck]).update(due_at=_in(RING_AGAIN_SECONDS))
    for realm_id, pk in stuck:
        ring_now(task, realm_id, pk)
    return len(stuck)
