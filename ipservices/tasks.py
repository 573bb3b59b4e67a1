"""Celery doors of the room: woken after commit, swept by beat in case a wake-up was lost."""

from __future__ import annotations

import structlog
from celery import shared_task

from boss.core import lanes, scoping
from boss.core.problems import Problem
from ipservices import selectors
from ipservices.models import Binding, Prefix
from ipservices.services import bindings, prefixes, reconciling

log = structlog.get_logger(__name__)


@shared_task(name="ipservices.reconcile")
def reconcile(realm_id: int, service_id: int) -> None:
    try:
        reconciling.reconcile(realm_id=realm_id, service_id=service_id)
    except Problem as error:  # recorded as a driver call; the sweep tries again
        log.warning("service_not_reconciled", service=service_id, code=error.code, error=str(error))


def wake(realm_id: int, service_id: int) -> None:
    """Have a worker for slow work look at the service, in its realm's turn."""
    reconcile.apply_async((realm_id, service_id), queue=lanes.of_realm("slow", realm_id))


@shared_task(name="ipservices.sweep")
def sweep() -> int:
    """Services whose servers have not confirmed the latest desired state."""
    behind = selectors.services_behind()
    for realm_id, service_id in behind:
        wake(realm_id, service_id)
    return len(behind)


@shared_task(name="ipservices.check_health")
def check_health() -> int:
    with scoping.system_transaction("health"):
        every = list(Binding.objects.filter(enabled=True).values_list("realm_id", "pk"))
    for realm_id, binding_id in every:
        try:
            bindings.check_health(realm_id=realm_id, binding_id=binding_id)
        except Problem as error:
            log.warning("health_not_checked", binding=binding_id, code=error.code, error=str(error))
    return len(every)


@shared_task(name="ipservices.read_usage")
def read_usage() -> int:
    with scoping.system_transaction("usage"):
        every = list(Binding.objects.filter(enabled=True).values_list("realm_id", "pk"))
    count = 0
    for realm_id, binding_id in every:
        try:
            count += bindings.read_usage(realm_id=realm_id, binding_id=binding_id)
        except Problem as error:
            log.warning("usage_not_read", binding=binding_id, code=error.code, error=str(error))
    return count


@shared_task(name="ipservices.compact_free_ranges")
def compact_free_ranges() -> int:
    with scoping.system_transaction("compaction"):
        every = list(Prefix.objects.values_list("realm_id", "pk"))
    merged = 0
    for realm_id, prefix_id in every:
        with scoping.realm_transaction(realm_id, "compaction"):
            merged += prefixes.compact(prefix=Prefix.objects.get(pk=prefix_id))
    return merged
