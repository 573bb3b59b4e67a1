"""Charges and amounts held on cards."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, FSMModelMixin, transition

from boss.core.scoping import RealmScoped
from subscribers.choices import ChargeKind, ChargeState, HoldState
from subscribers.models.accounts import Account
from subscribers.models.orders import Order
from subscribers.models.subscriptions import Subscription

_THROUGH_ACCOUNT = {
    "organization": "account__organization_id",
    "site": "account__site_id",
    "own": "account__user_id",
}


class Charge(FSMModelMixin, RealmScoped):
    """Money an account owes each month, or once. ``total`` is ``amount`` × ``quantity`` in ``currency``.

    ``[starts_on, ends_on)`` are the days it covers. A reversed charge stays as history and is never billed.
    ``code`` is the quote line's: a charge starts once per subscription, order and code. ``ended_by`` is the key of the
    task that ended it, so that undoing that task finds what it may let run again.
    """

    scope_paths: ClassVar[dict[str, str]] = _THROUGH_ACCOUNT
    portal_reads = True

    account = models.ForeignKey(Account, models.PROTECT, related_name="charges")
    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="charges")
    order = models.ForeignKey(Order, models.PROTECT, related_name="charges")
    kind = models.CharField(_("kind"), max_length=10, choices=ChargeKind.choices)
    state = FSMField(_("state"), default=ChargeState.ACTIVE, choices=ChargeState.choices, protected=True, max_length=10)
    code = models.CharField(max_length=80)
    title = models.CharField(_("what for"), max_length=120)
    quantity = models.PositiveSmallIntegerField(_("quantity"), default=1)
    amount = models.DecimalField(_("amount"), max_digits=10, decimal_places=2)
    total = models.DecimalField(_("total"), max_digits=12, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3)
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    reversed_at = models.DateTimeField(null=True, editable=False)
    ended_by = models.CharField(max_length=200, blank=True, default="", editable=False)

    class Meta(RealmScoped.Meta):
        verbose_name = _("charge")
        verbose_name_plural = _("charges")
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "subscription", "order", "code"],
                condition=~Q(state=ChargeState.REVERSED),
                name="subscribers_charge_once",
            ),
            models.CheckConstraint(
                condition=Q(total=models.F("amount") * models.F("quantity")), name="subscribers_charge_total"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title}: {self.total} {self.currency}"

    @transition(field=state, source=ChargeState.ACTIVE, target=ChargeState.ENDED)
    def end(self) -> None:
        """It was owed until ``ends_on``."""

    @transition(field=state, source=ChargeState.ENDED, target=ChargeState.ACTIVE)
    def run_again(self) -> None:
        """Its ending was undone."""

    @transition(field=state, source=ChargeState.ACTIVE, target=ChargeState.REVERSED)
    def reverse(self) -> None:
        """It never counted."""


class CardHold(FSMModelMixin, RealmScoped):
    """An amount held on a card for an order.

    The row is written as ``asked`` before the provider is called, under the key that makes the call safe to repeat:
    whatever dies in between, the hold can be found and given back.
    """

    scope_paths: ClassVar[dict[str, str]] = _THROUGH_ACCOUNT

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    order = models.ForeignKey(Order, models.PROTECT, related_name="card_holds")
    key = models.CharField(max_length=200)
    state = FSMField(default=HoldState.ASKED, choices=HoldState.choices, protected=True, max_length=10)
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3)
    reference = models.CharField(max_length=100, blank=True, default="")
    reason = models.CharField(max_length=200, blank=True, default="")
    asked_at = models.DateTimeField(auto_now_add=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("card hold")
        verbose_name_plural = _("card holds")
        constraints = [models.UniqueConstraint(fields=["realm_id", "key"], name="subscribers_hold_once")]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} ({self.get_state_display()})"

    @transition(field=state, source=HoldState.ASKED, target=HoldState.HELD)
    def held(self) -> None:
        """The provider said yes."""

    @transition(field=state, source=HoldState.ASKED, target=HoldState.DECLINED)
    def declined(self) -> None:
        """The provider said no: nothing is held."""

    @transition(field=state, source=[HoldState.ASKED, HoldState.HELD], target=HoldState.VOIDED)
    def voided(self) -> None:
        """Given back."""
