"""What makes answering quick: texts to insert, macros to run, and what somebody has typed and not sent yet."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable, RealmScoped
from boss.tenancy.models import User
from ticketing.choices import MessageKind
from ticketing.models.pools import TalentPool
from ticketing.models.tickets import Ticket


class Snippet(Addressable):
    """A text to insert into answers and notes: everybody's, a pool's, or one person's own.

    ``texts`` holds it by language. The placeholders in it are of a closed list (``ticketing.placeholders``).
    """

    realm_only = "how the provider's people write"

    name = models.CharField(_("name"), max_length=80)
    texts: Any = models.JSONField(_("texts"), default=dict)
    pool = models.ForeignKey(TalentPool, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    owner = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="+", db_index=False)
    revision = models.PositiveIntegerField(_("revision"), default=1)
    is_archived = models.BooleanField(_("archived"), default=False)
    changed_by = models.CharField(max_length=200)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta(Addressable.Meta):
        verbose_name = _("text to insert")
        verbose_name_plural = _("texts to insert")
        constraints = [
            models.CheckConstraint(condition=Q(pool=None) | Q(owner=None), name="ticketing_snippet_has_one_home"),
        ]
        indexes = [models.Index(fields=["realm_id", "name"], name="ticketing_snippet_by_name")]

    def __str__(self) -> str:
        return self.name


class Macro(Addressable):
    """A named list of steps, run on a ticket in one go. What it does is ``current``; versions never change."""

    realm_only = "how the provider arranges its work"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    key = models.SlugField(_("key"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
    pool = models.ForeignKey(TalentPool, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    current = models.ForeignKey(
        "ticketing.MacroVersion", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    is_archived = models.BooleanField(_("archived"), default=False)

    class Meta(Addressable.Meta):
        verbose_name = _("macro")
        verbose_name_plural = _("macros")
        permissions = [("manage_macros", "Can write macros and the texts that all may insert")]
        constraints = [models.UniqueConstraint(fields=["realm_id", "key"], name="ticketing_macro_key")]

    def __str__(self) -> str:
        return self.name


class MacroVersion(RealmScoped):
    """The steps of a macro as they were kept once. Immutable: the log of a ticket names the version that was run."""

    realm_only = "how the provider arranges its work"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    macro = models.ForeignKey(Macro, models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField(_("number"))
    steps: Any = models.JSONField(_("steps"), default=list)
    note = models.CharField(_("what changed"), max_length=200, blank=True, default="")
    kept_at = models.DateTimeField(auto_now_add=True)
    kept_by = models.CharField(max_length=200)

    class Meta(RealmScoped.Meta):
        verbose_name = _("version of a macro")
        verbose_name_plural = _("versions of macros")
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["realm_id", "macro", "number"], name="ticketing_macro_once")]

    def __str__(self) -> str:
        return f"{self.macro_id} v{self.number}"


class TextDraft(RealmScoped):
    """What somebody has typed on a ticket and not sent: a reply and a note apart. Nobody else ever sees it."""

    realm_only = "what one of the provider's people is writing"

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(_("kind"), max_length=10, choices=MessageKind.choices)
    body = models.TextField(_("text"))
    kept_at = models.DateTimeField(_("kept"))

    class Meta(RealmScoped.Meta):
        verbose_name = _("text not sent yet")
        verbose_name_plural = _("texts not sent yet")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "user", "ticket", "kind"], name="ticketing_text_draft_once"),
        ]
        indexes = [models.Index(fields=["kept_at"], name="ticketing_text_draft_by_age")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.user_id} on {self.ticket_id}"
