"""Moving one service from a server to another, step by step, and back.

What the old server holds is kept; the new one is set up and read back, and in the transaction that records it the
service's row is switched; then the old server is cleaned. Every step is written before the next is begun and may be
repeated, so a worker that dies anywhere is succeeded. Going back is the same road: the old server holds exactly what
was kept, the row is switched, the new server is cleaned. What is put between these steps where the object's content
comes along, is in :mod:`carrying`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from boss.core import audit, clock, scoping
from boss.core.actors import Actor
from ipservices import sealing
from ipservices.choices import MoveState, MoveStep, ServiceState
from ipservices.contracts import Conflict, Connection, Desired, Driver, Invalid, Observed, Restriction, Unverified
from ipservices.designers import new_secret
from ipservices.errors import MoveRefused, ServiceChanging
from ipservices.families import kinds
from ipservices.models import Binding, Migration, MigrationItem, Service
from ipservices.registry import drivers
from ipservices.services import calls, establishing
from ipservices.services.calls import Target
from ipservices.services.places import lead_to_one_server

T = TypeVar("T")

IN_USE = (ServiceState.ACTIVE, ServiceState.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Road:
    """Both ends of a migration, with their connections opened once for a turn."""

    actor: Actor
    migration: Migration
    source: Connection
    target: Connection
    is_one_server: bool = False
    # Keeps the migration for so many seconds more; False when it is somebody else's by now.
    prolong: Callable[[float], bool] = lambda _seconds: True

    @staticmethod
    def of(actor: Actor, migration: Migration) -> Road:
        """Call it in a transaction."""
        return Road(actor, migration, calls.connection_of(migration.source), calls.connection_of(migration.target))

    def looked_up(self) -> Road:
        """The same, knowing whether both ends are one server under two names. Resolves names."""
        # Outside any transaction: a resolver may take seconds.
        keys = {self.migration.source.driver_key, self.migration.target.driver_key}
        return replace(self, is_one_server=len(keys) == 1 and lead_to_one_server(keys.pop(), self.source, self.target))


# Looking ahead


@dataclass(frozen=True, slots=True)
class Outlook:
    """What moving a service would do: ``note`` is worth knowing, ``way`` is how its secrets come along, ``carries``
    whether its content does.
    """

    note: str
    way: str
    carries: bool


def check(road: Road, item: MigrationItem) -> Outlook:
    """Whether the service could be moved now, and how.

    Raises :class:`MoveRefused` with the reason, or the drivers' errors. Changes nothing.
    """
    migration = road.migration
    if road.is_one_server:
        raise MoveRefused(_("Both servers are one: their addresses lead to the same place."))
    with scoping.realm_transaction(road.actor.realm_id, road.actor.label):
        row: Service = Service.objects.get(pk=item.service_id)
        desired = calls.desired_of(row)
        secrets = sealing.open_secrets(row)
    refuse_unless_settled(row, migration.source)
    kind = drivers.get(migration.target.driver_key)
    if row.full_kind not in kind.capabilities.kinds:
        raise MoveRefused(_("The new server does not provide this kind of service."))
    try:
        kind.capabilities.nearest(desired.restriction)
    except Invalid:
        raise MoveRefused(_("The new server cannot keep the service shut as it is.")) from None
    known = kinds.find(row.full_kind)
    carries = known is not None and known.has_content and not migration.content_moved
    if carries and (reason := _why_not_carried(road)):
        raise MoveRefused(reason)
    with calls.open_driver(migration.target, road.target) as driver:
        driver.validate(replace(desired, secrets=secrets))
        _refuse_taken(driver, desired)
    with calls.open_driver(migration.source, road.source) as driver:
        held = driver.observe(desired)
        differs = bool(driver.compare(desired, held))
        inside = driver.contents(desired) if carries else {}
    if held is None or held.service_ref != desired.service_ref:
        raise MoveRefused(_("The old server does not hold it; repair that first."))
    notes = [_("The old server differs from what is wanted; the new one will not.")] if differs else []
    if carries:
        notes.append(_in_numbers(inside))
    way = _way_of_secrets(migration, row, secrets)
    if way == "refused":
        raise MoveRefused(_("BOSS does not know its password, and the new server cannot be given it."))
    return Outlook(" ".join(notes), way, carries)


def _why_not_carried(road: Road) -> str:
    """Why what owners have put into the objects cannot come along; empty when it can, there and back."""
    migration = road.migration
    ends = ((migration.source, road.source), (migration.target, road.target))
    ways = {drivers.get(binding.driver_key).capabilities.hands_over for binding, _connection in ends}
    if len(ways) > 1 or not ways.pop():
        return _("What its owner has put there does not come along, and nobody says it was moved.")
    for binding, connection in ends:
        with calls.open_driver(binding, connection) as driver:
            if not driver.taking_address():
                return _("Nothing says where %(server)s takes what is in it, and nobody says that it was moved.") % {
                    "server": binding.name
                }
    return ""


def _in_numbers(inside: Mapping[str, Any]) -> str:
    messages = sum(int(folder.get("messages", 0)) for folder in inside.values())
    megabytes = sum(int(folder.get("octets", 0)) for folder in inside.values()) / 1_000_000
    return ngettext(
        "%(count)d message (%(size).1f MB) comes along.", "%(count)d messages (%(size).1f MB) come along.", messages
    ) % {"count": messages, "size": megabytes}


def _refuse_taken(driver: Driver, desired: Desired) -> None:
    there = driver.observe(desired)
    if there is None:
        return
    if there.service_ref == desired.service_ref:
        raise MoveRefused(_("The new server holds this very service already; are both one server?"))
    raise MoveRefused(_("The name is taken at the new server."))


def refuse_unless_settled(row: Service, source: Binding) -> None:
    if row.state not in IN_USE or row.binding_id != source.pk:
        raise MoveRefused(_("The service is not in use at the old server any more."))
    if row.is_behind or row.asked:
        raise ServiceChanging


def _way_of_secrets(migration: Migration, row: Service, secrets: dict[str, str]) -> str:
    """How the service's secrets reach the new server: none, known, as kept by the old one, renewed, or refused."""
    kind = kinds.find(row.full_kind)
    # A router without a wireless network of its own has no key for it.
    needed = [name for name in (kind.secrets if kind else ()) if name != "wifi_key" or row.desired.get("ssid")]
    if not needed:
        return "none"
    if all(secrets.get(name) for name in needed):
        return "known"
    if migration.source.driver_key == migration.target.driver_key:
        return "kept"
    return "renewed" if migration.renew_secrets else "refused"


# There


def move(road: Road, item: MigrationItem) -> None:
    """Take the move on from where it is to its end. Raises what stands in the way; what was done stands."""
    if item.step == MoveStep.KEPT:
        set_up(road, item)
    if item.step == MoveStep.SWITCHED:
        clean(road, item, road.migration.source, road.source, MoveStep.REMOVED)
    make_sure(road, item)
    settle(road, item, MoveState.DONE)


def keep(road: Road, item: MigrationItem) -> None:
    """Look at both ends: the new one is free, the old one's picture is kept."""
    outlook = check(road, item)
    with scoping.realm_transaction(road.actor.realm_id, road.actor.label):
        row: Service = Service.objects.get(pk=item.service_id)
        desired = calls.desired_of(row)
    with calls.open_driver(road.migration.source, road.source) as driver:
        held = driver.observe(desired)
    if held is None:
        raise MoveRefused(_("The old server does not hold it; repair that first."))
    with scoping.realm_transaction(road.actor.realm_id, road.actor.label):
        item.sealed_former, item.carries = sealing.seal_held(item, held), outlook.carries
        item.revision = row.revision
        step(item, MoveStep.KEPT)


def set_up(road: Road, item: MigrationItem, *, shut: bool = False, switch: bool = True) -> None:
    """Set it up at the new server, ``shut`` to everybody or as it is, and switch the service's row to it.

    With ``switch`` unset the service stays where it is. One whose content was copied is switched only if nobody has
    changed it since it was shut. Raises :class:`ServiceChanging`.
    """
    migration = road.migration
    kept = former(item)
    if shut:
        kept = replace(kept, restriction=Restriction.BLOCKED)

    def prepare() -> Target:
        row: Service = Service.objects.select_for_update(of=("self",)).get(pk=item.service_id)
        refuse_unless_settled(row, migration.source)
        secrets = sealing.open_secrets(row)
        if _way_of_secrets(migration, row, secrets) == "renewed":
            secrets = _renew(item, row, secrets)
        desired = replace(calls.desired_of(row), secrets=secrets, attributes=_attributes(migration, row, kept))
        if shut:
            desired = replace(desired, restriction=Restriction.BLOCKED)
        return Target(row, migration.target, desired, road.target)

    def act(driver: Driver, target: Target) -> Observed:
        if not target.desired.secrets and migration.source.driver_key == migration.target.driver_key:
            # Passwords only the old server knows come along in its own picture of the object.
            driver.restore(target.desired, kept, key=f"{item.key}:{target.desired.service_ref}")
        observed = driver.establish(target.desired, key=f"{item.key}:{target.desired.service_ref}")
        ask_the_service(driver, target.desired)
        return observed

    def after(target: Target, observed: Observed) -> None:
        if not switch:
            return
        row: Service = Service.objects.select_for_update(of=("self",)).get(pk=item.service_id)
        if row.revision != target.row.revision or row.binding_id != migration.source_id or row.asked:
            raise ServiceChanging
        if item.carries and row.revision != item.revision:
            raise ServiceChanging  # it may have been open meanwhile
        row.binding = migration.target
        row.observed, row.observed_at, row.drift = establishing.shown(observed), clock.now(), []
        row.save()
        item.revision = row.revision
        step(item, MoveStep.SWITCHED)
        _tell(road, row, migration.source, migration.target)

    perform(road, item, prepare, "establish", act, after)


def _attributes(migration: Migration, row: Service, former: Observed) -> dict[str, object]:
    """What is wanted and, between servers of one product, what else the old one held of it."""
    kind = kinds.find(row.full_kind)
    if kind is None or migration.source.driver_key != migration.target.driver_key:
        return dict(row.desired)
    free = {key: former.attributes[key] for key in kind.optional if former.attributes.get(key) is not None}
    return {**free, **row.desired}


def _renew(item: MigrationItem, row: Service, secrets: dict[str, str]) -> dict[str, str]:
    """A new password, written before it is sent, so that every attempt sends the same."""
    kind = kinds.get(row.full_kind)
    fresh = {**secrets, **{name: new_secret() for name in kind.secrets if not secrets.get(name)}}
    row.sealed_secrets = sealing.seal_secrets(row, fresh)
    row.save(update_fields=["sealed_secrets"])
    item.renewed, item.note = True, _("It has a new password.")
    item.save(update_fields=["renewed", "note", "changed_at"])
    return fresh


def ask_the_service(driver: Driver, desired: Desired) -> None:
    """Whether a subscriber gets through at the new server, where the driver can tell."""
    if desired.restriction is not Restriction.NONE or desired.switched_off:
        return
    if driver.gets_through(desired) is False:
        raise Unverified(f"{desired.name} is set up, and a subscriber does not get through to it", name=desired.name)


def make_sure(road: Road, item: MigrationItem) -> None:
    """After the old server was cleaned the new one still holds the service; else it is put back at once."""
    with scoping.realm_transaction(road.actor.realm_id, road.actor.label):
        desired = calls.desired_of(Service.objects.get(pk=item.service_id))
    with calls.open_driver(road.migration.target, road.target) as driver:
        held = driver.observe(desired)
    if held is None or held.service_ref != desired.service_ref:
        raise Conflict("it is gone from the new server since it was taken off the old one; are both one server?")


# Back


def go_back(road: Road, item: MigrationItem) -> None:
    """Take the way back from where it is: the old server holds exactly what it held, the new one nothing of it."""
    if item.step in (MoveStep.SWITCHED, MoveStep.REMOVED):
        restore_and_switch(road, item)
    if item.step in (MoveStep.KEPT, MoveStep.BACK):
        clean(road, item, road.migration.target, road.target, MoveStep.NOTHING)
    settle(road, item, MoveState.RETURNED)


def restore_and_switch(road: Road, item: MigrationItem, *, shut_at: int | None = None) -> None:
    """Put back at the old server what it held, and switch the service's row to it.

    ``shut_at``: it stays shut there, and is switched only if it has this revision still.
    """
    migration = road.migration
    kept = former(item)
    if shut_at is not None:
        kept = replace(kept, restriction=Restriction.BLOCKED)

    def prepare() -> Target:
        row: Service = Service.objects.select_for_update(of=("self",)).get(pk=item.service_id)
        if row.state not in IN_USE or row.binding_id != migration.target_id:
            raise MoveRefused(_("The service is not in use at the new server any more."))
        return Target(row, migration.source, replace(calls.desired_of(row), secrets={}), road.source)

    def act(driver: Driver, target: Target) -> Observed | None:
        return driver.restore(target.desired, kept, key=f"{item.key}-back:{target.desired.service_ref}")

    def after(target: Target, observed: Observed | None) -> None:
        row: Service = Service.objects.select_for_update(of=("self",)).get(pk=item.service_id)
        if row.revision != target.row.revision or shut_at not in (None, row.revision):
            raise ServiceChanging
        row.binding = migration.source
        row.observed = None if observed is None else establishing.shown(observed)
        row.observed_at = clock.now()
        if item.renewed:
            row.sealed_secrets = ""
        if row.revision != item.revision:
            row.revision += 1  # changed since it was moved: whoever sweeps brings the old server up to that
        row.save()
        step(item, MoveStep.BACK)
        _tell(road, row, migration.target, migration.source)

    perform(road, item, prepare, "restore", act, after)


# Both ways


def clean(road: Road, item: MigrationItem, binding: Binding, connection: Connection, then: MoveStep) -> None:
    """Take the object off the server that the service does not live at."""
    if road.is_one_server:
        # Somebody changed an address in the middle of it.
        raise Conflict("both servers are one by now, and the service is at it; nothing is taken away")

    def prepare() -> Target:
        row: Service = Service.objects.select_for_update(of=("self",)).get(pk=item.service_id)
        if row.binding_id == binding.pk and row.state != ServiceState.TERMINATED:
            raise Conflict("the service lives at the server it was to be taken off", name=row.name)
        return Target(row, binding, replace(calls.desired_of(row), secrets={}), connection)

    def act(driver: Driver, target: Target) -> None:
        there = driver.observe(target.desired)
        if there is not None and there.service_ref == target.desired.service_ref:
            driver.take_away(target.desired, key=f"{item.key}-clean:{target.desired.service_ref}")

    perform(road, item, prepare, "remove", act, lambda _target, _nothing: step(item, then))


def perform(
    road: Road,
    item: MigrationItem,
    prepare: Callable[[], Target],
    operation: str,
    act: Callable[[Driver, Target], T],
    after: Callable[[Target, T], None],
) -> None:
    calls.perform(
        prepare,
        actor=road.actor,
        operation=lambda _target: operation,
        key=item.key,
        act=act,
        after=after,
        attempt=item.tries + 1,
    )


def former(item: MigrationItem) -> Observed:
    former = sealing.open_held(item)
    if former is None:
        raise MoveRefused(_("Nothing was kept of the old server."))
    return former


def step(item: MigrationItem, step: MoveStep) -> None:
    """Write how far it is, in the transaction of what was done."""
    item.step = step
    item.save(update_fields=["step", "revision", "sealed_former", "carries", "changed_at"])


def settle(road: Road, item: MigrationItem, state: MoveState) -> None:
    with scoping.realm_transaction(road.actor.realm_id, road.actor.label):
        item.state, item.reason = state, ""
        item.save(update_fields=["state", "reason", "changed_at"])


def _tell(road: Road, row: Service, here: Binding, there: Binding) -> None:
    audit.record(
        actor=road.actor,
        action="service.moved",
        subject=row,
        before={"server": here.name},
        after={"server": there.name},
    )
