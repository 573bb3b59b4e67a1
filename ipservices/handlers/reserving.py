"""Setting aside what there is only so much of: a port, an address, a number. Local: commits with its outcome."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.schema import Characteristic
from ipservices import selectors
from ipservices.choices import AddressKind, ServiceState
from ipservices.handlers.inputs import SUBSCRIPTION_ID, catch_up, differs_in, leave_behind, subscription_of
from ipservices.models import AddressAssignment, PhoneNumber, Service
from ipservices.services import addresses, numbers, ports
from workflow.contracts import Done, Fail, Outcome, TaskContext, TaskHandler, UndoContext


def hold_port(context: TaskContext) -> Outcome:
    """Set a port of the site's access node aside."""
    row, made = ports.hold(actor=context.actor, subscription=subscription_of(context))
    outputs = {"access_node": row.access_node, "port": row.port, "held": made}
    return Done(outputs, note=_("Port %(port)s of %(access_node)s is held.") % outputs)


def release_port(context: UndoContext) -> Outcome:
    """Give back the port this task set aside; one the subscription had before stays its own."""
    if not context.outputs.get("held"):
        return Done(note=_("No port had been held."))
    ports.release(actor=context.actor, subscription=subscription_of(context))
    return Done(note=_("Port %(port)s of %(access_node)s is free again.") % context.outputs)


def reserve_address(context: TaskContext) -> Outcome:
    """Hand an address to every planned address service of the subscription."""
    catch_up(context, "ip")
    given: list[AddressAssignment] = []
    for service in selectors.list_services_for_subscription(context.inputs["subscription_id"], "ip"):
        if service.state != ServiceState.DESIGNED:
            continue
        given.append(_assign(context, service))
        service.reserve()
        service.save()
    shown = [str(row) for row in given]
    first = next((str(row.address) for row in given if row.prefix.kind == AddressKind.ADDRESS), "")
    note = _("Set aside: %(addresses)s.") % {"addresses": ", ".join(shown)} if shown else _("No address is needed.")
    return Done({"address": first, "addresses": ", ".join(shown)}, note=note)


def _assign(context: TaskContext, service: Service) -> AddressAssignment:
    kind = service.desired["address_kind"]
    static = service.feature_key == "ip.static"
    return addresses.assign(
        actor=context.actor,
        kind=kind,
        purpose="static" if static else "dynamic",
        version=6 if kind == AddressKind.DELEGATION else 4,
        unit_length=service.desired.get("prefix") if kind == AddressKind.BLOCK else None,
        service=service,
        key=f"{context.idempotency_key}:{service.public_id}",
    )


def release_address(context: UndoContext) -> Outcome:
    """Give back what this task handed out, and only that."""
    rows = AddressAssignment.objects.filter(key__startswith=f"{context.forward_key}:").select_related("service")
    freed = []
    for row in rows.order_by("id"):
        service = row.service
        addresses.release(actor=context.actor, assignment=row)
        if service is not None and service.state == ServiceState.RESERVED:
            service.unreserve()
            kept = {name: value for name, value in service.desired.items() if name != "identifier"}
            service.name, service.desired = "", {**kept, "address": ""}
            service.save()
        freed.append(str(row))
    leave_behind(context)
    return Done(note=_("Free again: %(addresses)s.") % {"addresses": ", ".join(freed)} if freed else "")


def assign_number(context: TaskContext) -> Outcome:
    """Set a number aside for each planned line: the one brought along, the one asked for, or the next free."""
    subscription = subscription_of(context)
    sold = {feature["key"]: feature["characteristics"] for feature in subscription.features}
    porting = sold.get("voice.portin")
    if context.inputs.get("losing_carrier"):
        porting = {"losing_carrier": context.inputs["losing_carrier"]}
    asked = str(context.inputs.get("number") or sold.get("voice.line", {}).get("number") or "")
    catch_up(context, "voip")
    given: list[PhoneNumber] = []
    for service in selectors.list_services_for_subscription(subscription.pk, "voip"):
        if service.state != ServiceState.DESIGNED:
            continue
        key = f"{context.idempotency_key}:{service.public_id}"
        if porting and not given:
            brought = str(context.inputs.get("number") or porting.get("number") or "")
            if not brought:
                return Fail(_("It is not known which number is to be brought along."))
            given.append(
                numbers.bring_along(
                    actor=context.actor,
                    number=brought,
                    losing_carrier=str(porting.get("losing_carrier") or _("unknown")),
                    service=service,
                    key=key,
                )
            )
        else:
            wanted = "" if given else asked
            given.append(numbers.reserve(actor=context.actor, service=service, number=wanted, key=key))
        service.reserve()
        service.save()
    shown = ", ".join(row.number for row in given)
    note = _("Set aside: %(numbers)s.") % {"numbers": shown} if given else _("No number is needed.")
    return Done({"number": given[0].number if given else "", "ported": bool(porting and given)}, note=note)


def release_number(context: UndoContext) -> Outcome:
    """Give back the numbers this task set aside, and only those."""
    rows = PhoneNumber.objects.filter(key__startswith=f"{context.forward_key}:").select_related("service")
    freed = []
    for row in rows.order_by("id"):
        service = row.service
        numbers.release(actor=context.actor, number=row, rest=False)
        if service is not None and service.state == ServiceState.RESERVED:
            service.unreserve()
            service.name, service.desired = "", {**service.desired, "number": ""}
            service.save()
        freed.append(row.number)
    leave_behind(context)
    return Done(note=_("Given back: %(numbers)s.") % {"numbers": ", ".join(freed)} if freed else "")


HANDLERS = (
    TaskHandler(
        key="ipservices.hold_port",
        title=gettext_lazy("Hold a port"),
        run=hold_port,
        undo=release_port,
        inputs=(SUBSCRIPTION_ID,),
        outputs=(
            Characteristic("access_node", "text", "Access node"),
            Characteristic("port", "integer", "Port"),
            Characteristic("held", "boolean", "The port was set aside by this task"),
        ),
        local=True,
    ),
    TaskHandler(
        key="ipservices.reserve_address",
        title=gettext_lazy("Set addresses aside"),
        run=reserve_address,
        undo=release_address,
        inputs=(SUBSCRIPTION_ID,),
        outputs=(
            Characteristic("address", "text", "Address"),
            Characteristic("addresses", "text", "All addresses and prefixes"),
        ),
        local=True,
        differs=differs_in("ip"),
    ),
    TaskHandler(
        key="ipservices.assign_number",
        title=gettext_lazy("Set a telephone number aside"),
        run=assign_number,
        undo=release_number,
        inputs=(
            SUBSCRIPTION_ID,
            Characteristic("number", "text", "Number", help="Blank: as ordered, or the next free one."),
            Characteristic("losing_carrier", "text", "Comes from", help="When the number is brought along."),
        ),
        outputs=(
            Characteristic("number", "text", "Number"),
            Characteristic("ported", "boolean", "Brought along from another provider"),
        ),
        local=True,
        differs=differs_in("voip"),
    ),
)
