"""Servers a realm provisions on: setting them up, choosing one, watching them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit, events, schema, scoping
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ipservices import sealing
from ipservices.choices import Placement
from ipservices.contracts import DriverError, Health
from ipservices.errors import NoBinding, UnknownDriver
from ipservices.events import BindingHealthChanged
from ipservices.models import Binding, BindingNode, HealthSample, Service, UsageRecord
from ipservices.registry import drivers
from ipservices.services import calls, networks

MOST_NODES = 20


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
    placement: str = Placement.ON_SITE,
    nodes: Sequence[Mapping[str, Any]] = (),
) -> Binding:
    """Set up a server for ``family``. Raises UnknownDriver, or InvalidInput with the wrong fields.

    ``nodes``, in the order to try them, are {name, settings}: what is set in place of the binding's for that machine.
    """
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
        placement=_placement(placement),
    )
    binding.sealed_secrets = sealing.seal_secrets(binding, sealed)
    binding.save(update_fields=["sealed_secrets"])
    _set_nodes(binding, nodes)
    networks.changed(binding.realm_id)

    audit.record(
        actor=actor,
        action="binding.created",
        subject=binding,
        after={
            "driver": driver_key,
            "family": family,
            "settings": cleaned,
            "secrets": sorted(sealed),
            "nodes": [node["name"] for node in nodes],
        },
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
    rules: Mapping[str, list[str]] | None = None,
    deadline_seconds: float | None = None,
    placement: str | None = None,
    nodes: Sequence[Mapping[str, Any]] | None = None,
) -> Binding:
    """Change what is given; secrets and nodes are replaced as a whole. Takes effect with the next call."""
    locked: Binding = Binding.objects.select_for_update().get(pk=binding.pk)

    require(actor, "ipservices.manage_bindings", locked)

    driver = drivers.get(locked.driver_key).driver
    before = _picture(locked)
    if settings is not None:
        locked.settings = schema.validate(driver.settings, dict(settings), prefix="settings.")
    if secrets is not None:
        cleaned = schema.validate(driver.secrets, dict(secrets), prefix="secrets.")
        locked.sealed_secrets = sealing.seal_secrets(locked, cleaned)
    locked.enabled = locked.enabled if enabled is None else enabled
    locked.position = locked.position if position is None else position
    locked.rules = locked.rules if rules is None else dict(rules)
    locked.deadline_seconds = locked.deadline_seconds if deadline_seconds is None else deadline_seconds
    locked.placement = locked.placement if placement is None else _placement(placement)
    locked.save()
    if nodes is not None:
        _set_nodes(locked, nodes)
    networks.changed(locked.realm_id)

    after = _picture(locked) | {"secrets_replaced": secrets is not None}
    audit.record(actor=actor, action="binding.changed", subject=locked, before=before, after=after)
    return locked


def _picture(binding: Binding) -> dict[str, Any]:
    """What the audit trail keeps of a binding: all but its secrets."""
    names = ("settings", "enabled", "position", "rules", "deadline_seconds", "placement")
    nodes = [{"name": node.name, "settings": node.settings} for node in BindingNode.objects.filter(binding=binding)]
    return {name: getattr(binding, name) for name in names} | {"nodes": nodes}


def _placement(given: str) -> str:
    if given not in Placement.values:
        raise InvalidInput(fields={"placement": [_("Choose where the server is.")]})
    return given


def _set_nodes(binding: Binding, nodes: Sequence[Mapping[str, Any]]) -> None:
    """Put ``nodes`` in place of those there are; what is known of the health of one that stays is kept."""
    driver = drivers.get(binding.driver_key).driver
    if len(nodes) > MOST_NODES:
        raise InvalidInput(fields={"nodes": [_("At most %(n)s nodes.") % {"n": MOST_NODES}]})
    known = {node.name: node for node in BindingNode.objects.filter(binding=binding)}
    wanted: list[BindingNode] = []
    for position, given in enumerate(nodes, start=1):
        name = str(given.get("name") or "").strip()[:80] or str(position)
        own = dict(given.get("settings") or {})
        strangers = sorted(set(own) - {one.key for one in driver.settings})
        if strangers or not own:
            words = ", ".join(strangers) or "–"
            raise InvalidInput(fields={"nodes": [_("%(node)s: no such settings: %(names)s.")
                                                 % {"node": name, "names": words}]})  # fmt: skip
        if any(one.name == name for one in wanted):
            raise InvalidInput(fields={"nodes": [_("Two nodes are called %(name)s.") % {"name": name}]})
        whole = schema.validate(driver.settings, {**binding.settings, **own}, prefix=f"nodes.{name}.")
        own = {key: whole[key] for key in own if key in whole}
        earlier = known.get(name)
        same = earlier is not None and earlier.settings == own
        wanted.append(
            BindingNode(
                binding=binding, position=position, name=name, settings=own,
                failed_at=earlier.failed_at if earlier is not None and same else None,
                detail=earlier.detail if earlier is not None and same else "",
            )
        )  # fmt: skip
    BindingNode.objects.filter(binding=binding).delete()
    BindingNode.objects.bulk_create(wanted)


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
    """Look at one server, through its service plane too, and keep the sample. Publishes a change of health.

    Every node is looked at: one that answers again takes its place again. The server is well if one of them is.
    """
    calls.refuse_inside_transaction()
    with scoping.realm_transaction(realm_id, "health check"):
        binding: Binding = Binding.objects.get(pk=binding_id)
        roads = calls.roads_of(binding)
    looks = [(road, _look(binding, road)) for road in roads]
    found = _together(looks)
    failed = {road.node.pk: health.detail for road, health in looks if road.node and not health.is_good}
    with scoping.realm_transaction(realm_id, "health check"):
        calls.note_nodes(roads, failed)
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


def _together(looks: Sequence[tuple[calls.Road, Health]]) -> Health:
    """A server of several nodes is well if one of them is; the detail names those that are not."""
    found = next((health for _road, health in looks if health.is_good), looks[0][1])
    if all(health.is_good for _road, health in looks):
        return found
    words = [f"{road.node}: {health.detail or 'OK'}" if road.node else health.detail for road, health in looks]
    return replace(found, detail="; ".join(words))


def _look(binding: Binding, road: calls.Road) -> Health:
    """One look. A driver that cannot even be made of the settings (a network it may not reach) is not healthy.

    Over connections of its own: that an earlier one still works does not say that the server lets BOSS in.
    """
    try:
        with calls.open_driver(binding, replace(road.connection, may_be_kept=False)) as driver:
            return driver.health()
    except DriverError as error:
        return Health(False, False, str(error))


def look(*, binding: Binding) -> Health:
    """Look at a server without keeping anything; every node in turn.

    Servers may take their time: the request's transaction is committed before and a new one is opened after it.
    """
    roads = calls.roads_of(binding)
    with scoping.between_transactions():
        looks = [(road, _look(binding, road)) for road in roads]
    return _together(looks)


@service
def test(*, actor: Actor, binding: Binding) -> None:
    """Have it on record that ``actor`` tries a server; :func:`look` then does it."""
    require(actor, "ipservices.manage_bindings", binding)
    audit.record(actor=actor, action="binding.tested", subject=binding, after={"server": binding.name})


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
        driver.purge()
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
