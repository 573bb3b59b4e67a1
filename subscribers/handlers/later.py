"""What happens to a subscription that is there: another plan, the end, and what the customer is told of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core import clock
from boss.core.schema import Characteristic
from boss.notify.services import messages
from subscribers.handlers.loading import ORDER_ID, order_of
from subscribers.models import Order, OrderItem, Subscription
from subscribers.services import charges, subscriptions
from workflow.contracts import Done, Fail, Outcome, TaskContext, TaskHandler, UndoContext

EARLY_END, NOT_RETURNED = "early-end", "not-returned"


def switch_plan(context: TaskContext) -> Outcome:
    """The subscription is another plan from now on; its services follow."""
    subscription = subscriptions.switch_plan(actor=context.actor, order=order_of(context))
    return Done(
        {"plan": subscription.plan_version.title}, note=_("It is %(plan)s now.") % {"plan": subscription.plan_version}
    )


def switch_back(context: UndoContext) -> Outcome:
    subscription = subscriptions.switch_back(actor=context.actor, order=order_of(context))
    return Done(note=_("It is %(plan)s again.") % {"plan": subscription.plan_version})


def change_charges(context: TaskContext) -> Outcome:
    """What the former plan cost ends today, what the new one costs starts."""
    started = charges.change(actor=context.actor, order=order_of(context), key=context.idempotency_key)
    total = sum((charge.total for charge in started), Decimal("0.00"))
    return Done({"charges": len(started), "total": str(total)}, note=_("Charges of %(total)s.") % {"total": total})


def end_charges(context: TaskContext) -> Outcome:
    """What is left is charged until today and no longer."""
    ended = sum(
        charges.end(actor=context.actor, subscription=subscription, key=context.idempotency_key)
        for subscription in _subscriptions(order_of(context))
    )
    return Done({"charges": ended}, note=_("%(count)s charges ended.") % {"count": ended})


def run_charges_again(context: UndoContext) -> Outcome:
    """What the order charged is taken back, what it ended runs on."""
    if not context.finished:
        return Done(note=_("Nothing had been changed."))
    count = charges.run_again(actor=context.actor, key=context.forward_key)
    return Done(note=_("%(count)s charges run on.") % {"count": count})


def undo_change_of_charges(context: UndoContext) -> Outcome:
    if context.finished:
        charges.reverse(actor=context.actor, order=order_of(context))
    return run_charges_again(context)


def charge_the_end(context: TaskContext) -> Outcome:
    """What leaving costs: the months left of the term, and equipment that did not come back."""
    order = order_of(context)
    total = Decimal("0.00")
    for subscription in _subscriptions(order):
        fee = _early_end_fee(subscription)
        unreturned = Decimal(str(context.inputs.get("not_returned") or 0))
        for code, title, amount in (
            (EARLY_END, _("Early end of the term"), fee), (NOT_RETURNED, _("Equipment not returned"), unreturned)
        ):  # fmt: skip
            if amount:
                charges.add_once(
                    actor=context.actor, order=order, subscription=subscription, code=code, title=title, amount=amount
                )
                total += amount
    note = _("%(total)s for the end.") % {"total": total} if total else _("The end costs nothing.")
    return Done({"total": str(total)}, note=note)


def _early_end_fee(subscription: Subscription) -> Decimal:
    """The plan's fee for each month of the term that is left."""
    version = subscription.plan_version
    if not version.term_months or subscription.active_from is None:
        return Decimal("0.00")
    served = (clock.today() - subscription.active_from) // dt.timedelta(days=30)
    return Decimal(max(0, version.term_months - served) * version.early_end_fee)


def end_subscription(context: TaskContext) -> Outcome:
    """The subscription is over."""
    order = order_of(context)
    for subscription in _subscriptions(order):
        subscriptions.end(actor=context.actor, subscription=subscription, key=context.idempotency_key)
    return Done(note=_("The subscription has ended."))


def take_up_again(context: UndoContext) -> Outcome:
    if not context.finished:
        return Done(note=_("Nothing had ended."))
    subscriptions.take_up_again(actor=context.actor, key=context.forward_key)
    return Done(note=_("The subscription goes on."))


TEMPLATES: Mapping[str, str] = {
    "plan_changed": "Another plan",
    "number_ported": "The number has come",
    "service_ended": "The service has ended",
}


def tell_customer(context: TaskContext) -> Outcome:
    """Send one of the messages about an order. What has been read cannot be taken back."""
    order = order_of(context)
    template = context.inputs["template"]
    if template not in TEMPLATES:
        return Fail(_("There is no such message."))
    items = OrderItem.objects.filter(order=order).select_related("plan_version__plan").order_by("id")
    values: dict[str, Any] = {
        "name": order.account.name,
        "account_number": order.account.number,
        "order_number": order.number,
        "plans": [item.plan_version.title for item in items],
        "site": order.site.label,
        "detail": str(context.inputs.get("detail") or ""),
    }
    messages.send(
        actor=context.actor, template=template, to=[(order.account.email, order.account.name)], context=values,
        key=context.idempotency_key,
    )  # fmt: skip
    return Done({"sent_to": order.account.email}, note=_("Mail to %(email)s.") % {"email": order.account.email})


def _subscriptions(order: Order) -> list[Subscription]:
    rows = Subscription.objects.select_related("account", "plan_version__plan").filter(items__order=order)
    return list(rows.order_by("id"))


_CHARGES = Characteristic("charges", "integer", "Charges")
_TOTAL = Characteristic("total", "text", "Total")

HANDLERS = (
    TaskHandler(
        key="subscribers.switch_plan",
        title=gettext_lazy("Switch to the new plan"),
        run=switch_plan,
        undo=switch_back,
        inputs=(ORDER_ID,),
        outputs=(Characteristic("plan", "text", "Plan"),),
        local=True,
    ),
    TaskHandler(
        key="subscribers.change_charges",
        title=gettext_lazy("Change the charges"),
        run=change_charges,
        undo=undo_change_of_charges,
        inputs=(ORDER_ID,),
        outputs=(_CHARGES, _TOTAL),
        local=True,
    ),
    TaskHandler(
        key="subscribers.end_charges",
        title=gettext_lazy("End the charges"),
        run=end_charges,
        undo=run_charges_again,
        inputs=(ORDER_ID,),
        outputs=(_CHARGES,),
        local=True,
    ),
    TaskHandler(
        key="subscribers.charge_the_end",
        title=gettext_lazy("Charge what leaving costs"),
        run=charge_the_end,
        undo=undo_change_of_charges,
        inputs=(
            ORDER_ID,
            Characteristic("not_returned", "decimal", "For equipment that did not come back", minimum=0),
        ),
        outputs=(_TOTAL,),
        local=True,
    ),
    TaskHandler(
        key="subscribers.end_subscription",
        title=gettext_lazy("End the subscription"),
        run=end_subscription,
        undo=take_up_again,
        inputs=(ORDER_ID,),
        local=True,
    ),
    TaskHandler(
        key="subscribers.tell_customer",
        title=gettext_lazy("Send the customer a message"),
        run=tell_customer,
        nothing_to_undo=True,
        inputs=(
            ORDER_ID,
            Characteristic("template", "choice", "Message", required=True, choices=tuple(TEMPLATES.items())),
            Characteristic("detail", "text", "What else it says", max_length=200),
        ),
        outputs=(Characteristic("sent_to", "email", "Sent to"),),
        local=True,
    ),
)
