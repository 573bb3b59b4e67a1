"""Answers that somebody has sent and can still take back (rule O6)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.models import StoredFile
from boss.core.scoping import Addressable, RealmScoped
from boss.tenancy.models import User
from ticketing.models.tickets import Ticket


class WaitingAnswer(Addressable):
    """An answer to the customer, sent and not gone. Until it goes, nothing of it is on the ticket; then the row is not
    there any more."""

    realm_only = "what one of the provider's people is about to say"
    dispatch_reads: ClassVar[tuple[str, ...]] = ("id", "realm_id", "due_at")

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="+", db_index=False)
    body = models.TextField(_("text"), blank=True)
    sent_at = models.DateTimeField(_("sent"))
    due_at = models.DateTimeField(_("goes"))

    class Meta(Addressable.Meta):
        verbose_name = _("answer about to go")
        verbose_name_plural = _("answers about to go")
        indexes = [
            models.Index(fields=["due_at"], name="ticketing_answer_due"),
            models.Index(fields=["realm_id", "ticket"], name="ticketing_answer_by_ticket"),
        ]

    def __str__(self) -> str:
        return self.ticket.number


class WaitingFile(RealmScoped):
    """A file that goes with such an answer, in order."""

    realm_only = "what one of the provider's people is about to say"

    answer = models.ForeignKey(WaitingAnswer, models.CASCADE, related_name="files")
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+")
    name = models.CharField(_("name"), max_length=120)

    class Meta(RealmScoped.Meta):
        verbose_name = _("file of an answer about to go")
        verbose_name_plural = _("files of answers about to go")

    def __str__(self) -> str:
        return self.name
