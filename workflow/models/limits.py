"""How much of one thing at once, and how often: what an operator allows a server, or a whole realm."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable, RealmScoped

EVERY_TASK = "realm"
"""The key that every automated task of the realm counts for."""

MOST = 1000
"""Largest number a limit can say: each place is a row, and what allows more needs no limit."""


class Limit(Addressable):
    """At most so many tasks at once, or so many begun in any minute, among those whose handler names this key."""

    realm_only = "how much the provider does at once"
    dispatch_reads = ("id", "realm_id", "most_at_once", "most_per_minute")

    key = models.CharField(_("key"), max_length=120)
    most_at_once = models.PositiveSmallIntegerField(_("most at once"), null=True, blank=True)
    most_per_minute = models.PositiveSmallIntegerField(_("most per minute"), null=True, blank=True)

    class Meta(Addressable.Meta):
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        ordering = ["key"]
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "key"], name="workflow_limit_key"),
            models.CheckConstraint(
                condition=models.Q(most_at_once__range=(1, MOST), most_per_minute__isnull=True)
                | models.Q(most_at_once__isnull=True, most_per_minute__range=(1, MOST))
                | models.Q(most_at_once__range=(1, MOST), most_per_minute__range=(1, MOST)),
                name="workflow_limit_says_something",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class LimitSlot(RealmScoped):
    """A place (one task at once) or a start (one beginning a minute) of a limit.

    A place is held as long as its task is claimed with that very attempt, so nobody has to give it back and a worker
    that dies frees it with its lease. A start is used for a minute.
    """

    realm_only = "how much the provider does at once"
    dispatch_reads = ("realm_id", "limit_id", "is_place", "number", "task", "attempt", "used_at")

    limit = models.ForeignKey(Limit, models.CASCADE, related_name="slots", db_index=False)
    is_place = models.BooleanField()
    number = models.PositiveSmallIntegerField()
    # The task's row number without a key to it: what is gone holds nothing.
    task = models.BigIntegerField(null=True)
    attempt = models.PositiveIntegerField(default=0)
    used_at = models.DateTimeField(null=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("slot of a limit")
        verbose_name_plural = _("slots of limits")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "limit", "is_place", "number"], name="workflow_slot_number"),
        ]


class LimitWaiter(RealmScoped):
    """A ready task that found no slot; the oldest are woken when one is free."""

    realm_only = "how much the provider does at once"
    dispatch_reads = ("id", "realm_id", "limit_id", "task")
    dispatch_deletes = True

    limit = models.ForeignKey(Limit, models.CASCADE, related_name="waiters", db_index=False)
    task = models.BigIntegerField()

    class Meta(RealmScoped.Meta):
        verbose_name = _("task waiting for a slot")
        verbose_name_plural = _("tasks waiting for slots")
        constraints = [models.UniqueConstraint(fields=["realm_id", "task"], name="workflow_waiter_once")]
        indexes = [models.Index(fields=["realm_id", "limit", "id"], name="workflow_waiter_oldest")]
