"""Servers a realm provisions on: setting them up, choosing one, watching them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit, events, schema, scoping
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ipservices import sealing
from ipservices.contracts import Health
from ipservices.errors import NoBinding, UnknownDriver
from ipservices.events import BindingHealthChanged
from ipservices.models import Binding, HealthSample, Service, UsageRecord
from ipservices.registry import drivers
from ipservices.services import calls


@service
def create(
    *,
    actor: Actor,
    family: str,
    driver_key: str,
    name: str = "",
    settings: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    rules: Mapping[str, list[str]] | None = None,
    position: int = 100,
    deadline_seconds: float = 10.0,
) -> Binding:
    """Set up a server for ``family``. Raises UnknownDriver, or InvalidInput with the wrong fields."""
    require(actor, "ipservices.manage_bindings")

    kind = drivers.find(driver_key)
    if kind is None:
        raise UnknownDriver(fields={"driver_key": [str(UnknownDriver.title)]}, driver=driver_key)
    if family not in kind.capabilities.families:
        raise InvalidInput(fields={"family": [_("This driver does not provide that kind of service.")]})
    cleaned = schema.validate(kind.driver.settings, dict(settings or {}), prefix="settings.")
    sealed = schema.validate(kind.driver.secrets, dict(secrets or {}), prefix="secrets.")
    name = name.strip() or f"{kind.driver.title} ({family})"
    if Binding.objects.filter(name=name).exists():
        raise InvalidInput(fields={"name": [_("There is a server of this name already.")]})

    binding: Binding = Binding.objects.create(
        name=name,
        driver_key=driver_key,
        family=family,
        settings=cleaned,
        rules=dict(rules or {}),
        position=position,
        deadline_seconds=deadline_seconds,
    )
    binding.sealed_secrets = sealing.seal_secrets(binding, sealed)
    binding.save(update_fields=["sealed_secrets"])

    audit.record(
        actor=actor,
        action="binding.created",
        subject=binding,
        after={"driver": driver_key, "family": family, "settings": cleaned, "secrets": sorted(sealed)},
    )
    return binding


@service
def change(
    *,
    actor: Actor,
    binding: Binding,
    settings: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    enabled: bool | None = None,
    position: int | None = None,
) -> Binding:
    """Change what is given; secrets are replaced as a whole. Takes effect with the next call."""
    locked: Binding = Binding.objects.select_for_update().get(pk=binding.pk)

    require(actor, "ipservices.manage_bindings", locked)

    driver = drivers.get(locked.driver_key).driver
    before = {"settings": locked.settings, "enabled": locked.enabled, "position": locked.position}
    if settings is not None:
        locked.settings = schema.validate(driver.settings, dict(settings), prefix="settings.")
    if secrets is not None:
        cleaned = schema.validate(driver.secrets, dict(secrets), prefix="secrets.")
        locked.sealed_secrets = sealing.seal_secrets(locked, cleaned)
    locked.enabled = locked.enabled if enabled is None else enabled
    locked.position = locked.position if position is None else position
    locked.save(update_fields=["settings", "sealed_secrets", "enabled", "position"])

    audit.record(
        actor=actor,
        action="binding.changed",
        subject=locked,
        before=before,
        after={
            "settings": locked.settings,
            "enabled": locked.enabled,
            "position": locked.position,
            "secrets_replaced": secrets is not None,
        },
    )
    return locked


def choose(*, full_kind: str, feature_key: str = "", technology: str = "") -> Binding:
    """The server for a new service: the first enabled one whose rules fit. Raises :class:`NoBinding`."""
    family = full_kind.partition(".")[0]
    for binding in Binding.objects.filter(family=family, enabled=True).order_by("position", "id"):
        kind = drivers.find(binding.driver_key)
        able = kind is not None and full_kind in kind.capabilities.kinds
        if able and binding.fits(kind=full_kind, feature_key=feature_key, technology=technology):
            chosen: Binding = binding
            return chosen
    raise NoBinding(_("No enabled server provides %(kind)s.") % {"kind": full_kind}, kind=full_kind)


def check_health(*, realm_id: int, binding_id: int) -> Health:
    """Look at one server, through its service plane too, and keep the sample. Publishes a change of health."""
    calls.refuse_inside_transaction()
    with scoping.realm_transaction(realm_id, "health check"):
        binding: Binding = Binding.objects.get(pk=binding_id)
        connection = calls.connection_of(binding)
    with calls.open_driver(binding, connection) as driver:
        found = driver.health()
    with scoping.realm_transaction(realm_id, "health check"):
        HealthSample.objects.create(
            binding=binding,
            control=found.control,
            service=found.service,
            detail=found.detail[:2000],
            milliseconds=found.milliseconds,
        )
        changed = Binding.objects.filter(pk=binding_id).exclude(healthy=found.is_good).update(healthy=found.is_good)
        if changed:
            events.publish(BindingHealthChanged(binding_id=binding_id, healthy=found.is_good))
    return found


def read_usage(*, realm_id: int, binding_id: int) -> int:
    """Read what was used since last time and keep it; how many records were written.

    The cursor moves in the transaction that writes the records, so nothing is counted twice or lost.
    """
    calls.refuse_inside_transaction()
    with scoping.realm_transaction(realm_id, "usage"):
        binding: Binding = Binding.objects.get(pk=binding_id)
        connection = calls.connection_of(binding)
    with calls.open_driver(binding, connection) as driver:
        reading = driver.usage(binding.usage_cursor)
    with scoping.realm_transaction(realm_id, "usage"):
        fresh: Binding = Binding.objects.select_for_update().get(pk=binding_id)
        if fresh.usage_cursor != binding.usage_cursor:
            return 0  # another reader was quicker; its records stand
        refs = {sample.service_ref.removeprefix("svc-") for sample in reading.samples}
        known = dict(Service.objects.filter(public_id__in=refs).values_list("public_id", "pk"))
        records = [
            UsageRecord(service_id=known[ref], metric=sample.metric, amount=sample.amount)
            for sample in reading.samples
            if (ref := sample.service_ref.removeprefix("svc-")) in known
        ]
        UsageRecord.objects.bulk_create(records)
        Binding.objects.filter(pk=binding_id).update(usage_cursor=dict(reading.cursor))
    return len(records)
