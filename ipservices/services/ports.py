"""Ports of access nodes: set aside while an order runs, given back when it is undone or the service ends."""

from __future__ import annotations

from boss.core import audit, clock, locks
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from boss.tenancy import selectors as tenancy
from ipservices.choices import HoldState
from ipservices.errors import NoPortFree
from ipservices.models import PortHold
from subscribers.models import Subscription

PORTS_PER_NODE = 256
"""Unless the realm's settings say another number under ``ports_per_node``."""


@service
def hold(*, actor: Actor, subscription: Subscription) -> tuple[PortHold, bool]:
    """Set the lowest free port of the site's access node aside. A subscription keeps the one it has.

    The second value says whether it was set aside now, so that an undo knows what it may take back.
    Raises :class:`NoPortFree` when the site has no node or the node is full.
    """
    require(actor, "ipservices.change_service")

    held: PortHold | None = PortHold.objects.filter(subscription=subscription, state=HoldState.HELD).first()
    if held is not None:
        return held, False
    node = subscription.site.access_node
    if not node:
        raise NoPortFree(f"{subscription.site.label} is not connected to any access node", site=subscription.site_id)
    locks.hold(f"access node {node}")
    taken = set(PortHold.objects.filter(access_node=node, state=HoldState.HELD).values_list("port", flat=True))
    capacity = int(tenancy.get_realm(actor.realm_id).settings.get("ports_per_node", PORTS_PER_NODE))
    port = next((number for number in range(1, capacity + 1) if number not in taken), None)
    if port is None:
        raise NoPortFree(f"all {capacity} ports of {node} are taken", access_node=node)

    row: PortHold = PortHold.objects.create(access_node=node, port=port, subscription=subscription)

    audit.record(actor=actor, action="port.held", subject=row, after={"node": node, "port": port})
    return row, True


@service
def release(*, actor: Actor, subscription: Subscription) -> None:
    """Give the subscription's port back; nothing happens when it holds none."""
    require(actor, "ipservices.change_service")

    for row in PortHold.objects.select_for_update().filter(subscription=subscription, state=HoldState.HELD):
        row.release()
        row.released_at = clock.now()
        row.save()
        audit.record(actor=actor, action="port.released", subject=row, before={"port": str(row)})
