"""Celery doors of the room: woken after commit, swept by beat in case a wake-up was lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError

from boss.core import lanes, scoping
from boss.core.actors import Actor
from boss.core.problems import Problem
from ipservices import selectors
from ipservices.models import Binding, Comparison, Migration, OutageUpdate, Prefix
from ipservices.services import (
    bindings,
    comparing,
    conforming,
    design,
    endings,
    leases_seen,
    migrating,
    networks,
    prefixes,
    reconciling,
    turns,
)  # fmt: skip
from ipservices.services.outages import answering, saying, telling
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


@shared_task(name="ipservices.check_driver", soft_time_limit=1500, time_limit=1560)
def check_driver(realm_id: int, report_id: int) -> None:
    conforming.run(realm_id=realm_id, report_id=report_id)


def wake_for_report(realm_id: int, report_id: int) -> None:
    """Have a worker for slow work run the conformance kit, in its realm's turn."""
    check_driver.apply_async((realm_id, report_id), queue=lanes.of_realm("slow", realm_id))


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
    """Comparisons, migrations and updates of outages that nobody has been at for a while."""
    return (
        turns.sweep(comparing.TASK, Comparison)
        + turns.sweep(migrating.TASK, Migration)
        + turns.sweep(saying.TASK, OutageUpdate)
    )


@shared_task(name=saying.TASK)
def tell_outage(realm_id: int, update_id: int) -> bool:
    return telling.go_on(realm_id=realm_id, update_id=update_id)


@shared_task(name="ipservices.settle_outages")
def settle_outages() -> int:
    """Outages whose time for answers is over: who has not answered is settled."""
    return sum(answering.settle(realm_id=realm_id, outage_id=pk) for realm_id, pk in answering.due_everywhere())


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


@shared_task(name="ipservices.see_leases")
def see_leases() -> int:
    """Who got and lost addresses since the last look, at every server that tells; how many such events."""
    return sum(_each_server("leases", leases_seen.read))


@shared_task(name="ipservices.publish_networks")
def publish_networks() -> int:
    """Tell every server that must know which networks its realm hands out of; how many were new to one."""
    return sum(_each_server("networks", networks.publish))


@shared_task(name="ipservices.publish_networks_of")
def publish_networks_of(realm_id: int) -> int:
    """The same for one realm, where something about its networks changed."""
    with scoping.realm_transaction(realm_id, "networks"):
        every = list(Binding.objects.filter(enabled=True, family="ip").order_by("id").values_list("pk", flat=True))
    return sum(networks.publish(realm_id=realm_id, binding_id=binding_id) for binding_id in every)


def wake_for_networks(realm_id: int) -> None:
    """Have a worker tell the realm's servers, in its realm's turn; the clock does it too where the broker is away."""
    try:
        publish_networks_of.apply_async((realm_id,), queue=lanes.of_realm("slow", realm_id))
    except OperationalError as error:
        log.warning("networks_not_woken", realm=realm_id, error=str(error))


def _each_server(what: str, act: Callable[..., int]) -> Iterator[int]:
    """What ``act`` gives for every enabled server; one that fails keeps none of the others waiting."""
    with scoping.dispatch_transaction(what):
        every = list(Binding.objects.filter(enabled=True).order_by("id").values_list("realm_id", "pk"))
    for realm_id, binding_id in every:
        try:
            yield act(realm_id=realm_id, binding_id=binding_id)
        except Problem as error:
            log.warning("server_not_asked", what=what, binding=binding_id, code=error.code, error=str(error))


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
