"""Facts the subscribers' room publishes."""

from __future__ import annotations

from dataclasses import dataclass

from boss.core.events import fact


@fact("subscribers.order_submitted")
@dataclass(frozen=True)
class OrderSubmitted:
    order_id: int


@fact("subscribers.order_amended")
@dataclass(frozen=True)
class OrderAmended:
    order_id: int


@fact("subscribers.order_completed")
@dataclass(frozen=True)
class OrderCompleted:
    order_id: int


@fact("subscribers.order_reversed")
@dataclass(frozen=True)
class OrderReversed:
    order_id: int


@fact("subscribers.account_activated")
@dataclass(frozen=True)
class AccountActivated:
    account_id: int


@fact("subscribers.subscription_ended")
@dataclass(frozen=True)
class SubscriptionEnded:
    """For good: nothing will take it up again, so what it held may go to others."""

    subscription_id: int


@fact("subscribers.payment_received")
@dataclass(frozen=True)
class PaymentReceived:
    payment_id: int
