"""Files of forms that were refused: they were sent once and need not be chosen again."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core import file_types
from boss.core.models import StoredFile
from boss.core.scoping import Addressable
from boss.tenancy.models import User


class KeptFile(Addressable):
    """A file that came with a form that was refused, for the next try of the person who sent it: nobody else sees it,
    it is handed out at no address, and it goes after a day.

    ``form`` says which form ("say:" and the ticket's public id), ``place`` which of its boxes.
    """

    realm_only = "what one person is about to send"
    database_rights: ClassVar[str] = "SELECT, INSERT, DELETE"

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    form = models.CharField(max_length=40, db_collation="C")
    place = models.CharField(max_length=80, db_collation="C")
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(_("name"), max_length=file_types.LONGEST_NAME)
    size = models.BigIntegerField(_("size"), help_text=_("Bytes."))
    kept_at = models.DateTimeField(_("kept"), auto_now_add=True)

    class Meta(Addressable.Meta):
        verbose_name = _("file not sent yet")
        verbose_name_plural = _("files not sent yet")
        indexes = [
            models.Index(fields=["realm_id", "user", "form"], name="ticketing_kept_file_of_form"),
            models.Index(fields=["realm_id", "file"], name="ticketing_kept_file_by_content"),
            models.Index(fields=["kept_at"], name="ticketing_kept_file_by_age"),
        ]

    def __str__(self) -> str:
        return self.name
