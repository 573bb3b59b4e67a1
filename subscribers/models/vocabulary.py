"""The words people's names are made of, so that a mistyped one is still found."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import RealmScoped


class NameWord(RealmScoped):
    """``word`` of the realm's names under one ``form``: itself, or itself with one letter left out.

    Two words one edit apart share a form. Grows with distinct words, not with accounts; words are never taken
    back, because one too many costs a look-up that finds nothing.
    """

    realm_only = "words that names consist of, and nobody's in particular"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    form = models.CharField(max_length=40, db_collation="C")
    word = models.CharField(max_length=40, db_collation="C")

    class Meta(RealmScoped.Meta):
        verbose_name = _("name word")
        verbose_name_plural = _("name words")
        constraints = [models.UniqueConstraint(fields=["realm_id", "form", "word"], name="subscribers_nameword_once")]

    def __str__(self) -> str:
        return self.word
