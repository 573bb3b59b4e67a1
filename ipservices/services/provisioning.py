"""The verbs of a service's life for people and programs: they change what is desired and let a worker do the rest.

Nothing leaves the process inside these transactions: after commit a worker is woken, which brings the server to the
desired state (``establishing``). A lost wake-up only delays until the sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from boss.core import audit, events, scoping
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service as transactional
from ipservices.choices import AskedChange, ServiceState
from ipservices.contracts import Restriction
from ipservices.errors import ServiceWrongState
from ipservices.events import ServiceResumed, ServiceSuspended
from ipservices.families import kinds
from ipservices.models import Service

# Set by ``apps``: wakes a worker for (realm, service); the sweep finds what was not woken.
wake: list[Callable[[int, int], None]] = []


@transactional
def activate(*, actor: Actor, service: Service) -> Service:
    """Ask for a planned service to be set up at its server. Nothing happens when it already is in service."""
    row = _lock(service)

    require(actor, "ipservices.change_service", row)

    if row.state not in (ServiceState.DESIGNED, ServiceState.RESERVED) or row.asked:
        return row

    row.asked = AskedChange.ACTIVATE
    row.save()

    audit.record(actor=actor, action="service.activation_asked", subject=row)
    _wake(row)
    return row


@transactional
def suspend(*, actor: Actor, service: Service, restriction: str = Restriction.BLOCKED, reason: str = "") -> Service:
    """Restrict a service in use. The owner's own switches stay untouched. Suspending again changes the level."""
    row = _lock(service)

    require(actor, "ipservices.change_service", row)

    try:
        level = Restriction(restriction)
    except ValueError:
        level = Restriction.NONE
    if level is Restriction.NONE:
        raise InvalidInput(fields={"restriction": [_("Choose how much is to be shut.")]})
    if row.state not in (ServiceState.ACTIVE, ServiceState.SUSPENDED):
        raise ServiceWrongState(_("Only a service in use can be suspended."), state=row.state)
    if row.restriction == level:
        return row

    before = {"state": row.state, "restriction": row.restriction}
    if row.state == ServiceState.ACTIVE:
        row.suspend()
    row.restriction, row.restriction_reason = level, reason[:120]
    row.revision += 1
    row.save()

    after = {"state": row.state, "restriction": str(level), "reason": reason}
    audit.record(actor=actor, action="service.suspended", subject=row, before=before, after=after)
    events.publish(ServiceSuspended(service_id=row.pk))
    _wake(row)
    return row


@transactional
def resume(*, actor: Actor, service: Service) -> Service:
    """Lift the restriction. What the owner had switched off stays off. Nothing happens when it is not suspended."""
    row = _lock(service)

    require(actor, "ipservices.change_service", row)

    if row.state != ServiceState.SUSPENDED:
        return row

    before = {"state": row.state, "restriction": row.restriction}
    row.resume()
    row.restriction, row.restriction_reason = Restriction.NONE, ""
    row.revision += 1
    row.save()

    audit.record(actor=actor, action="service.resumed", subject=row, before=before, after={"state": row.state})
    events.publish(ServiceResumed(service_id=row.pk))
    _wake(row)
    return row


@transactional
def switch(*, actor: Actor, service: Service, switched_off: Iterable[str]) -> Service:
    """Set the owner's own switches: ``switched_off`` names those that are off. Kept apart from any suspension."""
    row = _lock(service)

    require(actor, "ipservices.change_service", row)

    wanted = sorted(set(switched_off))
    kind = kinds.find(row.full_kind)
    unknown = [] if kind is None or row.full_kind == "dns.zone" else sorted(set(wanted) - set(kind.switches))
    if unknown:
        raise InvalidInput(
            fields={"switched_off": [_("There is no such switch: %(names)s.") % {"names": ", ".join(unknown)}]}
        )
    if wanted == sorted(row.switched_off):
        return row

    before = sorted(row.switched_off)
    row.switched_off = wanted
    row.revision += 1
    row.save()

    audit.record(actor=actor, action="service.switched", subject=row, before={"off": before}, after={"off": wanted})
    _wake(row)
    return row


@transactional
def terminate(*, actor: Actor, service: Service) -> Service:
    """Ask for a service to be taken off its server for good. The row ends when the server confirmed."""
    row = _lock(service)

    require(actor, "ipservices.change_service", row)

    if row.state == ServiceState.TERMINATED or row.asked == AskedChange.REMOVE:
        return row

    row.asked = AskedChange.REMOVE
    row.save()

    audit.record(actor=actor, action="service.removal_asked", subject=row, before={"state": row.state})
    _wake(row)
    return row


def _lock(service: Service) -> Service:
    row: Service = Service.objects.select_for_update(of=("self",)).get(pk=service.pk)
    return row


def _wake(row: Service) -> None:
    realm_id, service_id = row.realm_id, row.pk
    transaction.on_commit(lambda: [call(realm_id, service_id) for call in wake], using=scoping.alias())
