"""Celery doors of the room: woken after commit, swept by beat in case a wake-up was lost."""

from __future__ import annotations

import structlog
from celery import shared_task

from boss.core import lanes, scoping
from boss.core.actors import Actor
from boss.core.problems import Problem
from ipservices import selectors
from ipservices.models import Binding, Comparison, Migration, Prefix
from ipservices.services import bindings, comparing, design, endings, migrating, prefixes, reconciling, turns
from subscribers.events import OrderAmended, SubscriptionEnded
from subscribers.models import OrderItem, Subscription

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


@shared_task(name=comparing.TASK)
def compare(realm_id: int, comparison_id: int) -> bool:
    return comparing.go_on(realm_id=realm_id, comparison_id=comparison_id)


@shared_task(name="ipservices.sweep_turns")
def sweep_turns() -> int:
    """Comparisons and migrations that nobody has been at for a while."""
    return turns.sweep(comparing.TASK, Comparison) + turns.sweep(migrating.TASK, Migration)


@shared_task(name=migrating.TASK)
def migrate(realm_id: int, migration_id: int) -> bool:
    return migrating.go_on(realm_id=realm_id, migration_id=migration_id)


@shared_task(name="ipservices.compare_all")
def compare_all() -> int:
    """Every server that is switched on, once a night."""
    with scoping.dispatch_transaction("comparison"):
        every = list(Binding.objects.filter(enabled=True).order_by("id").values_list("realm_id", "pk"))
    for realm_id, binding_id in every:
        with scoping.realm_transaction(realm_id, "comparison"):
            comparing.start(actor=Actor.system(realm_id), binding=Binding.objects.get(pk=binding_id))
    return len(every)


@shared_task(name="ipservices.check_health")
def check_health() -> int:
    with scoping.dispatch_transaction("health"):
        every = list(Binding.objects.filter(enabled=True).order_by("id").values_list("realm_id", "pk"))
    for realm_id, binding_id in every:
        try:
            bindings.check_health(realm_id=realm_id, binding_id=binding_id)
        except Problem as error:
            log.warning("health_not_checked", binding=binding_id, code=error.code, error=str(error))
    return len(every)


@shared_task(name="ipservices.read_usage")
def read_usage() -> int:
    with scoping.dispatch_transaction("usage"):
        every = list(Binding.objects.filter(enabled=True).order_by("id").values_list("realm_id", "pk"))
    count = 0
    for realm_id, binding_id in every:
        try:
            count += bindings.read_usage(realm_id=realm_id, binding_id=binding_id)
        except Problem as error:
            log.warning("usage_not_read", binding=binding_id, code=error.code, error=str(error))
    return count


@shared_task(name="ipservices.compact_free_ranges")
def compact_free_ranges() -> int:
    with scoping.dispatch_transaction("compaction"):
        every = list(Prefix.objects.order_by("id").values_list("realm_id", "pk"))
    merged = 0
    for realm_id, prefix_id in every:
        with scoping.realm_transaction(realm_id, "compaction"):
            merged += prefixes.compact(prefix=Prefix.objects.get(pk=prefix_id))
    return merged


def plan_less(fact: OrderAmended) -> None:
    """Handler of the fact that an order was amended: what is only planned and not wanted any more is dropped."""
    for item in OrderItem.objects.select_related("subscription__account", "subscription__site").filter(
        order_id=fact.order_id, subscription__isnull=False
    ):
        design.drop_unwanted(actor=Actor.system(item.realm_id), subscription=item.subscription)


def give_back(fact: SubscriptionEnded) -> None:
    """Handler of the fact that a subscription has ended for good, in a transaction of its own."""
    subscription: Subscription = Subscription.objects.get(pk=fact.subscription_id)
    endings.give_back(actor=Actor.system(subscription.realm_id), subscription=subscription)
