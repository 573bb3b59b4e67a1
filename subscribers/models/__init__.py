from __future__ import annotations

from subscribers.models.accounts import Account, AccountContact
from subscribers.models.billing import Collection, Payment, Statement
from subscribers.models.charges import CardHold, Charge
from subscribers.models.leases import Lease
from subscribers.models.orders import Order, OrderItem
from subscribers.models.subscriptions import Subscription
from subscribers.models.vocabulary import NameWord

__all__ = [
    "Account",
    "AccountContact",
    "CardHold",
    "Charge",
    "Collection",
    "Lease",
    "NameWord",
    "Order",
    "OrderItem",
    "Payment",
    "Statement",
    "Subscription",
]
