"""Amounts held on cards, written down before and after the provider is asked."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from subscribers.choices import HoldState
from subscribers.models import CardHold, Order
from subscribers.ports import Authorization


@service
def ask(*, actor: Actor, order: Order, key: str, amount: Decimal, currency: str) -> CardHold:
    """Write down that ``amount`` is about to be held under ``key``. The same key gives the same row."""
    require(actor, "subscribers.change_account", order.account)

    hold, made = CardHold.objects.get_or_create(
        key=key, defaults={"account": order.account, "order": order, "amount": amount, "currency": currency}
    )

    if made:
        after = {"amount": str(amount), "currency": currency}
        audit.record(actor=actor, action="card_hold.asked", subject=hold, after=after)
    return cast(CardHold, hold)


@service
def settle(*, actor: Actor, hold: CardHold, answer: Authorization) -> CardHold:
    """Write down the provider's answer. A hold that was settled or given back meanwhile stays as it is."""
    hold = CardHold.objects.select_for_update().get(pk=hold.pk)

    require(actor, "subscribers.change_account", hold.account)

    if hold.state != HoldState.ASKED:
        return hold

    if answer.approved:
        hold.held()
    else:
        hold.declined()
    hold.reference, hold.reason = answer.reference, answer.reason[:200]
    hold.save(update_fields=["state", "reference", "reason"])

    audit.record(actor=actor, action=f"card_hold.{hold.state}", subject=hold, before={"state": HoldState.ASKED})
    return hold


@service
def release(*, actor: Actor, hold: CardHold) -> CardHold:
    """Write down that the provider gave the amount back."""
    hold = CardHold.objects.select_for_update().get(pk=hold.pk)

    require(actor, "subscribers.change_account", hold.account)

    if hold.state not in (HoldState.ASKED, HoldState.HELD):
        return hold

    before = hold.state
    hold.voided()
    hold.save(update_fields=["state"])

    audit.record(actor=actor, action="card_hold.voided", subject=hold, before={"state": before})
    return hold
