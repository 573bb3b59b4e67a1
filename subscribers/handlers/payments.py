"""Holding a small amount on the customer's card, and giving it back. Transaction, call, transaction."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core import scoping
from boss.core.schema import Characteristic
from boss.tenancy import selectors as tenancy
from subscribers.choices import HoldState
from subscribers.handlers.loading import ORDER_ID, order_of
from subscribers.models import CardHold
from subscribers.ports import payment_port
from subscribers.services import card_holds, orders
from workflow.contracts import Done, Fail, Outcome, TaskContext, TaskHandler, UndoContext

DEFAULT_AMOUNT = Decimal("1.00")


def preauthorize_card(context: TaskContext) -> Outcome:
    """Hold an amount on the card the order was placed with."""
    amount = Decimal(str(context.inputs.get("amount") or DEFAULT_AMOUNT)).quantize(Decimal("0.01"))
    key = context.idempotency_key
    with scoping.realm_transaction(context.realm_id, "task"):
        order = order_of(context)
        token = orders.card_token(order)
        if not token:
            return Fail(_("The order was not placed with a card."))
        currency = tenancy.get_realm(context.realm_id).currency
        hold = card_holds.ask(actor=context.actor, order=order, key=key, amount=amount, currency=currency)
        port = payment_port(context.realm_id)

    answer = port.preauthorize(token=token, amount=hold.amount, currency=hold.currency, key=key)

    with scoping.realm_transaction(context.realm_id, "task"):
        hold = card_holds.settle(actor=context.actor, hold=hold, answer=answer)
    if hold.state != HoldState.HELD:
        return Fail(_("The card was declined. %(reason)s") % {"reason": hold.reason})
    return Done(
        {"reference": hold.reference},
        note=_("%(amount)s %(currency)s held on the card.") % {"amount": hold.amount, "currency": hold.currency},
    )


def void_preauthorization(context: UndoContext) -> Outcome:
    """Give back what was held, also when it is not known whether anything was."""
    with scoping.realm_transaction(context.realm_id, "task"):
        hold: CardHold | None = CardHold.objects.filter(key=context.forward_key).first()
        port = payment_port(context.realm_id)
    if hold is None or hold.state not in (HoldState.ASKED, HoldState.HELD):
        return Done(note=_("Nothing was held on the card."))

    port.void(key=hold.key, reference=hold.reference)

    with scoping.realm_transaction(context.realm_id, "task"):
        card_holds.release(actor=context.actor, hold=hold)
    return Done(note=_("The amount held on the card was given back."))


HANDLERS = (
    TaskHandler(
        key="subscribers.preauthorize_card",
        title=gettext_lazy("Pre-authorise the card"),
        run=preauthorize_card,
        undo=void_preauthorization,
        inputs=(ORDER_ID, Characteristic("amount", "decimal", "Amount", minimum=0.01, maximum=1000)),
        outputs=(Characteristic("reference", "text", "Reference of the hold"),),
    ),
)
