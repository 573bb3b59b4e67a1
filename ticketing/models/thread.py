"""What is said and what happened on a ticket, and what the ticket is about. Rows are only ever added."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from boss.core import permissions
from boss.core.actors import Actor
from boss.core.scoping import Addressable, RealmScoped, ScopedManager, ScopedQuerySet
from ticketing.choices import SUBJECT_LINKS, LinkType, MessageChannel, MessageKind, Trust
from ticketing.mail.automatic import MailClass
from ticketing.models.tickets import Ticket

VIEW_INTERNAL = "ticketing.view_internal_message"


class MessageQuerySet(ScopedQuerySet):
    def visible_to(self, actor: Actor, permission: str | None = None) -> Self:
        """Public messages of the tickets the actor reaches; others only with the right to internal ones."""
        public_or_internal = Q(kind=MessageKind.PUBLIC) | permissions.rows(self.model, actor, VIEW_INTERNAL)
        return super().visible_to(actor, permission).filter(public_or_internal)


class MessageManager(ScopedManager.from_queryset(MessageQuerySet)):  # type: ignore[misc]
    pass


class Message(Addressable):
    """Something said on a ticket. Immutable: the application has no right to change or delete it."""

    scope_paths: ClassVar[dict[str, str]] = {
        "own": "ticket__requester_id",
        "site": "ticket__site_id",
        "organization": "ticket__organization_id",
        "building": "ticket__site_id",
    }
    scope_limits: ClassVar[dict[str, Q]] = {"building": Q(ticket__organization_id=F("ticket__site__organization_id"))}
    portal_reads = True
    portal_condition = "kind = 'public'"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="messages", db_index=False)
    seq = models.PositiveIntegerField()
    kind = models.CharField(_("kind"), max_length=10, choices=MessageKind.choices, default=MessageKind.PUBLIC)
    body = models.TextField(_("text"))
    at = models.DateTimeField(auto_now_add=True)
    # Not a foreign key: the words stay, and stay unchanged, when their author is removed.
    author_kind = models.CharField(max_length=10)
    author_id = models.BigIntegerField(null=True, blank=True)
    author_label = models.CharField(_("author"), max_length=200)
    from_customer = models.BooleanField(default=False)
    channel = models.CharField(
        _("came by"), max_length=8, choices=MessageChannel.choices, default=MessageChannel.WEB, db_default="web"
    )
    # What came by mail: its ids, by which answers find it, and what is known of its sender.
    message_id = models.CharField(max_length=900, blank=True, default="", db_default="", db_collation="C")
    in_reply_to = models.CharField(max_length=900, blank=True, default="", db_default="", db_collation="C")
    trust = models.CharField(_("sender"), max_length=12, choices=Trust.choices, blank=True, default="", db_default="")
    mail_class = models.CharField(max_length=16, choices=MailClass.choices, blank=True, default="", db_default="")

    objects: ClassVar[Any] = MessageManager()

    class Meta(Addressable.Meta):
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        permissions = [
            ("add_internal_message", "Can write internal notes"),
            ("view_internal_message", "Can read internal notes"),
        ]
        constraints = [models.UniqueConstraint(fields=["realm_id", "ticket", "seq"], name="ticketing_message_seq")]
        indexes = [
            models.Index(
                fields=["realm_id", "message_id"], condition=~Q(message_id=""), name="ticketing_message_by_mail"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.author_label}: {self.body[:60]}"


class TicketEvent(RealmScoped):
    """One thing that happened to a ticket. Append-only: feeds the log, promises and reports."""

    realm_only = "the desk's own journal: customers read messages"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="events", db_index=False)
    seq = models.PositiveIntegerField()
    at = models.DateTimeField(auto_now_add=True)
    type = models.CharField(max_length=40)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=200)
    before: Any = models.JSONField(default=dict)
    after: Any = models.JSONField(default=dict)

    class Meta(RealmScoped.Meta):
        verbose_name = _("ticket event")
        verbose_name_plural = _("ticket events")
        constraints = [models.UniqueConstraint(fields=["realm_id", "ticket", "seq"], name="ticketing_event_seq")]

    def __str__(self) -> str:
        return f"{self.type} by {self.actor_label}"


class TicketLink(RealmScoped):
    """What a ticket is about, or what caused it or waits for it.

    ``account_id`` is a projection, so that an account's page finds its tickets by index.
    """

    realm_only = "links may name what a customer must not see"
    database_rights: ClassVar[str] = "SELECT, INSERT, DELETE"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="links", db_index=False)
    type = models.CharField(
        _("type"), max_length=12, choices=[(each.value, each.label) for each in SUBJECT_LINKS],
        default=LinkType.ABOUT, db_default=LinkType.ABOUT.value,
    )  # fmt: skip
    subject_kind = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    account_id = models.BigIntegerField(null=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("ticket link")
        verbose_name_plural = _("ticket links")
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "ticket", "subject_kind", "subject_id"], name="ticketing_link_once"
            ),
        ]
        indexes = [
            models.Index(fields=["realm_id", "subject_kind", "subject_id"], name="ticketing_links_of_subject"),
            models.Index(
                fields=["realm_id", "account_id"], condition=Q(account_id__isnull=False),
                name="ticketing_links_of_account",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.subject_kind}:{self.subject_id}"
