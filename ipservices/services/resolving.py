"""What a run does about a finding at the server. Every step is transaction, call, transaction, and can be undone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit, clock, scoping
from boss.core.actors import Actor
from ipservices import sealing
from ipservices.choices import FindingKind, ServiceState
from ipservices.contracts import Conflict, Driver, Observed
from ipservices.errors import FindingChanged, NothingToDo
from ipservices.models import Finding, Service
from ipservices.services import calls, design, establishing
from ipservices.services.calls import Target
from ipservices.services.findings import heir_of, lives, moved_away
from ipservices.services.strays import living_elsewhere, stub
from subscribers.models import Subscription


def repair(*, actor: Actor, finding_id: int, key: str, attempt: int = 1) -> str:
    """Bring the server to what BOSS wants; the object's name. Idempotent under ``key``."""
    finding = _finding(actor, finding_id)
    if finding.kind == FindingKind.ORPHAN:
        _keep_key(actor, finding, key)
        _remove_stray(actor, finding, key, attempt)
        return finding.name
    service_id = _service_id(finding)
    if finding.kind == FindingKind.UNSOLD:
        _keep_key(actor, finding, key)
        establishing.take_down(actor=actor, service_id=service_id, key=key, attempt=attempt)
        return finding.name
    # Before the row changes, so that what is kept for undo is the row as it was.
    establishing.keep_former(actor=actor, service_id=service_id, key=key)
    _keep_key(actor, finding, key)
    with scoping.realm_transaction(actor.realm_id, actor.label):
        row: Service = Service.objects.select_for_update(of=("self",)).get(pk=service_id)
        if row.state not in (ServiceState.ACTIVE, ServiceState.SUSPENDED):
            raise FindingChanged(_("%(service)s is not in service.") % {"service": row})
        if finding.kind == FindingKind.OUTDATED:
            subscription = Subscription.objects.select_related("account", "site").get(pk=row.subscription_id)
            design.adapt(actor=actor, service=row, wanted=design.wanted(subscription))
        elif finding.kind == FindingKind.MISSING and not row.is_behind:
            # A new revision: what is made anew needs its secrets, too.
            row.revision += 1
            row.save(update_fields=["revision"])
    establishing.bring_up(actor=actor, service_id=service_id, key=key, attempt=attempt)
    return finding.name


def adopt(*, actor: Actor, finding_id: int, key: str, attempt: int = 1) -> str:
    """Take over what the server holds; the object's name. Raises :class:`FindingChanged` when it is another now."""
    finding = _finding(actor, finding_id)
    if finding.kind == FindingKind.ORPHAN:
        _hand_over(actor, finding, key, attempt)
        return finding.name
    service_id = _service_id(finding)
    if _is_adopted(actor, service_id, key):
        return finding.name
    establishing.keep_former(actor=actor, service_id=service_id, key=key)
    _keep_key(actor, finding, key)
    values: dict[str, Any] = {one["field"]: one["found"] for one in finding.differences}

    def prepare() -> Target:
        row: Service = Service.objects.select_for_update(of=("self",)).get(pk=service_id)
        if row.state not in (ServiceState.ACTIVE, ServiceState.SUSPENDED) or row.is_behind:
            raise FindingChanged
        target = calls.target_of(row)
        merged = {**target.desired.attributes, **values}
        kept = {name: value for name, value in merged.items() if value is not None}
        return replace(target, desired=replace(target.desired, attributes=kept))

    def act(driver: Driver, target: Target) -> Observed:
        driver.validate(target.desired)
        observed = driver.observe(target.desired)
        if observed is None or driver.compare(target.desired, observed):
            raise FindingChanged(name=finding.name)
        return observed

    def after(target: Target, observed: Observed) -> None:
        row: Service = Service.objects.select_for_update(of=("self",)).get(pk=service_id)
        if row.revision != target.row.revision:
            raise FindingChanged(name=finding.name)
        before = {name: row.desired.get(name) for name in values}
        row.desired = dict(target.desired.attributes)
        row.revision += 1
        row.applied_revision = row.revision  # the server holds it already
        row.observed, row.observed_at, row.drift = establishing.shown(observed), clock.now(), []
        row.save()
        audit.record(actor=actor, action="service.changed", subject=row, before=before, after=values)

    calls.perform(
        prepare, actor=actor, operation=lambda _target: "observe", key=key, act=act, after=after, attempt=attempt
    )
    return finding.name


def put_back(*, actor: Actor, finding_id: int, former_key: str, key: str, attempt: int = 1) -> list[str]:
    """Undo what was done under ``former_key``: the names of what is as it was. Content when there is nothing."""
    finding = _finding(actor, finding_id)
    names = establishing.put_back(actor=actor, former_key=former_key, key=key, attempt=attempt)
    if finding.sealed_former and finding.former_key == former_key:
        _restore_stray(actor, finding, key, attempt)
        names.append(finding.name)
    return names


def former_key_of(*, actor: Actor, finding_id: int) -> str:
    """The key of what was last done about a finding."""
    return _finding(actor, finding_id).former_key


def _finding(actor: Actor, finding_id: int) -> Finding:
    with scoping.realm_transaction(actor.realm_id, actor.label):
        finding: Finding = Finding.objects.select_related("binding", "service").get(pk=finding_id)
        return finding


def _service_id(finding: Finding) -> int:
    if finding.service_id is None:
        raise NothingToDo(finding=finding.public_id)
    return finding.service_id


def _keep_key(actor: Actor, finding: Finding, key: str) -> None:
    """Note under which key it is being done, for putting it back later."""
    with scoping.realm_transaction(actor.realm_id, actor.label):
        Finding.objects.filter(pk=finding.pk).update(former_key=key[:200])
    finding.former_key = key[:200]


def _is_adopted(actor: Actor, service_id: int, key: str) -> bool:
    """Whether an earlier attempt got through to its record; its call says so, in the transaction of the change."""
    with scoping.realm_transaction(actor.realm_id, actor.label):
        made = Service.objects.get(pk=service_id).calls.filter(key=key[:200], operation="observe", outcome="done")  # type: ignore[attr-defined]
        return bool(made.exists())


# What no service stands for


def _stray_target(finding: Finding) -> Target:
    """The object left over, as something to be looked up and taken away; call it in a transaction."""
    row = finding.service
    desired = stub(finding.service_ref, finding.full_kind, finding.name, None if row is None else row.desired)
    return Target(row, finding.binding, desired, calls.connection_of(finding.binding))


def _remove_stray(actor: Actor, finding: Finding, key: str, attempt: int) -> None:
    with scoping.realm_transaction(actor.realm_id, actor.label):
        stayed_behind = moved_away(finding)
    if not stayed_behind and living_elsewhere({finding.service_ref.removeprefix("svc-")}):
        raise Conflict("a living service has this id", name=finding.name)

    def prepare() -> Target:
        if lives(finding) and not moved_away(finding):
            raise Conflict("a living service has this id", name=finding.name)
        return _stray_target(finding)

    def act(driver: Driver, target: Target) -> None:
        present = driver.observe(target.desired)
        if present is not None and present.service_ref == target.desired.service_ref:
            _keep_stray(actor, finding, present)
        driver.take_away(target.desired, key=f"{key}:{target.desired.service_ref}")

    calls.perform(
        prepare,
        actor=actor,
        operation=lambda _target: "remove",
        key=key,
        act=act,
        after=lambda _target, _nothing: None,
        attempt=attempt,
    )


def _keep_stray(actor: Actor, finding: Finding, present: Observed) -> None:
    """Keep what is there before the first attempt takes it away; a later one would find less."""
    with scoping.realm_transaction(actor.realm_id, actor.label):
        row: Finding = Finding.objects.select_for_update(of=("self",)).get(pk=finding.pk)
        if not row.sealed_former:
            row.sealed_former = sealing.seal_held(row, present)
            row.save(update_fields=["sealed_former"])


def _restore_stray(actor: Actor, finding: Finding, key: str, attempt: int) -> None:
    former = sealing.open_held(finding)
    if former is None:
        return

    def after(_target: Target, _observed: Observed | None) -> None:
        Finding.objects.filter(pk=finding.pk).update(sealed_former="", former_key="")

    calls.perform(
        lambda: _stray_target(finding),
        actor=actor,
        operation=lambda _target: "restore",
        key=key,
        act=lambda driver, target: driver.restore(target.desired, former, key=f"{key}:{target.desired.service_ref}"),
        after=after,
        attempt=attempt,
    )


def _hand_over(actor: Actor, finding: Finding, key: str, attempt: int) -> None:
    """Make the object anew under the id of the service that has its name, with what the server held of it."""
    with scoping.realm_transaction(actor.realm_id, actor.label):
        heir = heir_of(finding)
    if heir is None:
        raise FindingChanged(name=finding.name)
    _keep_key(actor, finding, key)
    _remove_stray(actor, finding, key, attempt)
    establishing.bring_up(actor=actor, service_id=heir.pk, key=key, attempt=attempt)
