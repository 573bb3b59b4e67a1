"""Copies of a person's data, and erasures."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.models import PreparedFile
from boss.core.scoping import Addressable, RealmScoped
from subscribers.models import Account


class PersonalExport(PreparedFile):
    """Everything held of the person of an account, as one zip: JSON and CSV a table."""

    scope_paths: ClassVar[dict[str, str]] = {"own": "account__user_id"}
    dispatch_reads = ("id", "realm_id", "state")

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")

    class Meta(PreparedFile.Meta):
        abstract = False
        verbose_name = _("copy of personal data")
        verbose_name_plural = _("copies of personal data")
        permissions = [("export_person", "Can make copies of personal data")]


class Erasure(Addressable):
    """The end of what is held of a person. Holds no personal value itself: it is the journal to erase by again.

    ``answer`` lists what was overwritten, what was deleted and what is kept for which reason.
    """

    realm_only = "asked for and confirmed by the provider's people; the person is told otherwise"
    dispatch_reads = ("id", "realm_id", "state")

    class State(models.TextChoices):
        ASKED = "asked", _("To be confirmed")
        CONFIRMED = "confirmed", _("Under way")
        DONE = "done", _("Erased")
        REFUSED = "refused", _("Refused")

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.ASKED)
    asked_by = models.CharField(_("asked for by"), max_length=200)
    asked_at = models.DateTimeField(auto_now_add=True)
    confirmed_by = models.CharField(_("confirmed by"), max_length=200, blank=True, default="")
    done_at = models.DateTimeField(_("erased at"), null=True)
    answer: Any = models.JSONField(default=dict)

    class Meta(Addressable.Meta):
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        permissions = [("erase_person", "Can erase personal data")]
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "account"],
                condition=models.Q(state__in=["asked", "confirmed"]),
                name="privacy_one_open_erasure",
            )
        ]

    def __str__(self) -> str:
        return self.account.number


class Retention(RealmScoped):
    """How long the realm keeps one class of records (``boss.core.retention``). Without a row: for ever."""

    realm_only = "how long is kept is the provider's to decide"
    dispatch_reads = ("id", "realm_id", "record_class", "last_at")

    record_class = models.CharField(_("class of records"), max_length=60)
    days = models.PositiveIntegerField(_("days"))
    last_at = models.DateTimeField(_("last run"), null=True, editable=False)
    last_count = models.IntegerField(_("deleted by the last run"), default=0, editable=False)

    class Meta(RealmScoped.Meta):
        verbose_name = _("retention")
        verbose_name_plural = _("retention")
        constraints = [models.UniqueConstraint(fields=["realm_id", "record_class"], name="privacy_retention_once")]

    def __str__(self) -> str:
        return self.record_class


class LegalHold(Addressable):
    """An order of a court or an authority: nothing of this account's person is deleted or erased while it stands."""

    realm_only = "the person it is about must not see it"

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    case = models.CharField(_("case"), max_length=120)
    placed_by = models.CharField(_("placed by"), max_length=200)
    placed_at = models.DateTimeField(auto_now_add=True)
    released_at = models.DateTimeField(_("released"), null=True)

    class Meta(Addressable.Meta):
        verbose_name = _("legal hold")
        verbose_name_plural = _("legal holds")
        permissions = [("hold_records", "Can place and release legal holds")]

    def __str__(self) -> str:
        return self.case
