"""Reads of the room."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.utils import timezone

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.scoping import ScopedQuerySet
from ipservices.choices import NumberState, ServiceState
from ipservices.errors import ServiceNotFound
from ipservices.models import (
    AddressAssignment,
    Binding,
    BindingNode,
    Comparison,
    ConformanceReport,
    DriverCall,
    Finding,
    HealthSample,
    Migration,
    MigrationItem,
    PhoneNumber,
    PortRequest,
    Prefix,
    Service,
)
from ipservices.registry import drivers
from subscribers.models import Account, Subscription


def whole_services() -> ScopedQuerySet:
    """Services with what their pages and answers show; whoever takes them narrows them to an actor."""
    rows: ScopedQuerySet = Service.objects.select_related("binding", "site", "account", "subscription")
    # Nobody who lists them needs what is sealed, and a customer's role may not read it.
    rows = rows.defer(*Service.portal_hidden, *(f"binding__{name}" for name in Binding.portal_hidden))
    return rows.order_by("id")


def whole_driver_calls() -> QuerySet[DriverCall]:
    rows: QuerySet[DriverCall] = DriverCall.objects.select_related("binding", "service").order_by("-id")
    return rows


def whole_bindings() -> QuerySet[Binding]:
    rows: QuerySet[Binding] = Binding.objects.prefetch_related("nodes").order_by("family", "position", "id")
    return rows


def list_nodes(binding: Binding) -> list[BindingNode]:
    """The machines of a server in the order they are tried; whoever calls may see the server."""
    return list(binding.nodes.all())  # type: ignore[attr-defined]


def list_conformance_reports(binding: Binding) -> QuerySet[ConformanceReport]:
    """What the conformance kit found on a server, newest first; whoever calls may see the server."""
    rows: QuerySet[ConformanceReport] = ConformanceReport.objects.filter(binding=binding)
    return rows.order_by("-id")


def whole_addresses() -> QuerySet[AddressAssignment]:
    rows: QuerySet[AddressAssignment] = AddressAssignment.objects.select_related("prefix", "service").order_by("id")
    return rows


def whole_numbers() -> QuerySet[PhoneNumber]:
    rows: QuerySet[PhoneNumber] = PhoneNumber.objects.select_related("service").order_by("number")
    return rows


def whole_port_requests() -> QuerySet[PortRequest]:
    rows: QuerySet[PortRequest] = PortRequest.objects.select_related("subscription").order_by("-id")
    return rows


def whole_prefixes() -> QuerySet[Prefix]:
    rows: QuerySet[Prefix] = Prefix.objects.order_by("position", "id")
    return rows


def whole_comparisons() -> QuerySet[Comparison]:
    rows: QuerySet[Comparison] = Comparison.objects.select_related("binding").order_by("-id")
    return rows


def whole_findings() -> QuerySet[Finding]:
    """Findings with what pages and answers show of them, without what was kept of the server to put it back."""
    rows: QuerySet[Finding] = Finding.objects.select_related("binding", "service__account").order_by("-id")
    return rows.defer("sealed_former", "binding__sealed_secrets", "service__sealed_secrets")


def get_service(actor: Actor, public_id: str) -> Service:
    """Raises :class:`ServiceNotFound` when there is none or the actor may not see it."""
    row: Service | None = list_services(actor).filter(public_id=public_id).first()
    if row is None:
        raise ServiceNotFound(service=public_id)
    return row


def offer_sign_in(services: Iterable[Service]) -> set[int]:
    """Those whose owner can be signed in at the service itself (webmail) now; whoever calls may see them."""
    living = {row.pk: row.binding_id for row in services if row.state == ServiceState.ACTIVE and row.binding_id}
    if not living:
        return set()
    with scoping.as_application():  # a customer's role may read no settings, and is shown none
        servers = Binding.objects.filter(pk__in=set(living.values())).values_list("pk", "driver_key", "settings")
        found = {pk for pk, key, settings in servers if (kind := drivers.find(key)) and kind.driver.signs_in(settings)}
    return {pk for pk, binding in living.items() if binding in found}


def list_services(actor: Actor) -> QuerySet[Service]:
    """Every service the actor may see, ended ones too."""
    rows: ScopedQuerySet = whole_services()
    return rows.visible_to(actor)


def list_services_for_account(actor: Actor, account: Account, *, ended: bool = False) -> QuerySet[Service]:
    """The account's services in the order of its plan; ended ones only on request."""
    rows = list_services(actor).filter(account=account)
    return rows if ended else rows.exclude(state=ServiceState.TERMINATED)


def list_services_for_subscription(subscription_id: int, *families: str) -> QuerySet[Service]:
    """Living services of a subscription, for provisioning; whoever calls has checked the right to it."""
    rows: QuerySet[Service] = Service.objects.filter(subscription_id=subscription_id)
    rows = rows.exclude(state=ServiceState.TERMINATED).order_by("id")
    return rows.filter(family__in=families) if families else rows


def list_services_in_use(**whose: int) -> QuerySet[Service]:
    """Services that work or are suspended, of an account or a subscription; whoever calls has checked the right."""
    rows: QuerySet[Service] = Service.objects.filter(**whose)
    return rows.filter(state__in=[ServiceState.ACTIVE, ServiceState.SUSPENDED]).order_by("id")


def list_driver_calls(
    actor: Actor, service: Service | None = None, *, binding: Binding | None = None
) -> QuerySet[DriverCall]:
    """Calls of drivers, newest first; of one service, or of one server."""
    rows: QuerySet[DriverCall] = DriverCall.objects.visible_to(actor)
    rows = rows.select_related("binding", "service")
    rows = rows if binding is None else rows.filter(binding=binding)
    return rows if service is None else rows.filter(service=service)


def list_bindings(actor: Actor) -> QuerySet[Binding]:
    rows: QuerySet[Binding] = Binding.objects.visible_to(actor)
    rows = rows.prefetch_related("nodes")
    return rows.order_by("family", "position", "id")


def get_binding(actor: Actor, public_id: str) -> Binding:
    row: Binding | None = list_bindings(actor).filter(public_id=public_id).first()
    if row is None:
        raise ServiceNotFound(binding=public_id)
    return row


def count_free(prefix: Prefix) -> int:
    """Units of a prefix that are free: a sum over its free ranges, of which there are few."""
    total = prefix.free_ranges.aggregate(units=Sum(F("hi") - F("lo") + 1))["units"]  # type: ignore[attr-defined]
    return int(total or 0)


def count_free_numbers() -> int:
    return int(free_numbers().count())


def free_numbers() -> QuerySet[PhoneNumber]:
    """Numbers anybody may have now: the free ones, and those that have rested long enough."""
    rows: QuerySet[PhoneNumber] = PhoneNumber.objects.filter(
        Q(state=NumberState.AVAILABLE) | Q(state=NumberState.QUARANTINED, available_from__lte=timezone.now())
    )
    return rows


def latest_health(binding: Binding) -> HealthSample | None:
    sample: HealthSample | None = HealthSample.objects.filter(binding=binding).order_by("-at").first()
    return sample


def picture_of(subscription: Subscription) -> dict[str, Any]:
    """What this room holds for a subscription, comparable before and after a run that was undone."""
    living = list_services_for_subscription(subscription.pk)
    return {
        "services": sorted(f"{row.full_kind} {row.name} {row.state}" for row in living),
        "addresses": sorted(str(row) for row in AddressAssignment.objects.filter(service__subscription=subscription)),
        "numbers": sorted(
            f"{row.number} {row.state}" for row in PhoneNumber.objects.filter(service__subscription=subscription)
        ),
        "ports": sorted(str(row) for row in subscription.port_holds.filter(state="held")),  # type: ignore[attr-defined]
    }


def services_behind(limit: int = 500) -> list[tuple[int, int]]:
    """(realm, service) whose server has not confirmed the desired state, over all realms; for the sweep."""
    with scoping.dispatch_transaction("ipservices sweep"):
        behind = Service.objects.filter(
            Q(applied_revision__lt=F("revision"), state__in=[ServiceState.ACTIVE, ServiceState.SUSPENDED])
            | ~Q(asked="")
        )
        return list(behind.order_by("id").values_list("realm_id", "pk")[:limit])


def list_findings(actor: Actor) -> QuerySet[Finding]:
    """In what servers differ, resolved or not."""
    rows: ScopedQuerySet = whole_findings()  # type: ignore[assignment]
    return rows.visible_to(actor)


def get_finding(actor: Actor, public_id: str) -> Finding:
    row: Finding | None = list_findings(actor).filter(public_id=public_id).first()
    if row is None:
        raise ServiceNotFound(finding=public_id)
    return row


def whole_migrations() -> QuerySet[Migration]:
    rows: QuerySet[Migration] = Migration.objects.select_related("source", "target").order_by("-id")
    return rows.defer("source__sealed_secrets", "target__sealed_secrets")


def list_migrations(actor: Actor) -> QuerySet[Migration]:
    """Migrations between servers, newest first."""
    rows: ScopedQuerySet = whole_migrations()  # type: ignore[assignment]
    return rows.visible_to(actor)


def get_migration(actor: Actor, public_id: str) -> Migration:
    row: Migration | None = list_migrations(actor).filter(public_id=public_id).first()
    if row is None:
        raise ServiceNotFound(migration=public_id)
    return row


def list_moves(migration: Migration) -> QuerySet[MigrationItem]:
    """The services of a migration, each with where it stands."""
    rows: QuerySet[MigrationItem] = MigrationItem.objects.filter(migration=migration)
    return rows.select_related("service__account").defer("sealed_former", "service__sealed_secrets")


def count_moves(migration: Migration) -> dict[str, int]:
    """How many services of a migration are in which state."""
    counted = MigrationItem.objects.filter(migration=migration).order_by().values_list("state").annotate(Count("id"))
    return dict(counted)


def count_reasons(migration: Migration, limit: int = 20) -> list[tuple[str, str, int]]:
    """Why services of a migration stay or failed, and what else is worth knowing; the most frequent first."""
    rows = MigrationItem.objects.filter(migration=migration).exclude(reason="", note="").order_by()
    counted = rows.values_list("state", "reason", "note").annotate(number=Count("id")).order_by("-number")
    return [(state, reason or note, number) for state, reason, note, number in counted[:limit]]


def count_open_findings(actor: Actor) -> dict[tuple[int, str], int]:
    """How many findings stand open, by server and kind."""
    rows = Finding.objects.visible_to(actor).filter(resolved_at=None).order_by()
    return {
        (binding, kind): count for binding, kind, count in rows.values_list("binding", "kind").annotate(Count("id"))
    }


def latest_comparisons(actor: Actor) -> dict[int, Comparison]:
    """The latest comparison of each server."""
    rows = Comparison.objects.visible_to(actor).order_by("binding_id", "-id").distinct("binding_id")
    return {row.binding_id: row for row in rows}
