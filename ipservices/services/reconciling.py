"""Bringing one service to where it should be, whatever that is; and looking for drift."""

from __future__ import annotations

from boss.core import events, scoping
from boss.core.actors import Actor
from ipservices.choices import AskedChange, ServiceState
from ipservices.events import DriftFound
from ipservices.models import Service
from ipservices.services import establishing
from ipservices.services.design import end


def reconcile(*, realm_id: int, service_id: int) -> None:
    """What a woken worker does: remove, or bring up. Raises the driver's errors; the sweep comes again."""
    actor = Actor.system(realm_id)
    with scoping.realm_transaction(realm_id, actor.label):
        row: Service | None = Service.objects.filter(pk=service_id).first()
        if row is None or row.state == ServiceState.TERMINATED:
            return
        if row.asked == AskedChange.REMOVE and row.binding_id is None:
            locked: Service = Service.objects.select_for_update(of=("self",)).get(pk=service_id)
            end(actor=actor, service=locked)
            return
    key = f"service:{row.public_id}:{row.revision}"
    if row.asked == AskedChange.REMOVE:
        establishing.take_down(actor=actor, service_id=service_id, key=key, keep_former=False)
    else:
        establishing.bring_up(actor=actor, service_id=service_id, key=key, keep_former=False)


def check_drift(*, realm_id: int, service_id: int) -> list[dict[str, object]]:
    """Read a service back and say in what its server differs; publishes the fact when it does. Repairs nothing."""
    actor = Actor.system(realm_id)
    establishing.observe(actor=actor, service_id=service_id)
    with scoping.realm_transaction(realm_id, actor.label):
        row: Service = Service.objects.get(pk=service_id)
        drift: list[dict[str, object]] = row.drift
        if drift:
            events.publish(DriftFound(service_id=service_id))
    return drift
