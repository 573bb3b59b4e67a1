"""Reports that somebody keeps, and who is sent them when."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable, RealmScoped
from boss.tenancy.models import User
from ticketing.choices import Cadence


class SavedReport(Addressable):
    """A report with its filters under a name: its owner's, or ``is_shared`` with everybody who may see reports.

    With a ``cadence`` it is mailed at the local time ``at``: on ``weekday`` (1 is Monday) or ``monthday`` (up to 28, so
    that every month has one). ``next_at`` is the next time, ``sent_at`` the last.
    """

    realm_only = "how the provider looks at its work"
    dispatch_reads = ("id", "realm_id", "next_at")

    name = models.CharField(_("name"), max_length=80)
    report = models.CharField(_("report"), max_length=40)
    filters: Any = models.JSONField(_("filters"), default=dict, blank=True)
    owner = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False, verbose_name=_("owner"))
    is_shared = models.BooleanField(_("shared"), default=False)
    cadence = models.CharField(_("sent"), max_length=8, choices=Cadence.choices, blank=True, default="")
    weekday = models.PositiveSmallIntegerField(_("weekday"), default=1)
    monthday = models.PositiveSmallIntegerField(_("day of the month"), default=1)
    at = models.TimeField(_("time"), null=True, blank=True)
    next_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(Addressable.Meta):
        verbose_name = _("saved report")
        verbose_name_plural = _("saved reports")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "owner", "name"], name="ticketing_saved_report_name"),
            models.CheckConstraint(
                condition=Q(cadence="", next_at=None) | (~Q(cadence="") & Q(at__isnull=False)),
                name="ticketing_report_is_due",
            ),
            models.CheckConstraint(
                condition=Q(weekday__range=(1, 7), monthday__range=(1, 28)), name="ticketing_report_day_is_there"
            ),
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="ticketing_reports_due"),
        ]

    def __str__(self) -> str:
        return self.name


class ReportRecipient(RealmScoped):
    """Somebody a saved report is mailed to. Whether he may see it is asked each time it is sent."""

    realm_only = "who of the staff is told what"
    database_rights: ClassVar[str] = "SELECT, INSERT, DELETE"

    saved = models.ForeignKey(SavedReport, models.CASCADE, related_name="recipients", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")

    class Meta(RealmScoped.Meta):
        verbose_name = _("recipient of a report")
        verbose_name_plural = _("recipients of reports")
        constraints = [models.UniqueConstraint(fields=["realm_id", "saved", "user"], name="ticketing_recipient_once")]

    def __str__(self) -> str:
        return f"{self.user_id} of {self.saved_id}"
