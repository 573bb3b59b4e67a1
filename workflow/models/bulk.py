"""One thing done to many runs: what was asked, and what became of each."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable, RealmScoped
from workflow.choices import BulkKind, BulkOutcome
from workflow.models.columns import ClockTimestamp
from workflow.models.runs import Run


class Bulk(Addressable):
    """An action on chosen runs. Whoever asked is looked up again for each run, so that a right that was taken away
    meanwhile is gone. ``key`` makes a second sending of the same form the same action."""

    realm_only = "the provider acts on many at once"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"
    dispatch_reads = ("id", "realm_id", "due_at")
    dispatch_writes = ("due_at",)

    kind = models.CharField(_("kind"), max_length=10, choices=BulkKind.choices)
    reason = models.TextField(_("reason"), blank=True, default="")
    version = models.PositiveIntegerField(_("version"), null=True, blank=True)
    key = models.CharField(max_length=200, blank=True, default="")
    asked_by = models.CharField(_("asked by"), max_length=200)
    asked_by_kind = models.CharField(max_length=10)
    asked_by_number = models.BigIntegerField(null=True)
    asked_at = models.DateTimeField(_("asked"), db_default=ClockTimestamp())
    total = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True, help_text="When the sweeper must ring again; null once it is over.")
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta(Addressable.Meta):
        verbose_name = _("bulk action")
        verbose_name_plural = _("bulk actions")
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "asked_by_kind", "asked_by_number", "key"],
                condition=~models.Q(key=""),
                nulls_distinct=False,
                name="workflow_bulk_once",
            ),
        ]
        indexes = [
            # The sweeper looks through all realms at once.
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="workflow_bulk_due"),
            models.Index(fields=["realm_id", "-id"], name="workflow_bulk_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} × {self.total}"


class BulkItem(RealmScoped):
    """One run of a bulk action. Its outcome is written in the transaction of its effect."""

    realm_only = "the provider acts on many at once"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    bulk = models.ForeignKey(Bulk, models.CASCADE, related_name="items", db_index=False)
    run = models.ForeignKey(Run, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    position = models.PositiveIntegerField()
    outcome = models.CharField(
        _("outcome"), max_length=8, choices=BulkOutcome.choices, default=BulkOutcome.PENDING, db_index=False
    )
    text: Any = models.TextField(_("what was said"), blank=True, default="")
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("run of a bulk action")
        verbose_name_plural = _("runs of a bulk action")
        constraints = [models.UniqueConstraint(fields=["realm_id", "bulk", "run"], name="workflow_bulk_run_once")]

    def __str__(self) -> str:
        return f"{self.position} {self.outcome}"
