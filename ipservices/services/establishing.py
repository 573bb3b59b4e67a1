"""Bringing servers to what services desire, one service at a time, outside any transaction.

Every step is transaction, call, transaction. Before the first change under a key, what the server held and what the
row said is kept (:class:`FormerState`), so that :func:`put_back` restores exactly that, or removes where nothing was.
"""

from __future__ import annotations

from collections.abc import Callable

from boss.core import audit, clock, events, scoping
from boss.core.actors import Actor
from ipservices import sealing
from ipservices.choices import NumberState, ServiceState
from ipservices.contracts import Driver, Observed, Restriction
from ipservices.events import ServiceActivated
from ipservices.models import FormerState, Service
from ipservices.models.services import row_picture
from ipservices.services import bindings, calls, numbers
from ipservices.services.calls import Target
from ipservices.services.design import end, fill_in


def bring_up(*, actor: Actor, service_id: int, key: str, attempt: int = 1, keep_former: bool = True) -> Observed:
    """Make the server hold what the service desires, activate the row when it was only planned.

    Idempotent: what is already as desired costs one reading. Without ``keep_former`` it cannot be put back.
    Raises the driver's typed errors, NotDesigned, NoBinding.
    """

    def act(driver: Driver, target: Target) -> Observed:
        driver.validate(target.desired)
        present = driver.observe(target.desired)
        if keep_former:
            _keep_former(target, key, present)
        return driver.establish_from(present, target.desired, key=f"{key}:{target.desired.service_ref}")

    def after(target: Target, observed: Observed) -> None:
        row = _note_observed(target, observed)
        if row.state in (ServiceState.DESIGNED, ServiceState.RESERVED):
            before = row.state
            row.activate()
            row.activated_at = row.activated_at or clock.now()
            row.asked = ""
            _put_numbers_in_service(actor, row)
            audit.record(
                actor=actor,
                action="service.activated",
                subject=row,
                before={"state": before},
                after={"state": row.state, "server": target.binding.name},
            )
            events.publish(ServiceActivated(service_id=row.pk))
        row.save()

    return calls.perform(
        lambda: _prepare(service_id, fill=True),
        actor=actor,
        operation=_operation,
        key=key,
        act=act,
        after=after,
        attempt=attempt,
    )


def take_down(*, actor: Actor, service_id: int, key: str, attempt: int = 1, keep_former: bool = True) -> None:
    """Remove the service from its server, make sure it is gone, and end the row."""

    def act(driver: Driver, target: Target) -> None:
        if keep_former:
            _keep_former(target, key, driver.observe(target.desired))
        driver.take_away(target.desired, key=f"{key}:{target.desired.service_ref}")

    def after(_target: Target, _nothing: None) -> None:
        row: Service = Service.objects.select_for_update(of=("self",)).get(pk=service_id)
        row.observed, row.observed_at, row.drift, row.asked = None, clock.now(), [], ""
        if row.state != ServiceState.TERMINATED:
            end(actor=actor, service=row)

    calls.perform(
        lambda: _prepare(service_id, fill=False),
        actor=actor,
        operation=lambda _target: "remove",
        key=key,
        act=act,
        after=after,
        attempt=attempt,
    )


def keep_former(*, actor: Actor, service_id: int, key: str) -> None:
    """Keep what the server holds and the row says, before a handler changes the row. Once per key."""
    calls.refuse_inside_transaction()
    with scoping.realm_transaction(actor.realm_id, actor.label):
        target = _prepare(service_id, fill=False)
    with calls.open_driver(target.binding, target.connection) as driver:
        _keep_former(target, key, driver.observe(target.desired))


def put_back(*, actor: Actor, former_key: str, key: str, attempt: int = 1) -> list[str]:
    """Undo everything done under ``former_key``, newest first; the names of what was put back.

    Only what that key touched is restored, and only once; asking again does nothing.
    """
    with scoping.realm_transaction(actor.realm_id, actor.label):
        rows = FormerState.objects.filter(key=former_key, restored_at=None).select_related("service")
        kept = list(rows.order_by("-id"))
    for former in kept:
        _put_back_one(actor, former, key, attempt)
    return [str(former.service) for former in kept]


def observe(*, actor: Actor, service_id: int) -> Observed | None:
    """Read the service back from its server and keep what was found, with the drift. Changes nothing there."""

    def act(driver: Driver, target: Target) -> Observed | None:
        return driver.observe(target.desired)

    def after(target: Target, observed: Observed | None) -> None:
        _note_observed(target, observed).save()

    return calls.perform(
        lambda: _prepare(service_id, fill=False),
        actor=actor,
        operation=lambda _target: "observe",
        key="",
        act=act,
        after=after,
    )


def _put_back_one(actor: Actor, former: FormerState, key: str, attempt: int) -> None:
    service_id = former.service_id

    def act(driver: Driver, target: Target) -> Observed | None:
        before = sealing.open_observed(former)
        return driver.restore(target.desired, before, key=f"{key}:{target.desired.service_ref}")

    def after(_target: Target, observed: Observed | None) -> None:
        row: Service = Service.objects.select_for_update(of=("self",)).get(pk=service_id)
        left = row.state
        _restore_row(row, former)
        row.observed = None if observed is None else shown(observed)
        row.observed_at = clock.now()
        row.save()
        _return_numbers(row)
        FormerState.objects.filter(pk=former.pk).update(restored_at=clock.now())
        audit.record(
            actor=actor, action="service.put_back", subject=row, before={"state": left}, after={"state": row.state}
        )

    calls.perform(
        lambda: _prepare(service_id, fill=False),
        actor=actor,
        operation=lambda _target: "restore",
        key=key,
        act=act,
        after=after,
        attempt=attempt,
    )


def _prepare(service_id: int, *, fill: bool) -> Target:
    """Read (and complete) what is wanted, in the caller's short transaction."""
    row: Service = Service.objects.select_for_update(of=("self",)).select_related("site", "binding").get(pk=service_id)
    changed = fill and row.state in (ServiceState.DESIGNED, ServiceState.RESERVED) and fill_in(row)
    if row.binding_id is None:
        row.binding = bindings.choose(
            full_kind=row.full_kind, feature_key=row.feature_key, technology=row.site.technology
        )
        changed = True
    if changed:
        row.save()
    return calls.target_of(row)


def _keep_former(target: Target, key: str, observed: Observed | None) -> None:
    """Keep what is there now, unless an earlier attempt under this key already did."""
    service = target.row
    if observed is not None and observed.service_ref != target.desired.service_ref:
        return  # somebody else's: establish refuses it, so there will be nothing to put back
    with scoping.realm_transaction(service.realm_id, "driver"):
        kept = FormerState(
            service=service,
            key=key,
            sealed_observed=sealing.seal_observed(service, key, observed),
            row=row_picture(service),
        )
        FormerState.objects.bulk_create([kept], ignore_conflicts=True)


def _operation(target: Target) -> str:
    if target.row.applied_revision == 0:
        return "establish"
    if target.desired.restriction is not Restriction.NONE:
        return "restrict"
    observed = target.row.observed or {}
    return "open" if observed.get("restriction", "none") != "none" else "change"


def _note_observed(target: Target, observed: Observed | None) -> Service:
    """Put what was read back onto the row, with its drift from the state asked for in this call. The caller saves."""
    row: Service = Service.objects.select_for_update(of=("self",)).get(pk=target.row.pk)
    with calls.open_driver(target.binding, target.connection) as driver:
        differences = driver.compare(target.desired, observed)
    row.observed = None if observed is None else shown(observed)
    row.observed_at = clock.now()
    row.drift = [
        {"field": difference.field, "wanted": difference.wanted, "found": difference.found}
        for difference in differences
    ]
    if not differences:
        row.applied_revision = max(row.applied_revision, target.row.revision)
    return row


def shown(observed: Observed) -> dict[str, object]:
    """What was read back, without the native picture (it may hold password hashes)."""
    kept = observed.as_json()
    del kept["native"]
    return kept


def _restore_row(row: Service, former: FormerState) -> None:
    """The row as it was before: the same attributes, reached by named transitions."""
    picture = former.row
    row.desired = picture["desired"]
    row.sealed_secrets = picture.get("sealed_secrets", row.sealed_secrets)
    row.switched_off = picture["switched_off"]
    row.restriction = picture["restriction"]
    row.restriction_reason = picture["restriction_reason"]
    row.drift = picture["drift"]
    row.asked = picture["asked"]
    row.revision += 1
    _walk_back(row, picture["state"])
    in_service = picture["state"] in (ServiceState.ACTIVE, ServiceState.SUSPENDED)
    row.applied_revision = row.revision if in_service else 0


def _walk_back(row: Service, wanted: str) -> None:
    steps: dict[tuple[str, str], list[Callable[[], None]]] = {
        (ServiceState.ACTIVE, ServiceState.DESIGNED): [row.withdraw],
        (ServiceState.SUSPENDED, ServiceState.DESIGNED): [row.withdraw],
        (ServiceState.ACTIVE, ServiceState.RESERVED): [row.withdraw, row.reserve],
        (ServiceState.SUSPENDED, ServiceState.RESERVED): [row.withdraw, row.reserve],
        (ServiceState.ACTIVE, ServiceState.SUSPENDED): [row.suspend],
        (ServiceState.SUSPENDED, ServiceState.ACTIVE): [row.resume],
        (ServiceState.TERMINATED, ServiceState.ACTIVE): [row.reinstate],
        (ServiceState.TERMINATED, ServiceState.SUSPENDED): [row.reinstate, row.suspend],
    }
    for step in steps.get((row.state, wanted), []):
        step()
    if wanted != ServiceState.TERMINATED:
        row.terminated_at = None


def _put_numbers_in_service(actor: Actor, row: Service) -> None:
    for number in row.numbers.all():  # type: ignore[attr-defined]
        numbers.put_in_service(actor=actor, number=number)


def _return_numbers(row: Service) -> None:
    """A line that is only planned again has its number set aside, not in service."""
    if row.state in (ServiceState.DESIGNED, ServiceState.RESERVED):
        for number in row.numbers.select_for_update().filter(state=NumberState.ASSIGNED):  # type: ignore[attr-defined]
            number.unassign()
            number.save()
