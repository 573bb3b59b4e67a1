"""Texts of ticket mails that the provider has written himself (rule O3)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable
from ticketing.choices import OutboundKind
from ticketing.models.categories import Category


class MailText(Addressable):
    """One version of the words of one kind of mail, in one language; the highest number holds.

    Without ``category`` it is for all tickets that have none nearer. An empty ``body`` takes the one above again: the
    text for all tickets, else the one that BOSS comes with.
    """

    realm_only = "how the provider writes"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    kind = models.CharField(_("kind"), max_length=10, choices=OutboundKind.choices)
    language = models.CharField(_("language"), max_length=12)
    category = models.ForeignKey(Category, models.PROTECT, null=True, blank=True, related_name="+")
    number = models.PositiveIntegerField(_("version"))
    body = models.TextField(_("text"), blank=True)
    note = models.CharField(_("what changed"), max_length=200, blank=True, default="")
    kept_at = models.DateTimeField(_("kept"), auto_now_add=True)
    kept_by = models.CharField(_("kept by"), max_length=200)

    class Meta(Addressable.Meta):
        verbose_name = _("text of a mail")
        verbose_name_plural = _("texts of mails")
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "kind", "language", "number"], condition=Q(category=None),
                name="ticketing_mail_text_once",
            ),
            models.UniqueConstraint(
                fields=["realm_id", "kind", "language", "category", "number"], condition=~Q(category=None),
                name="ticketing_mail_text_of_category_once",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} ({self.language}) v{self.number}"
