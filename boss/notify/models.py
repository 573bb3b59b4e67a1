"""The outbox: what is to be said, and its delivery to each recipient."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, FSMModelMixin, transition

from boss.core.models import StoredFile
from boss.core.scoping import Addressable, RealmScoped


class DeliveryState(models.TextChoices):
    QUEUED = "queued", _("Queued")
    SENDING = "sending", _("Being sent")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Not delivered")
    BOUNCED = "bounced", _("Came back")


class Channel(models.TextChoices):
    EMAIL = "email", _("E-mail")


class Message(Addressable):
    """One text, rendered once, for one or more recipients. ``key`` makes sending it twice impossible.

    A ``sealed`` message holds a link that lets its reader in; its bodies are encrypted and shown to nobody.
    """

    realm_only = "what was sent to whom is the provider's record; its reader has it in his mail"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    key = models.CharField(_("key"), max_length=200, editable=False)
    template = models.CharField(_("template"), max_length=60)
    language = models.CharField(_("language"), max_length=10)
    subject = models.CharField(_("subject"), max_length=250)
    text = models.TextField(_("text"))
    html = models.TextField(_("HTML"), blank=True)
    sealed = models.BooleanField(_("sealed"), default=False)
    # What the sender's room wants on the envelope and in the header; "" and {} mean the house's own.
    envelope_from = models.CharField(max_length=320, blank=True, default="", db_default="")
    headers: Any = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()))
    sent_by = models.CharField(_("caused by"), max_length=200)
    created_at = models.DateTimeField(_("written"), auto_now_add=True)

    class Meta(Addressable.Meta):
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [models.UniqueConstraint(fields=["realm_id", "key"], name="notify_message_once")]
        indexes = [models.Index(fields=["realm_id", "-id"], name="notify_newest")]

    def __str__(self) -> str:
        return self.subject


class MessageFile(RealmScoped):
    """A file that goes along with a message, in order."""

    realm_only = "what was sent to whom is the provider's record; its reader has it in his mail"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    message = models.ForeignKey(Message, models.PROTECT, related_name="files")
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+")
    name = models.CharField(_("name"), max_length=120)
    media_type = models.CharField(_("type"), max_length=100)

    class Meta(RealmScoped.Meta):
        verbose_name = _("file of a message")
        verbose_name_plural = _("files of messages")

    def __str__(self) -> str:
        return self.name


class Delivery(FSMModelMixin, Addressable):
    """One message on its way to one recipient. ``due_at`` is the next attempt, or the end of the running one's lease.

    Written and read with the database's clock.
    """

    realm_only = "what was sent to whom is the provider's record; its reader has it in his mail"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"
    dispatch_reads = ("id", "realm_id", "state", "due_at")

    message = models.ForeignKey(Message, models.PROTECT, related_name="deliveries", db_index=False)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices, default=Channel.EMAIL)
    address = models.CharField(_("address"), max_length=254)
    name = models.CharField(_("name"), max_length=120, blank=True)
    state: Any = FSMField(
        _("state"), max_length=10, choices=DeliveryState.choices, default=DeliveryState.QUEUED, protected=True
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due"), db_default=Now())
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True, default="")

    class Meta(Addressable.Meta):
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "message", "channel", "address"], name="notify_delivery_once"),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], name="notify_due", condition=Q(state__in=["queued", "sending"])
            ),
            models.Index(fields=["realm_id", "address", "-id"], name="notify_by_address"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.message_id} → {self.address}"

    @transition(field="state", source=[DeliveryState.QUEUED, DeliveryState.SENDING], target=DeliveryState.SENDING)
    def begin(self) -> None:
        """A worker has it. From SENDING: the worker that had it is gone, its lease has run out."""

    @transition(field="state", source=[DeliveryState.SENDING], target=DeliveryState.SENT)
    def arrive(self) -> None:
        """The mail server has taken it."""

    @transition(field="state", source=[DeliveryState.SENDING], target=DeliveryState.QUEUED)
    def put_back(self) -> None:
        """Not this time; tried again later."""

    @transition(field="state", source=[DeliveryState.SENDING, DeliveryState.SENT], target=DeliveryState.BOUNCED)
    def bounce(self) -> None:
        """A mail server further on has sent it back. From SENDING: the report overtook our own note of sending."""

    @transition(field="state", source=[DeliveryState.SENDING], target=DeliveryState.FAILED)
    def give_up(self) -> None:
        """It cannot be delivered."""
