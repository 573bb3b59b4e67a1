"""Bringing a number from another provider: asking for it, waiting for its firm day, letting it come, tidying up."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core import clock, scoping
from boss.core.schema import Characteristic
from ipservices.choices import NumberState, PortState, ServiceState
from ipservices.handlers.inputs import SUBSCRIPTION_ID, subscription_of
from ipservices.models import PhoneNumber, PortRequest, Service
from ipservices.porting import porting_port
from ipservices.services import numbers, porting
from workflow.contracts import Done, Fail, Outcome, TaskContext, TaskHandler, UndoContext, Wait

LOOK_AGAIN_AFTER = dt.timedelta(hours=48)


def submit_port(context: TaskContext) -> Outcome:
    """Ask for the number and wait for its firm day, however often the request has to be corrected on the way.

    A rejection opens a ticket with a form for what is right; answering it sends the request again. The task ends when
    there is a firm day (FOC), or when the run is reversed, which withdraws the request.
    """
    given = context.inputs
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        request = porting.prepare(
            actor=context.actor,
            subscription=subscription_of(context),
            number=str(given["number"]),
            losing_carrier=str(given["losing_carrier"]),
            account_number=str(given["account_number"]),
            pin=str(given.get("pin") or ""),
            loa=str(given.get("loa") or ""),
            key=context.idempotency_key,
            run_id=context.run_id,
        )
        port = porting_port(context.realm_id)
        pin = porting.pin_of(request)
    if request.state == PortState.REJECTED:
        return Wait(signal=porting.SIGNAL, note=_("People correct the request."))
    if request.state == PortState.ASKED:
        reference = port.submit(
            number=request.number, losing_carrier=request.losing_carrier, account_number=request.account_number,
            pin=pin, key=_key_of(request), replaces=request.reference,
        )  # fmt: skip
        with scoping.realm_transaction(context.realm_id, context.actor.label):
            request = porting.submitted(actor=context.actor, request=request, reference=reference)
    answer = port.status(reference=request.reference)
    if answer.state == "pending":
        return Wait(
            until=clock.now() + LOOK_AGAIN_AFTER,
            signal=porting.SIGNAL,
            note=_("%(carrier)s has not answered yet.") % {"carrier": request.losing_carrier},
        )
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        if answer.state == "rejected" or answer.firm_on is None:
            porting.rejected(actor=context.actor, request=request, code=answer.code, reason=answer.reason)
            return Wait(signal=porting.SIGNAL, note=_("Rejected: %(reason)s") % {"reason": answer.reason})
        porting.confirmed(actor=context.actor, request=request, firm_on=answer.firm_on)
    day = answer.firm_on.isoformat()
    return Done(
        {"firm_on": day, "firm_at": f"{day}T00:00:00+00:00", "reference": request.reference, "tries": request.tries},
        note=_("%(number)s comes on %(day)s.") % {"number": request.number, "day": day},
    )


def cancel_port(context: UndoContext) -> Outcome:
    """Withdraw the request, also when it is not known whether the clearing house ever got it."""
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        request: PortRequest | None = PortRequest.objects.filter(key=context.forward_key).first()
        port = porting_port(context.realm_id)
    if request is None or request.state == PortState.CANCELLED:
        return Done(note=_("Nothing had been asked."))
    port.cancel(reference=request.reference, key=_key_of(request))
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        porting.cancelled(actor=context.actor, request=request)
    return Done(note=_("The request for %(number)s is withdrawn.") % {"number": request.number})


def complete_port(context: TaskContext) -> Outcome:
    """Have calls to the number routed here. Its line works already."""
    request = _request(context)
    if request is None:
        return Fail(_("No request for a number has been confirmed."))
    if request.state == PortState.CONFIRMED:
        porting_port(context.realm_id).activate(reference=request.reference, key=context.idempotency_key)
        with scoping.realm_transaction(context.realm_id, context.actor.label):
            porting.completed(actor=context.actor, request=request)
    return Done({"number": request.number}, note=_("%(number)s is here.") % {"number": request.number})


def give_port_back(context: UndoContext) -> Outcome:
    """Have calls routed to the losing carrier again, whether or not they came here already."""
    request = _request(context)
    if request is None:
        return Done(note=_("No number had come."))
    porting_port(context.realm_id).give_back(reference=request.reference, key=context.idempotency_key)
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        porting.given_back(actor=context.actor, request=request)
    return Done(note=_("%(number)s is where it was.") % {"number": request.number})


def release_replaced(context: TaskContext) -> Outcome:
    """Give back the numbers of lines that were replaced. Their lines are gone from the servers."""
    rows = PhoneNumber.objects.select_related("service").filter(
        service__subscription_id=context.inputs["subscription_id"],
        service__state=ServiceState.TERMINATED,
        state=NumberState.ASSIGNED,
    )
    held: list[dict[str, Any]] = []
    for row in rows.order_by("number"):
        held.append({"number": row.number, "service": row.service_id, "key": row.key})
        numbers.release(actor=context.actor, number=row)
    shown = ", ".join(str(one["number"]) for one in held)
    return Done(
        {"numbers": shown, "held": " ".join(f"{one['number']}={one['service']}={one['key']}" for one in held)},
        note=_("Given up: %(numbers)s.") % {"numbers": shown} if shown else _("No number was replaced."),
    )


def take_replaced_again(context: UndoContext) -> Outcome:
    """Set the same numbers aside for the same lines. Raises NumberTaken when somebody else has one by now."""
    if not context.finished:
        return Done(note=_("Nothing had been given back."))
    taken = []
    for one in str(context.outputs.get("held") or "").split():
        number, service_id, key = one.split("=", 2)
        row = numbers.take_back(
            actor=context.actor, service=Service.objects.get(pk=int(service_id)), number=number, key=key
        )
        numbers.put_in_service(actor=context.actor, number=row)
        taken.append(number)
    return Done(note=_("Set aside again: %(numbers)s.") % {"numbers": ", ".join(taken)})


def _request(context: TaskContext) -> PortRequest | None:
    """The subscription's request that has a firm day."""
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        rows = PortRequest.objects.filter(subscription_id=context.inputs["subscription_id"])
        found: PortRequest | None = (
            rows.filter(state__in=[PortState.CONFIRMED, PortState.COMPLETED]).order_by("-id").first()
        )
    return found


def _key_of(request: PortRequest) -> str:
    return f"{request.key}:{request.tries}"


NUMBER = Characteristic("number", "text", "Number", required=True, max_length=20)
_NUMBERS = Characteristic("numbers", "text", "Numbers")

HANDLERS = (
    TaskHandler(
        key="ipservices.submit_port",
        title=gettext_lazy("Ask for a number and wait for its day"),
        run=submit_port,
        undo=cancel_port,
        inputs=(
            SUBSCRIPTION_ID,
            NUMBER,
            Characteristic("losing_carrier", "text", "Losing carrier", required=True, max_length=80),
            Characteristic("account_number", "text", "Account number there", required=True, max_length=40),
            Characteristic("pin", "text", "PIN there", max_length=20),
            Characteristic("loa", "text", "Letter of authorization", max_length=120),
        ),
        outputs=(
            Characteristic("firm_on", "date", "Firm day"),
            Characteristic("firm_at", "datetime", "Beginning of that day"),
            Characteristic("reference", "text", "Reference"),
            Characteristic("tries", "integer", "Submissions"),
        ),
    ),
    TaskHandler(
        key="ipservices.complete_port",
        title=gettext_lazy("Let the number come"),
        run=complete_port,
        undo=give_port_back,
        inputs=(SUBSCRIPTION_ID,),
        outputs=(Characteristic("number", "text", "Number"),),
    ),
    TaskHandler(
        key="ipservices.release_replaced_number",
        title=gettext_lazy("Give back the number that was replaced"),
        run=release_replaced,
        undo=take_replaced_again,
        inputs=(SUBSCRIPTION_ID,),
        outputs=(_NUMBERS, Characteristic("held", "long_text", "What held them")),
        local=True,
    ),
)
