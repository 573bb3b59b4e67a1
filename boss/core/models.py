"""The cellar's own tables: facts waiting to be delivered, the audit trail, remembered answers, edited fields."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable, RealmScoped


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
    dispatch_reads = ("realm_id", "due_at", "delivered_at")

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


class CurrentTransaction(models.Func):
    """The number of the transaction that writes the row, filled in by the database."""

    template = "(pg_current_xact_id()::text::bigint)"
    output_field = models.BigIntegerField()


class AuditEntry(RealmScoped):
    """Who did what to what and from where, with before and after. Insert-only; sealed by ``boss.core.sealing``."""

    realm_only = "who did what is for the provider's own auditors"
    database_rights: ClassVar[str] = "SELECT, INSERT"
    system_rights: ClassVar[str] = "SELECT, INSERT"
    # DELETE is for retention alone, which leaves the seal of what it took.
    seal_rights: ClassVar[str] = "SELECT, DELETE"

    at = models.DateTimeField(auto_now_add=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=200)
    # Whom the actor stood in for: staff who look at self-help as a subscriber.
    on_behalf_of_id = models.BigIntegerField(null=True)
    on_behalf_of_label = models.CharField(max_length=200, blank=True, default="")
    action = models.CharField(max_length=100)
    subject_kind = models.CharField(max_length=100)
    subject_id = models.BigIntegerField(null=True)
    subject_label = models.CharField(max_length=200, blank=True, default="")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True, default="")
    address = models.GenericIPAddressField(null=True)
    tx = models.BigIntegerField(db_default=CurrentTransaction(), editable=False)
    epoch = models.IntegerField(db_default=0, editable=False)

    class Meta(RealmScoped.Meta):
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        indexes = [
            models.Index(fields=["realm_id", "subject_kind", "subject_id", "-id"], name="core_audit_subject"),
            models.Index(fields=["realm_id", "-at"], name="core_audit_recent"),
            models.Index(fields=["realm_id", "actor_kind", "actor_id", "-id"], name="core_audit_person"),
            models.Index(fields=["realm_id", "epoch", "tx"], name="core_audit_sealing"),
        ]


class AuditSeal(RealmScoped):
    """A link of a realm's chain: the digest of the entries written by transactions ``tx_from`` up to ``tx_to``."""

    realm_only = "the chain over the realm's whole trail"
    database_rights: ClassVar[str] = "SELECT"
    system_rights: ClassVar[str] = "SELECT"
    seal_rights: ClassVar[str] = "SELECT, INSERT, UPDATE (pruned_at)"

    number = models.IntegerField()
    epoch = models.IntegerField()
    form = models.PositiveSmallIntegerField()
    tx_from = models.BigIntegerField()
    tx_to = models.BigIntegerField()
    rows = models.IntegerField()
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    until_at = models.DateTimeField()
    digest = models.BinaryField()
    hash = models.BinaryField()
    sealed_at = models.DateTimeField(db_default=Now())
    pruned_at = models.DateTimeField(null=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("audit seal")
        verbose_name_plural = _("audit seals")
        constraints = [models.UniqueConstraint(fields=["realm_id", "number"], name="core_seal_number")]


class AuditCheck(RealmScoped):
    """What the last verification of a realm's chain found. One row a realm."""

    realm_only = "the chain over the realm's whole trail"
    database_rights: ClassVar[str] = "SELECT"
    system_rights: ClassVar[str] = "SELECT"
    seal_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    at = models.DateTimeField()
    seals = models.IntegerField()
    until_at = models.DateTimeField(null=True)
    breaks = models.JSONField(default=list)

    class Meta(RealmScoped.Meta):
        verbose_name = _("audit check")
        verbose_name_plural = _("audit checks")
        constraints = [models.UniqueConstraint(fields=["realm_id"], name="core_one_check")]


class PreparedFile(Addressable):
    """A file that a task makes because a request could not wait for it. Its parts lie in the database compressed.

    In the database and not on a disk: web and workers need not share one, and the second wall stands before it.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("Being made")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.ASKED)
    asked_by_id = models.BigIntegerField(null=True, editable=False)
    asked_by = models.CharField(_("asked for by"), max_length=200)
    asked_at = models.DateTimeField(_("asked at"), auto_now_add=True)
    ready_at = models.DateTimeField(_("ready at"), null=True)
    expires_at = models.DateTimeField(_("kept until"), null=True)
    name = models.CharField(_("file name"), max_length=120)
    media_type = models.CharField(max_length=80)
    content = models.BinaryField(null=True)
    size = models.BigIntegerField(_("size"), null=True, help_text=_("Bytes of the file, uncompressed."))
    sha256 = models.CharField(max_length=64, blank=True, default="")
    error = models.CharField(max_length=300, blank=True, default="")

    class Meta(Addressable.Meta):
        abstract = True

    def __str__(self) -> str:
        return self.name


class AuditExport(PreparedFile):
    """The audit trail, or the part that ``wanted`` names, as a file."""

    realm_only = "who did what is for the provider's own auditors"
    dispatch_reads = ("id", "realm_id", "state")

    wanted: Any = models.JSONField(default=dict)
    format = models.CharField(max_length=5, choices=[("csv", "CSV"), ("jsonl", "JSON lines")])
    rows = models.IntegerField(_("entries"), null=True)

    class Meta(PreparedFile.Meta):
        abstract = False
        verbose_name = _("audit export")
        verbose_name_plural = _("audit exports")


class FileScan(models.TextChoices):
    """What is known of a file from the scanner. UNSCANNED: the installation has none."""

    PENDING = "pending", _("Being checked")
    CLEAN = "clean", _("Checked")
    BLOCKED = "blocked", _("Blocked")
    UNSCANNED = "unscanned", _("Not checked for viruses")


class StoredFile(RealmScoped):
    """The bytes of a file that somebody brought, once for each realm however many rows name them.

    What it is called, and who may have it, says the row that names it.
    """

    realm_only = "who may have a file is decided by the row that names it"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"
    dispatch_reads = ("id", "realm_id", "scan", "scan_due_at")

    sha256 = models.CharField(max_length=64, db_collation="C")
    size = models.BigIntegerField(_("size"))
    media_type = models.CharField(max_length=100)
    content = models.BinaryField()
    scan = models.CharField(_("virus scan"), max_length=10, choices=FileScan.choices)
    scan_note = models.CharField(max_length=200, blank=True, default="")
    scan_due_at = models.DateTimeField(db_default=Now())
    scanned_at = models.DateTimeField(null=True)
    kept_at = models.DateTimeField(auto_now_add=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("stored file")
        verbose_name_plural = _("stored files")
        constraints = [models.UniqueConstraint(fields=["realm_id", "sha256"], name="core_file_once")]
        indexes = [models.Index(fields=["scan_due_at"], condition=Q(scan="pending"), name="core_file_scan_due")]

    def __str__(self) -> str:
        return self.sha256[:12]


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
