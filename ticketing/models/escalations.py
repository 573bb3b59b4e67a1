"""What is to happen when a promise comes near its end, and what staff are to be told."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import RealmScoped
from boss.tenancy.models import User
from ticketing.choices import DeadlinePurpose
from ticketing.models.policies import PolicyVersion, SlaClock
from ticketing.models.tickets import Ticket


class EscalationTimer(RealmScoped):
    """One step of a ladder for one clock, fired once. ``due_at`` is None while its moment is not known, when the clock
    has stopped, and after it was fired. ``done`` says what came of its acts."""

    realm_only = "the desk's own"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"
    dispatch_reads = ("id", "realm_id", "due_at")

    clock = models.ForeignKey(SlaClock, models.PROTECT, related_name="timers", db_index=False)
    policy_version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="+", db_index=False)
    step = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField(null=True, blank=True)
    fired_at = models.DateTimeField(null=True, blank=True)
    done: Any = models.JSONField(default=list, blank=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("step of an escalation")
        verbose_name_plural = _("steps of escalations")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "clock", "step"], name="ticketing_step_once"),
            models.CheckConstraint(condition=Q(fired_at=None) | Q(due_at=None), name="ticketing_fired_is_not_due"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="ticketing_timers_due"),
        ]

    def __str__(self) -> str:
        return f"step {self.step} of {self.clock_id}"


class TicketDeadline(RealmScoped):
    """Something that happens to a ticket by itself if nothing else does before: its pool is told that nobody has it,
    its customer is reminded, it is resolved, it is closed. One row for each purpose.

    ``since`` is what it is counted from; a ticket that moves on begins anew. ``due_at`` is None when it has happened
    (``fired_at``) or is not to happen any more. ``done`` says what came of it.
    """

    realm_only = "the desk's own"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"
    dispatch_reads = ("id", "realm_id", "due_at")

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="deadlines", db_index=False)
    purpose = models.CharField(max_length=12, choices=DeadlinePurpose.choices)
    since = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    fired_at = models.DateTimeField(null=True, blank=True)
    done = models.CharField(max_length=300, blank=True, default="")

    class Meta(RealmScoped.Meta):
        verbose_name = _("deadline of a ticket")
        verbose_name_plural = _("deadlines of tickets")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "ticket", "purpose"], name="ticketing_deadline_once"),
            models.CheckConstraint(condition=Q(fired_at=None) | Q(due_at=None), name="ticketing_past_is_not_due"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="ticketing_deadlines_due"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} of {self.ticket_id}"


class StaffNotice(RealmScoped):
    """Something a person of the staff is to be told about a ticket, once (``key``). What waits for one person at the
    same time goes out as one mail. ``due_at`` is None when it was told, is not to be told any more, or stands in the
    console alone (``in_app``). ``after_end``: it is told although the ticket has ended."""

    realm_only = "what staff are told about their work"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"
    dispatch_reads = ("id", "realm_id", "user_id", "due_at")

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="notices")
    key = models.CharField(max_length=120)
    text = models.CharField(_("text"), max_length=300)
    is_page = models.BooleanField(default=False)
    written_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    in_app = models.BooleanField(default=False, db_default=False)
    after_end = models.BooleanField(default=False, db_default=False)
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("notice to staff")
        verbose_name_plural = _("notices to staff")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "user", "key"], name="ticketing_notice_once"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="ticketing_notices_due"),
            models.Index(fields=["realm_id", "user", "told_at"], name="ticketing_notices_told"),
            models.Index(fields=["realm_id", "user", "-id"], condition=Q(in_app=True), name="ticketing_notices_in_app"),
        ]

    def __str__(self) -> str:
        return self.text
