"""Files on tickets: what somebody sent with his words, or put into a field."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from boss.core import file_types
from boss.core.actors import Actor
from boss.core.models import FileScan, StoredFile
from boss.core.scoping import Addressable, ScopedManager, ScopedQuerySet
from ticketing.models.thread import Message
from ticketing.models.tickets import Ticket


class AttachmentQuerySet(ScopedQuerySet):
    def visible_to(self, actor: Actor, permission: str | None = None) -> Self:
        """Those of messages the actor may read, and those in fields of tickets he sees.

        Which fields he may read is asked beside it, where the category is known (``ticketing.attachments``).
        """
        readable = Message.objects.visible_to(actor).order_by().values("pk")
        return super().visible_to(actor, permission).filter(Q(message=None) | Q(message__in=readable))


class AttachmentManager(ScopedManager.from_queryset(AttachmentQuerySet)):  # type: ignore[misc]
    pass


class Attachment(Addressable):
    """A file on a ticket: of one of its messages, or (``field``) what one of its fields holds or held.

    Its bytes lie in :class:`boss.core.models.StoredFile`, once for each realm. ``scan`` is a copy of what is known
    there, so that pages of customers need not read that table.
    """

    scope_paths: ClassVar[dict[str, str]] = {
        "own": "ticket__requester_id",
        "site": "ticket__site_id",
        "organization": "ticket__organization_id",
        "building": "ticket__site_id",
    }
    scope_limits: ClassVar[dict[str, Q]] = {"building": Q(ticket__organization_id=F("ticket__site__organization_id"))}
    portal_reads = True
    # The message is looked up behind its own policy: of an internal note a customer is given no file either.
    portal_condition = (
        "(ticketing_attachment.message_id IS NULL OR EXISTS"
        " (SELECT 1 FROM ticketing_message said WHERE said.id = ticketing_attachment.message_id))"
    )
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="attachments", db_index=False)
    message = models.ForeignKey(Message, models.PROTECT, null=True, blank=True, related_name="attachments")
    field = models.CharField(_("field"), max_length=60, blank=True, default="", db_collation="C")
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+")
    name = models.CharField(_("name"), max_length=file_types.LONGEST_NAME)
    size = models.BigIntegerField(_("size"), help_text=_("Bytes."))
    media_type = models.CharField(_("type"), max_length=100, help_text=_("Told by its bytes, not by its name."))
    sha256 = models.CharField(max_length=64, db_collation="C")
    scan = models.CharField(_("virus scan"), max_length=10, choices=FileScan.choices)
    by_mail = models.BooleanField(_("came by mail"), default=False)
    at = models.DateTimeField(_("attached"), auto_now_add=True)
    added_by = models.CharField(_("attached by"), max_length=200)

    objects: ClassVar[Any] = AttachmentManager()

    class Meta(Addressable.Meta):
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        constraints = [
            models.CheckConstraint(
                condition=Q(message__isnull=False, field="") | (Q(message=None) & ~Q(field="")),
                name="ticketing_attachment_has_one_place",
            ),
        ]
        indexes = [
            models.Index(fields=["realm_id", "ticket", "id"], name="ticketing_files_of_ticket"),
            models.Index(fields=["realm_id", "file"], name="ticketing_files_by_content"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_offered(self) -> bool:
        """It may be fetched: it was looked through, or nothing here looks through files."""
        return self.scan in (FileScan.CLEAN, FileScan.UNSCANNED)

    @property
    def is_shown(self) -> bool:
        """A browser may be given it to show: a picture made of dots."""
        return self.is_offered and self.media_type in file_types.SHOWN
