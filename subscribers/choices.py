"""Stored words of the subscribers' room. Order states are spelled as TM Forum (TMF622) spells them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class AccountState(models.TextChoices):
    PENDING = "pending", _("Pending")
    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    CLOSED = "closed", _("Closed")


class SubscriptionState(models.TextChoices):
    PENDING = "pending", _("Being set up")
    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    TERMINATED = "terminated", _("Ended")


class OrderState(models.TextChoices):
    ACKNOWLEDGED = "acknowledged", _("Received")
    IN_PROGRESS = "inProgress", _("In progress")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled")


class ItemAction(models.TextChoices):
    ADD = "add", _("Add")
    MODIFY = "modify", _("Change")
    DELETE = "delete", _("Remove")


class OrderReason(models.TextChoices):
    """Why somebody leaves, where it makes a difference to what happens."""

    MOVING = "moving", _("Moving away")
    PRICE = "price", _("Too dear")
    SERVICE = "service", _("Not satisfied")
    DECEASED = "deceased", _("Death of the customer")
    OTHER = "other", _("Another reason")


class ChargeKind(models.TextChoices):
    RECURRING = "recurring", _("each month")
    ONE_TIME = "one_time", _("once")


class ChargeState(models.TextChoices):
    ACTIVE = "active", _("Charged")
    ENDED = "ended", _("Ended")
    REVERSED = "reversed", _("Reversed")


class HoldState(models.TextChoices):
    """What is known of an amount held on a card. ``asked`` is written before the call, so no hold is ever forgotten."""

    ASKED = "asked", _("Asked for")
    HELD = "held", _("Held")
    DECLINED = "declined", _("Declined")
    VOIDED = "voided", _("Given back")


class PaymentMethod(models.TextChoices):
    CARD = "card", _("Card")
    CASH = "cash", _("Cash")
    OWNER = "owner", _("Paid by the building's owner")


class PaidBy(models.TextChoices):
    """How money for a statement came in."""

    CARD = "card", _("Card")
    CASH = "cash", _("Cash")
    BANK = "bank", _("Bank transfer")
    CHEQUE = "cheque", _("Cheque")


class CollectionState(models.TextChoices):
    """``settled``: paid, and back to full service; ``disconnected``: never paid."""

    OPEN = "open", _("Open")
    SETTLED = "settled", _("Settled")
    DISCONNECTED = "disconnected", _("Disconnected")


class LeaseState(models.TextChoices):
    ANNOUNCED = "announced", _("Announced")
    MOVED_IN = "moved_in", _("Moved in")
    WITHDRAWN = "withdrawn", _("Withdrawn")
