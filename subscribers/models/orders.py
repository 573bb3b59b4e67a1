"""Orders: what somebody asked for, and how far it is."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, FSMModelMixin, transition

from boss.core.scoping import Addressable, RealmScoped
from boss.tenancy.models import Site
from catalog.models import PlanVersion
from subscribers.choices import ItemAction, OrderReason, OrderState, PaymentMethod
from subscribers.models.accounts import Account
from subscribers.models.subscriptions import Subscription


class Order(FSMModelMixin, Addressable):
    """An order of one account. Its state moves with its run: the run's closing transaction closes the order.

    ``submission_key`` makes a second submit of the same form give the first order. ``card_token_sealed`` is the
    payment provider's token (never a card number), sealed to this row. The contact is kept as it was given.
    ``wanted_on`` is the day it is to take effect, ``reason`` why, where the customer said so. What it costs is charged
    to ``payer`` (the owner of a building who pays for every unit), or else to the account itself.
    """

    scope_paths: ClassVar[dict[str, str]] = {
        "organization": "account__organization_id",
        "site": "site_id",
        "own": "account__user_id",
    }
    portal_reads = True

    number = models.CharField(_("number"), max_length=20, db_collation="C")
    account = models.ForeignKey(Account, models.PROTECT, related_name="orders")
    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    state = FSMField(
        _("state"), default=OrderState.ACKNOWLEDGED, choices=OrderState.choices, protected=True, max_length=15
    )
    run_id = models.BigIntegerField(null=True, editable=False)
    run_public_id = models.CharField(max_length=12, blank=True, default="", editable=False)
    payment_method = models.CharField(_("payment"), max_length=10, choices=PaymentMethod.choices)
    card_token_sealed = models.TextField(blank=True, default="", editable=False)
    contact_name = models.CharField(_("name"), max_length=160)
    contact_email = models.EmailField(_("e-mail"))
    contact_phone = models.CharField(_("phone"), max_length=24)
    channel = models.CharField(_("came by"), max_length=20, blank=True, default="")
    payer = models.ForeignKey(
        Account, models.PROTECT, null=True, blank=True, related_name="paid_orders", verbose_name=_("paid by")
    )
    wanted_on = models.DateField(_("wanted on"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=20, choices=OrderReason.choices, blank=True, default="")
    submission_key = models.CharField(max_length=100, null=True, editable=False)
    submitted_at = models.DateTimeField(_("submitted at"), auto_now_add=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, editable=False)

    class Meta(Addressable.Meta):
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "number"], name="subscribers_order_number_once"),
            models.UniqueConstraint(fields=["realm_id", "submission_key"], name="subscribers_order_submitted_once"),
        ]
        indexes = [models.Index(fields=["realm_id", "-id"], name="subs_order_recent")]
        permissions = [("place_order", "Can place orders")]

    def __str__(self) -> str:
        return self.number

    @transition(field=state, source=OrderState.ACKNOWLEDGED, target=OrderState.IN_PROGRESS)
    def begin(self) -> None:
        """Its run has started."""

    @transition(field=state, source=OrderState.IN_PROGRESS, target=OrderState.COMPLETED)
    def complete(self) -> None:
        """Everything is delivered."""

    @transition(field=state, source=OrderState.IN_PROGRESS, target=OrderState.CANCELLED)
    def cancel(self) -> None:
        """Everything is undone."""

    @property
    def is_closed(self) -> bool:
        return self.state in (OrderState.COMPLETED, OrderState.CANCELLED)


class OrderItem(RealmScoped):
    """One change an order asks for, with its price at that moment. ``features`` is the configuration it asks for;
    ``former`` what the subscription was before a change, for putting it back."""

    scope_paths: ClassVar[dict[str, str]] = {
        "organization": "order__account__organization_id",
        "site": "order__site_id",
        "own": "order__account__user_id",
    }
    portal_reads = True

    order = models.ForeignKey(Order, models.CASCADE, related_name="items")
    action = models.CharField(_("action"), max_length=10, choices=ItemAction.choices)
    plan_version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="+")
    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="items")
    options = models.JSONField(_("options"), default=dict, blank=True)
    chosen = models.JSONField(_("chosen"), default=dict, blank=True)
    features = models.JSONField(_("features"), default=list, blank=True)
    former = models.JSONField(default=dict, blank=True, editable=False)
    monthly = models.DecimalField(_("a month"), max_digits=10, decimal_places=2)
    once = models.DecimalField(_("once"), max_digits=10, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3)

    class Meta(RealmScoped.Meta):
        verbose_name = _("order item")
        verbose_name_plural = _("order items")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.plan_version}"
