"""One thing done to many tickets: what was asked, and what became of each."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.actors import Actor
from boss.core.scoping import Addressable, RealmScoped, ScopedManager, ScopedQuerySet
from ticketing.choices import BulkResult, BulkVerb
from ticketing.models.tickets import Ticket


class TicketBulkQuerySet(ScopedQuerySet):
    def visible_to(self, actor: Actor, permission: str | None = None) -> Self:
        """What the actor has asked for himself: its tickets were chosen by what he may see."""
        rows = super().visible_to(actor, permission)
        return rows if actor.is_system else rows.filter(asked_by_kind=actor.kind, asked_by_number=actor.number)


class TicketBulkManager(ScopedManager.from_queryset(TicketBulkQuerySet)):  # type: ignore[misc]
    pass


class TicketBulk(Addressable):
    """An action on chosen tickets. Whoever asked is looked up again for each ticket, so that a right that was taken
    away meanwhile is gone. ``given`` is what the verb wants to know. ``key`` makes a second sending of the same form
    the same action."""

    realm_only = "the provider acts on many at once"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"
    dispatch_reads = ("id", "realm_id", "due_at")

    verb = models.CharField(_("action"), max_length=8, choices=BulkVerb.choices)
    given: Any = models.JSONField(default=dict)
    key = models.CharField(max_length=64, blank=True, default="")
    asked_by = models.CharField(_("asked by"), max_length=200)
    asked_by_kind = models.CharField(max_length=10)
    asked_by_number = models.BigIntegerField(null=True)
    asked_at = models.DateTimeField(_("asked"), auto_now_add=True)
    total = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True, help_text="When the sweeper must ring again; null once it is over.")
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects: ClassVar[Any] = TicketBulkManager()

    class Meta(Addressable.Meta):
        verbose_name = _("action on many tickets")
        verbose_name_plural = _("actions on many tickets")
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "asked_by_kind", "asked_by_number", "key"],
                condition=~models.Q(key=""),
                nulls_distinct=False,
                name="ticketing_bulk_once",
            ),
        ]
        indexes = [
            # The sweeper looks through all realms at once.
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="ticketing_bulk_due"),
        ]

    def __str__(self) -> str:
        return f"{self.get_verb_display()} × {self.total}"


class TicketBulkItem(RealmScoped):
    """One ticket of an action, as it was seen when it was chosen. Its result is written in the transaction of its
    effect."""

    realm_only = "the provider acts on many at once"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    bulk = models.ForeignKey(TicketBulk, models.CASCADE, related_name="items", db_index=False)
    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="bulk_items", db_index=False)
    version = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    result = models.CharField(_("result"), max_length=8, choices=BulkResult.choices, default=BulkResult.PENDING)
    text: Any = models.TextField(_("what was said"), blank=True, default="")

    class Meta(RealmScoped.Meta):
        verbose_name = _("ticket of an action on many")
        verbose_name_plural = _("tickets of an action on many")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "bulk", "ticket"], name="ticketing_bulk_ticket_once")
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.result}"
