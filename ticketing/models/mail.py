"""Mail that comes in, and what of ours goes out. The raw mail is written before anything is made of it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from boss.core import clock
from boss.core.scoping import Addressable, RealmScoped
from boss.notify.models import Delivery
from ticketing.choices import UNSETTLED_STATES, InboundState, OutboundKind, SourceAfter, SourceSecurity, SourceSignIn
from ticketing.mail.authentication import Authentication
from ticketing.mail.automatic import MailClass
from ticketing.models.categories import Category
from ticketing.models.participants import Participant
from ticketing.models.thread import Message
from ticketing.models.tickets import Ticket


class MailKey(RealmScoped):
    """A key that signs reply addresses and message ids. The newest signs; older ones are still believed."""

    realm_only = "the provider's secret"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    version = models.PositiveSmallIntegerField(_("version"))
    secret_sealed = models.CharField(max_length=200, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("mail key")
        verbose_name_plural = _("mail keys")
        constraints = [models.UniqueConstraint(fields=["realm_id", "version"], name="ticketing_mail_key_version")]

    def __str__(self) -> str:
        return f"v{self.version}"


class Mailbox(Addressable):
    """An address of the provider whose mail becomes tickets of one category.

    The dispatcher reads ``address``: it is where a mail is to go, and the only thing known when it arrives (rule E2).
    """

    realm_only = "how the provider arranges its mail"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"
    dispatch_reads = ("id", "realm_id", "address", "is_active")

    # Of one realm in the whole installation: the address alone says whose mail it is.
    address = models.CharField(_("address"), max_length=200, unique=True, db_collation="C")
    category = models.ForeignKey(Category, models.PROTECT, related_name="mailboxes", verbose_name=_("category"))
    accepts_automatic = models.BooleanField(
        _("accepts mail of programs"), default=False,
        help_text=_("For alarms of monitoring: mail that no person wrote opens tickets, too."),
    )  # fmt: skip
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta(Addressable.Meta):
        verbose_name = _("mailbox")
        verbose_name_plural = _("mailboxes")
        permissions = [("manage_mailboxes", "Can set up mailboxes")]

    def __str__(self) -> str:
        return self.address

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


class MailSource(RealmScoped):
    """An existing mailbox at a mail server, read by IMAP: its mail is that of one of our addresses.

    ``last_uid`` is the last mail kept here, written in one transaction with it; ``marked_uid`` the last that was marked
    or moved at the server. What lies between was kept and a worker died: it is marked at the next look.
    ``reads_since`` is set when the server numbers the folder anew: then only mail from that day on is looked at.
    ``listener`` is the process that is told by the server when mail comes, until ``listened_until``; ``tells`` whether
    the server can (None: nobody has asked it yet).
    """

    realm_only = "how the provider arranges its mail"
    dispatch_reads = ("id", "realm_id", "is_active", "due_at", "listened_until")

    mailbox = models.OneToOneField(Mailbox, models.CASCADE, related_name="source")
    host = models.CharField(_("mail server"), max_length=200)
    port = models.PositiveIntegerField(_("port"), default=993)
    security = models.CharField(
        _("encryption"), max_length=8, choices=SourceSecurity.choices, default=SourceSecurity.TLS
    )
    # The certificate the provider believes although nobody vouches for it: SHA-256 of its DER form, in hex.
    certificate_sha256 = models.CharField(_("its certificate"), max_length=64, blank=True, default="")
    username = models.CharField(_("user name"), max_length=200)
    sign_in = models.CharField(_("signs in"), max_length=8, choices=SourceSignIn.choices, default=SourceSignIn.PASSWORD)
    # "" where it signs in by OAuth 2 (:class:`~ticketing.models.mail_grants.MailGrant`).
    password_sealed = models.TextField(editable=False)
    folder = models.CharField(_("folder"), max_length=200, default="INBOX")
    after = models.CharField(_("afterwards"), max_length=8, choices=SourceAfter.choices, default=SourceAfter.SEEN)
    move_to = models.CharField(_("folder for mail that was taken"), max_length=200, blank=True, default="")
    takes_old = models.BooleanField(_("takes what lies there already"), default=False)
    every_seconds = models.PositiveIntegerField(_("looked at every (seconds)"), default=60)
    is_active = models.BooleanField(_("in use"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    uid_validity = models.BigIntegerField(null=True, blank=True, editable=False)
    last_uid = models.BigIntegerField(default=0, editable=False)
    marked_uid = models.BigIntegerField(default=0, editable=False)
    reads_since = models.DateField(null=True, blank=True, editable=False)
    due_at = models.DateTimeField(db_default=Now())
    looked_at = models.DateTimeField(_("last looked at"), null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    error = models.CharField(_("what is wrong"), max_length=500, blank=True, default="")
    tells = models.BooleanField(_("tells of new mail"), null=True, blank=True, editable=False)
    listener = models.BigIntegerField(null=True, blank=True, editable=False)
    listened_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(RealmScoped.Meta):
        verbose_name = _("mailbox that is fetched")
        verbose_name_plural = _("mailboxes that are fetched")
        indexes = [models.Index(fields=["due_at"], condition=Q(is_active=True), name="ticketing_source_due")]

    def __str__(self) -> str:
        return f"{self.username}, {self.host}"

    @property
    def by_oauth(self) -> bool:
        return self.sign_in == SourceSignIn.OAUTH

    @property
    def is_listened_at(self) -> bool:
        """Whether its server tells of new mail and somebody hears it."""
        return bool(self.tells) and self.listened_until is not None and self.listened_until > clock.now()


class InboundMail(Addressable):
    """One mail for one of our addresses, from its arrival on. ``trace`` says why it is where it is.

    ``due_at`` is when it is looked at next while it is ``received``: written before, so that a worker that dies in the
    middle leaves it due.
    """

    realm_only = "mail is read by the desk; a customer reads the messages that came of it"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"
    dispatch_reads = ("id", "realm_id", "state", "due_at")

    mailbox = models.ForeignKey(Mailbox, models.PROTECT, related_name="mails")
    envelope_from = models.CharField(_("return path"), max_length=320, blank=True)
    envelope_to = models.CharField(_("delivered to"), max_length=320)
    received_at = models.DateTimeField(_("received"), db_default=Now())
    size = models.PositiveIntegerField(_("size"))

    state = models.CharField(_("state"), max_length=12, choices=InboundState.choices, default=InboundState.RECEIVED)
    due_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(default=0)

    sender = models.CharField(_("from"), max_length=254, blank=True, default="", db_collation="C")
    sender_name = models.CharField(_("name"), max_length=200, blank=True, default="")
    subject = models.CharField(_("subject"), max_length=500, blank=True, default="")
    mail_id = models.CharField(max_length=900, blank=True, default="", db_collation="C")
    thread_root = models.CharField(max_length=900, blank=True, default="", db_collation="C")
    body_hash = models.CharField(max_length=64, blank=True, default="", db_collation="C")
    parts: Any = models.JSONField(_("attachments"), default=list)
    mail_class = models.CharField(_("kind"), max_length=16, choices=MailClass.choices, blank=True, default="")
    authentication = models.CharField(
        _("sender's authentication"), max_length=4, choices=Authentication.choices, blank=True, default=""
    )
    rule = models.CharField(_("rule"), max_length=12, blank=True, default="")
    trace: Any = models.JSONField(_("why"), default=list)
    reopened = models.BooleanField(default=False)

    # Where it lay, for what was fetched: source, UIDVALIDITY and UID. Never by a mark that others can set (rule E1).
    origin = models.CharField(max_length=60, blank=True, default="", db_collation="C", editable=False)

    ticket = models.ForeignKey(Ticket, models.PROTECT, null=True, blank=True, related_name="mails")
    message = models.ForeignKey(Message, models.PROTECT, null=True, blank=True, related_name="+")
    hint = models.ForeignKey(Ticket, models.PROTECT, null=True, blank=True, related_name="+")
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    settled_by = models.CharField(_("settled by"), max_length=200, blank=True, default="")

    class Meta(Addressable.Meta):
        verbose_name = _("inbound mail")
        verbose_name_plural = _("inbound mails")
        permissions = [("settle_inboundmail", "Can let held mail in, split it and block senders")]
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "origin"], condition=~Q(origin=""), name="ticketing_mail_fetched_once"
            )
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="received"), name="ticketing_mail_due"),
            models.Index(
                fields=["realm_id", "-id"], condition=Q(state__in=UNSETTLED_STATES), name="ticketing_mail_unsettled"
            ),
            models.Index(fields=["realm_id", "sender", "-received_at"], name="ticketing_mail_by_sender"),
            models.Index(
                fields=["realm_id", "mail_id"], condition=~Q(mail_id=""), name="ticketing_mail_by_id"
            ),
            models.Index(fields=["realm_id", "ticket", "-id"], name="ticketing_mail_by_ticket"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.sender}: {self.subject[:60]}"


class RawMail(RealmScoped):
    """The bytes as they came, in a table of their own that nobody may change."""

    realm_only = "mail is read by the desk"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    mail = models.OneToOneField(InboundMail, models.PROTECT, related_name="raw")
    content = models.BinaryField()

    class Meta(RealmScoped.Meta):
        verbose_name = _("raw mail")
        verbose_name_plural = _("raw mails")

    def __str__(self) -> str:
        return str(self.mail_id)


class OutboundMail(Addressable):
    """One mail of a ticket to one participant. Its ``public_id`` stands in the envelope's sender (rule O1).

    ``message`` is what was said on the ticket; None for what the machine tells. The state is the delivery's.
    """

    realm_only = "what was sent to whom is the provider's record"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="sent_mails", db_index=False)
    participant = models.ForeignKey(Participant, models.PROTECT, related_name="mails", db_index=False)
    message = models.ForeignKey(Message, models.PROTECT, null=True, blank=True, related_name="sent_mails")
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=10, choices=OutboundKind.choices)
    is_automatic = models.BooleanField(default=False)
    address = models.CharField(_("address"), max_length=254, db_collation="C")
    mail_id = models.CharField(max_length=200, db_collation="C")
    at = models.DateTimeField(_("written"), db_default=Now())

    class Meta(Addressable.Meta):
        verbose_name = _("sent mail")
        verbose_name_plural = _("sent mails")
        indexes = [
            models.Index(fields=["realm_id", "mail_id"], name="ticketing_sent_by_id"),
            models.Index(fields=["realm_id", "address", "-at"], name="ticketing_sent_by_address"),
            models.Index(fields=["realm_id", "ticket", "-at"], name="ticketing_sent_by_ticket"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} → {self.address}"


class BlockedSender(RealmScoped):
    """An address, or "@" and a domain, whose mail goes to quarantine."""

    realm_only = "how the provider arranges its mail"

    address = models.CharField(_("address"), max_length=254, db_collation="C")
    blocked_at = models.DateTimeField(auto_now_add=True)
    blocked_by = models.CharField(max_length=200)

    class Meta(RealmScoped.Meta):
        verbose_name = _("blocked sender")
        verbose_name_plural = _("blocked senders")
        constraints = [models.UniqueConstraint(fields=["realm_id", "address"], name="ticketing_blocked_once")]

    def __str__(self) -> str:
        return self.address


class MailBreaker(RealmScoped):
    """An address that is sent nothing automatic for a while: it answered too often, or cannot be reached."""

    realm_only = "the provider's protection against loops"

    address = models.CharField(_("address"), max_length=254, db_collation="C")
    until = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=40)
    opened_at = models.DateTimeField(auto_now=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("mail breaker")
        verbose_name_plural = _("mail breakers")
        constraints = [models.UniqueConstraint(fields=["realm_id", "address"], name="ticketing_breaker_once")]

    def __str__(self) -> str:
        return self.address
