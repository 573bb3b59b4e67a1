"""Work at servers: setting services up family by family, and checking that they do what was sold.

Remote: transaction, call, transaction. What the servers held before is kept, so that undo restores exactly that.
"""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core import scoping
from boss.core.schema import Characteristic
from ipservices import selectors
from ipservices.choices import ServiceState
from ipservices.contracts import Observed
from ipservices.errors import LevelsOutOfRange, NotDesigned
from ipservices.families import families
from ipservices.handlers.inputs import SUBSCRIPTION_ID, catch_up, differs_in, leave_behind, servers_of, subscription_of
from ipservices.models import Service
from ipservices.services import clients, establishing
from workflow.contracts import Done, Outcome, Retry, TaskContext, TaskHandler, UndoContext

FAMILY = Characteristic(
    "family", "choice", "Family", required=True, choices=tuple((key, str(family.title)) for key, family in families)
)


def bring_up_family(context: TaskContext, family: str) -> Outcome:
    """Set up every planned service of one family; those in service already are made sure of."""
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        catch_up(context, family)
        rows = list(selectors.list_services_for_subscription(context.inputs["subscription_id"], family))
    names: list[str] = []
    for row in rows:
        if not context.heartbeat():
            return Retry(error=_("Another worker has taken this task over."))
        observed = establishing.bring_up(
            actor=context.actor, service_id=row.pk, key=context.idempotency_key, attempt=context.attempt
        )
        names.append(observed.name)
    if family == "ip" and (moved := follow_router(context)) is not None:
        return moved
    shown = ", ".join(names)
    note = _("Set up: %(names)s.") % {"names": shown} if names else _("Nothing of this kind was ordered.")
    return Done({"services": len(names), "names": shown}, note=note)


def activate_family(context: TaskContext) -> Outcome:
    return bring_up_family(context, context.inputs["family"])


def activate_services(context: TaskContext) -> Outcome:
    """Set up every service of the subscription, what others stand on first."""
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        catch_up(context, *(key for key, _family in families))
        present = {row.family for row in selectors.list_services_for_subscription(context.inputs["subscription_id"])}
    names: list[str] = []
    for family in sorted(present, key=lambda one: (_FIRST.index(one) if one in _FIRST else len(_FIRST), one)):
        outcome = bring_up_family(context, family)
        if not isinstance(outcome, Done):
            return outcome
        names.append(str(outcome.outputs["names"]))
    shown = ", ".join(names)
    return Done({"services": len(names), "names": shown}, note=_("Set up: %(names)s.") % {"names": shown})


_FIRST = ("ip", "access", "dns", "e911", "voip")
"""Addresses before names that point to them, the emergency address before the line."""


def load_e911(context: TaskContext) -> Outcome:
    """Load the emergency address of every line; a line must not work before the rescue services know where it is."""
    return bring_up_family(context, "e911")


def put_back(context: UndoContext) -> Outcome:
    """Restore what the servers held before this task, or remove what it made; finished or not."""
    names = establishing.put_back(
        actor=context.actor,
        former_key=context.forward_key,
        key=context.idempotency_key,
        attempt=context.attempt,
    )
    if not names:
        return Done(note=_("There was nothing to put back."))
    return Done(note=_("As before: %(names)s.") % {"names": ", ".join(names)})


def put_back_family(context: UndoContext) -> Outcome:
    """The same, and what an amendment of the order left without a purpose is planned no more."""
    outcome = put_back(context)
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        leave_behind(context)
    return outcome


def bind_equipment(context: TaskContext) -> Outcome:
    """Enter the identities of the picked devices, let each be provisioned, and have the router get its address.

    Raises :class:`ClientTaken`, before anything is changed, when another customer's address is bound to that router.
    """
    mac = str(context.inputs.get("router_mac") or "")
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        rows = list(selectors.list_services_for_subscription(context.inputs["subscription_id"], "cpe"))
        clients.moves(subscription_id=context.inputs["subscription_id"], mac=mac)
    for row in rows:
        news = {key: value for key, value in _identity(context, row).items() if value and row.desired.get(key) != value}
        if news:
            # Before the row changes, so that what is kept for undo is the row as it was.
            establishing.keep_former(actor=context.actor, service_id=row.pk, key=context.idempotency_key)
            with scoping.realm_transaction(context.realm_id, context.actor.label):
                locked: Service = Service.objects.select_for_update(of=("self",)).get(pk=row.pk)
                locked.desired = {**locked.desired, **news}
                locked.revision += 1
                locked.save()
    outcome = bring_up_family(context, "cpe")
    if not isinstance(outcome, Done):
        return outcome
    return follow_router(context, mac) or outcome


def follow_router(context: TaskContext, mac: str = "") -> Retry | None:
    """Give the subscription's addresses in use to its router (``mac``, or the one it has), so that the DHCP server
    hands them to it, and to no other any more. None when all is done."""
    subscription_id = context.inputs["subscription_id"]
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        moves = clients.moves(subscription_id=subscription_id, mac=mac)
    for service_id, identifier in moves:
        establishing.keep_former(actor=context.actor, service_id=service_id, key=context.idempotency_key)
        with scoping.realm_transaction(context.realm_id, context.actor.label):
            clients.bind(actor=context.actor, service=service_id, identifier=identifier)
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        rows = [row for row in selectors.list_services_in_use(subscription_id=subscription_id) if row.family == "ip"]
    # An attempt that failed at the server has changed the row, and leaves it behind. Who lets go of the client first.
    for row in sorted((row for row in rows if row.is_behind), key=lambda one: bool(one.desired.get("identifier"))):
        if not context.heartbeat():
            return Retry(error=_("Another worker has taken this task over."))
        establishing.bring_up(
            actor=context.actor, service_id=row.pk, key=context.idempotency_key, attempt=context.attempt
        )
    return None


def _identity(context: TaskContext, row: Service) -> dict[str, Any]:
    """What the task was told about one device."""
    if row.desired.get("device_kind") == "router":
        return {"mac": context.inputs.get("router_mac"), "serial": context.inputs.get("router_serial")}
    boxes = re.split(r"[\s,;]+", str(context.inputs.get("set_top_serials") or "").strip())
    return {"serial": boxes[row.ordinal - 1]} if row.ordinal <= len(boxes) else {}


def verify_levels(context: TaskContext) -> Outcome:
    """Ask the access server what the connection really has, and compare it with what was sold."""
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        subscription = subscription_of(context)
        rows = list(selectors.list_services_for_subscription(subscription.pk, "access"))
        sold: dict[str, Any] = next(
            (feature["characteristics"] for feature in subscription.features if feature["key"] == "data.access"), {}
        )
    if not rows:
        return Done({"down_mbps": 0, "up_mbps": 0}, note=_("No access was ordered."))
    row = rows[0]
    if row.state != ServiceState.ACTIVE:
        raise NotDesigned(_("%(service)s is not in service.") % {"service": row})
    observed = establishing.observe(actor=context.actor, service_id=row.pk)
    levels = _levels(observed)
    for direction in ("down", "up"):
        wanted, found = int(sold.get(direction, 0)), levels[direction]
        if found < wanted:
            raise LevelsOutOfRange(
                _("%(direction)s: sold %(wanted)s Mbps, found %(found)s Mbps.")
                % {"direction": direction, "wanted": wanted, "found": found},
                found=found,
            )
    return Done(
        {"down_mbps": levels["down"], "up_mbps": levels["up"]},
        note=_("Measured %(down)s/%(up)s Mbps.") % levels,
    )


def _levels(observed: Observed | None) -> dict[str, int]:
    if observed is None:
        return {"down": 0, "up": 0}
    return {
        "down": int(observed.attributes.get("down_mbps") or 0),
        "up": int(observed.attributes.get("up_mbps") or 0),
    }


SERVICES_SET_UP = (
    Characteristic("services", "integer", "Services set up"),
    Characteristic("names", "long_text", "Names"),
)

HANDLERS = (
    TaskHandler(
        key="ipservices.activate_family",
        title=gettext_lazy("Set up the services of a family"),
        run=activate_family,
        limits=servers_of(),
        undo=put_back_family,
        inputs=(SUBSCRIPTION_ID, FAMILY),
        outputs=SERVICES_SET_UP,
        differs=differs_in(),
    ),
    TaskHandler(
        key="ipservices.activate_services",
        title=gettext_lazy("Set up all services"),
        run=activate_services,
        limits=servers_of(),
        undo=put_back_family,
        inputs=(SUBSCRIPTION_ID,),
        outputs=SERVICES_SET_UP,
        time_limit_seconds=180,
        differs=differs_in(),
    ),
    TaskHandler(
        key="ipservices.load_e911",
        title=gettext_lazy("Load the emergency address"),
        run=load_e911,
        limits=servers_of("e911"),
        undo=put_back_family,
        inputs=(SUBSCRIPTION_ID,),
        outputs=SERVICES_SET_UP,
        differs=differs_in("e911"),
    ),
    TaskHandler(
        key="ipservices.bind_equipment",
        title=gettext_lazy("Bind the equipment"),
        run=bind_equipment,
        limits=servers_of("cpe", "ip"),
        undo=put_back_family,
        inputs=(
            SUBSCRIPTION_ID,
            Characteristic("router_mac", "mac", "MAC address of the modem or router"),
            Characteristic("router_serial", "text", "Serial number of the modem or router", max_length=40),
            Characteristic("set_top_serials", "text", "Serial numbers of set-top boxes", help="Several: with commas."),
        ),
        outputs=SERVICES_SET_UP,
        differs=differs_in("cpe", "ip"),
    ),
    TaskHandler(
        key="ipservices.verify_levels",
        title=gettext_lazy("Check levels and speed"),
        run=verify_levels,
        limits=servers_of("access"),
        nothing_to_undo=True,
        inputs=(SUBSCRIPTION_ID,),
        outputs=(
            Characteristic("down_mbps", "decimal", "Download", unit="Mbps"),
            Characteristic("up_mbps", "decimal", "Upload", unit="Mbps"),
        ),
        differs=differs_in("access"),
    ),
)
