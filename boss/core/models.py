"""The cellar's own tables: facts waiting to be delivered, the audit trail, remembered answers, edited fields."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import RealmScoped


class Fact(RealmScoped):
    """A published fact, written in the transaction that made it true."""

    realm_only = "the outbox of the machine: nobody reads it as a row"

    name = models.CharField(max_length=100)
    payload = models.JSONField()
    published_at = models.DateTimeField(auto_now_add=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("fact")
        verbose_name_plural = _("facts")


class FactDelivery(RealmScoped):
    """One handler's copy of a fact: delivered at least once, retried until done."""

    realm_only = "the outbox of the machine: nobody reads it as a row"

    fact = models.ForeignKey(Fact, models.CASCADE, related_name="deliveries", db_index=False)
    handler = models.CharField(max_length=150)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")

    class Meta(RealmScoped.Meta):
        verbose_name = _("fact delivery")
        verbose_name_plural = _("fact deliveries")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "fact", "handler"], name="core_delivery_once"),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="core_delivery_due", condition=models.Q(delivered_at=None)),
        ]


class AuditEntry(RealmScoped):
    """Who did what to what, with before and after. Insert-only for the application."""

    realm_only = "who did what is for the provider's own auditors"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    at = models.DateTimeField(auto_now_add=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=200)
    action = models.CharField(max_length=100)
    subject_kind = models.CharField(max_length=100)
    subject_id = models.BigIntegerField(null=True)
    subject_label = models.CharField(max_length=200, blank=True, default="")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True, default="")

    class Meta(RealmScoped.Meta):
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        indexes = [
            models.Index(fields=["realm_id", "subject_kind", "subject_id", "-id"], name="core_audit_subject"),
            models.Index(fields=["realm_id", "-at"], name="core_audit_recent"),
        ]


class RememberedAnswer(RealmScoped):
    """The first answer to an ``Idempotency-Key``, kept in the transaction of its effect."""

    realm_only = "looked up by the key that its sender alone knows"

    principal = models.CharField(max_length=80)
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    location = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("remembered answer")
        verbose_name_plural = _("remembered answers")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "principal", "key"], name="core_answer_once"),
        ]


class NumberSeries(RealmScoped):
    """The next human number of a kind in a realm: accounts, orders, tickets."""

    realm_only = "a counter of the realm"

    kind = models.CharField(max_length=40)
    next_value = models.BigIntegerField(default=1)

    class Meta(RealmScoped.Meta):
        verbose_name = _("number series")
        verbose_name_plural = _("number series")
        constraints = [models.UniqueConstraint(fields=["realm_id", "kind"], name="core_series_once")]
