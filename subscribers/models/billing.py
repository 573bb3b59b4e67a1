"""What was billed, what came in, and the cases of those who do not pay."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, FSMModelMixin, transition

from boss.core.scoping import Addressable
from subscribers.choices import CollectionState, PaidBy
from subscribers.models.accounts import Account

_THROUGH_ACCOUNT = {
    "organization": "account__organization_id",
    "site": "account__site_id",
    "own": "account__user_id",
}


class Statement(Addressable):
    """What an account owes for ``[period_from, period_to)``, written once and never changed.

    ``lines`` are the charges as they were: ``[{"title", "total"}, …]``. Taxes are an integration's.
    """

    scope_paths: ClassVar[dict[str, str]] = _THROUGH_ACCOUNT
    portal_reads = True
    database_rights: ClassVar[str] = "SELECT, INSERT"
    dispatch_reads = ("account_id", "due_on")

    account = models.ForeignKey(Account, models.PROTECT, related_name="statements", db_index=False)
    period_from = models.DateField(_("from"))
    period_to = models.DateField(_("until"))
    due_on = models.DateField(_("due on"))
    lines = models.JSONField(_("lines"), default=list)
    total = models.DecimalField(_("total"), max_digits=12, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3)
    issued_at = models.DateTimeField(auto_now_add=True)

    class Meta(Addressable.Meta):
        verbose_name = _("statement")
        verbose_name_plural = _("statements")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "account", "period_from"], name="subscribers_statement_once"),
            models.CheckConstraint(
                condition=Q(period_to__gt=models.F("period_from")), name="subscribers_statement_period"
            ),
        ]
        indexes = [models.Index(fields=["realm_id", "due_on"], name="subs_statement_due")]

    def __str__(self) -> str:
        return f"{self.total} {self.currency}, {self.period_from}"


class Payment(Addressable):
    """Money that came in. The same ``key`` (a bank's or a form's) counts once."""

    scope_paths: ClassVar[dict[str, str]] = _THROUGH_ACCOUNT
    portal_reads = True
    database_rights: ClassVar[str] = "SELECT, INSERT"

    account = models.ForeignKey(Account, models.PROTECT, related_name="payments", db_index=False)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3)
    paid_by = models.CharField(_("paid by"), max_length=10, choices=PaidBy.choices)
    reference = models.CharField(_("reference"), max_length=100, blank=True, default="")
    key = models.CharField(max_length=100, null=True, editable=False)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta(Addressable.Meta):
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "key"], name="subscribers_payment_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="subscribers_payment_amount"),
        ]
        indexes = [models.Index(fields=["realm_id", "account", "-id"], name="subs_payment_account")]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class Collection(FSMModelMixin, Addressable):
    """The case of an account that is behind: one open case an account. Its run warns, walls in and disconnects;
    what closes the run closes the case."""

    scope_paths: ClassVar[dict[str, str]] = _THROUGH_ACCOUNT
    dispatch_reads = ("id", "account_id", "state")

    account = models.ForeignKey(Account, models.PROTECT, related_name="collections")
    state = FSMField(
        _("state"), default=CollectionState.OPEN, choices=CollectionState.choices, protected=True, max_length=12
    )
    overdue_since = models.DateField(_("overdue since"))
    amount = models.DecimalField(_("overdue"), max_digits=12, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3)
    run_id = models.BigIntegerField(null=True, editable=False)
    run_public_id = models.CharField(max_length=12, blank=True, default="", editable=False)
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, editable=False)

    class Meta(Addressable.Meta):
        verbose_name = _("collection case")
        verbose_name_plural = _("collection cases")
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "account"],
                condition=Q(state=CollectionState.OPEN),
                name="subscribers_one_open_collection",
            )
        ]
        permissions = [("collect", "Can open collection cases and take payments")]

    def __str__(self) -> str:
        return f"{self.account.number}: {self.amount} {self.currency}"

    @transition(field=state, source=CollectionState.OPEN, target=CollectionState.SETTLED)
    def settle(self) -> None:
        """It was paid; the account is served in full again."""

    @transition(field=state, source=CollectionState.OPEN, target=CollectionState.DISCONNECTED)
    def give_up(self) -> None:
        """It was never paid; the account is served no more."""
