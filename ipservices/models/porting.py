"""Requests to other providers to let a telephone number go."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from boss.core.scoping import Addressable
from ipservices.choices import PortState
from subscribers.models import Subscription


class PortRequest(Addressable):
    """One number asked of one losing carrier, written before the clearing house is called.

    ``key`` is the task's, so a second attempt finds the first one's request; ``tries`` counts submissions, because each
    correction is a new one. The PIN is sealed to the row.
    """

    scope_paths: ClassVar[dict[str, str]] = {
        "organization": "subscription__account__organization_id",
        "site": "subscription__site_id",
        "own": "subscription__account__user_id",
    }

    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="port_requests")
    number = models.CharField(_("number"), max_length=16)
    losing_carrier = models.CharField(_("losing carrier"), max_length=80)
    account_number = models.CharField(_("account number there"), max_length=40)
    sealed_pin = models.TextField(blank=True, default="", editable=False)
    loa = models.CharField(_("letter of authorization"), max_length=120, blank=True, default="")
    state = FSMField(_("state"), default=PortState.ASKED, choices=PortState.choices, protected=True, max_length=10)
    tries = models.PositiveSmallIntegerField(_("submissions"), default=1)
    reference = models.CharField(_("reference"), max_length=60, blank=True, default="")
    reject_code = models.CharField(_("reject code"), max_length=20, blank=True, default="")
    reject_reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    firm_on = models.DateField(_("firm date"), null=True, blank=True)
    key = models.CharField(max_length=200, editable=False)
    run_id = models.BigIntegerField(null=True, editable=False)
    asked_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta(Addressable.Meta):
        verbose_name = _("port request")
        verbose_name_plural = _("port requests")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["realm_id", "key"], name="ipservices_port_request_once")]

    def __str__(self) -> str:
        return f"{self.number} · {self.losing_carrier}"

    @transition(field=state, source=PortState.ASKED, target=PortState.SUBMITTED)
    def submitted(self) -> None:
        """The clearing house has it."""

    @transition(field=state, source=PortState.SUBMITTED, target=PortState.REJECTED)
    def rejected(self) -> None:
        """The losing carrier says no; people correct it."""

    @transition(field=state, source=PortState.REJECTED, target=PortState.ASKED)
    def corrected(self) -> None:
        """It is to be submitted again."""

    @transition(field=state, source=PortState.SUBMITTED, target=PortState.CONFIRMED)
    def confirmed(self) -> None:
        """There is a firm day."""

    @transition(field=state, source=PortState.CONFIRMED, target=PortState.COMPLETED)
    def completed(self) -> None:
        """The number is ours."""

    @transition(field=state, source=PortState.COMPLETED, target=PortState.CONFIRMED)
    def given_back(self) -> None:
        """Its coming was undone; the firm day stands."""

    @transition(
        field=state,
        source=[
            PortState.ASKED, PortState.SUBMITTED, PortState.REJECTED, PortState.CONFIRMED, PortState.COMPLETED,
        ],
        target=PortState.CANCELLED,
    )  # fmt: skip
    def cancelled(self) -> None:
        """Nobody asks for the number any more."""
