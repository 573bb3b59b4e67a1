"""Comparing what is sold, what stands in the inventory and what a server holds: each comparison and what it found."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable
from ipservices.choices import ComparisonStage, FindingKind, FindingResolution, FindingWay
from ipservices.models.bindings import Binding
from ipservices.models.services import Service
from subscribers.models import Subscription


class InTurns(Addressable):
    """Long work that workers do in turns. ``holder`` has it until ``until``, a worker that died is succeeded then.

    ``due_at`` is when the sweep must ring again; none while there is nothing to do.
    """

    holder = models.CharField(max_length=40, blank=True, default="", editable=False)
    until = models.DateTimeField(null=True, editable=False)
    due_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta(Addressable.Meta):
        abstract = True


class Comparison(InTurns):
    """One comparison of a server. It goes on stage by stage, batch by batch.

    How far the stage is: ``place`` in what the server lists, ``cursor`` (a primary key) in what stands here.
    """

    realm_only = "the provider's servers"
    dispatch_reads = ("id", "realm_id", "due_at")
    dispatch_writes = ("due_at",)

    binding = models.ForeignKey(Binding, models.CASCADE, related_name="comparisons", db_index=False)
    asked_by = models.CharField(_("asked by"), max_length=200)
    started_at = models.DateTimeField(_("started"), auto_now_add=True)
    stage = models.CharField(max_length=10, choices=ComparisonStage.choices, default=ComparisonStage.HELD)
    cursor = models.BigIntegerField(default=0, editable=False)
    place = models.TextField(blank=True, default="", editable=False)
    counts = models.JSONField(_("counts"), default=dict, blank=True)
    tries = models.PositiveSmallIntegerField(default=0, editable=False)
    error = models.TextField(_("error"), blank=True, default="")

    class Meta(InTurns.Meta):
        abstract = False
        verbose_name = _("comparison")
        verbose_name_plural = _("comparisons")
        ordering = ["-id"]
        constraints = [
            # One comparison of a server at a time.
            models.UniqueConstraint(
                fields=["realm_id", "binding"], condition=Q(finished_at=None), name="ipservices_comparison_once"
            ),
        ]
        indexes = [
            models.Index(fields=["realm_id", "binding", "-id"], name="ipservices_comparison_recent"),
            # The sweep looks through all realms at once.
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="ipservices_comparison_due"),
        ]

    def __str__(self) -> str:
        return self.binding.name


class Finding(Addressable):
    """One point in which a server, the inventory and what is sold do not agree.

    ``differences`` are fields with the wanted and the found value; nothing secret and no native picture. One that is
    found again keeps its ``first_seen_at``. ``key`` names the same point over all comparisons. While a run repairs it,
    ``run_id`` is that run's and ``resolved_at`` is none.
    """

    realm_only = "the provider's servers"

    binding = models.ForeignKey(Binding, models.CASCADE, related_name="findings", db_index=False)
    comparison = models.ForeignKey(Comparison, models.CASCADE, related_name="findings", db_index=False)
    service = models.ForeignKey(Service, models.PROTECT, related_name="findings", null=True, blank=True)
    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="+", null=True, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=FindingKind.choices)
    key = models.CharField(max_length=330, editable=False)
    full_kind = models.CharField(_("object"), max_length=60)
    name = models.CharField(_("name"), max_length=255, blank=True, default="")
    service_ref = models.CharField(max_length=40, blank=True, default="")
    reason = models.CharField(_("reason"), max_length=500)
    differences = models.JSONField(_("differences"), default=list, blank=True)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolution = models.CharField(
        _("resolution"), max_length=10, choices=FindingResolution.choices, blank=True, default=""
    )
    way = models.CharField(max_length=10, choices=FindingWay.choices, blank=True, default="", editable=False)
    asked_by = models.CharField(max_length=200, blank=True, default="", editable=False)
    run_id = models.BigIntegerField(null=True, editable=False)
    run_public_id = models.CharField(max_length=12, blank=True, default="", editable=False)
    former_key = models.CharField(max_length=200, blank=True, default="", editable=False)
    sealed_former = models.TextField(blank=True, default="", editable=False)

    scope_paths: ClassVar[dict[str, str]] = {}

    class Meta(Addressable.Meta):
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "binding", "key"], condition=Q(resolved_at=None), name="ipservices_finding_once"
            ),
            models.CheckConstraint(
                condition=Q(resolved_at=None, resolution="") | Q(resolved_at__isnull=False) & ~Q(resolution=""),
                name="ipservices_finding_resolved",
            ),
        ]
        indexes = [
            models.Index(fields=["realm_id", "-id"], name="ipservices_finding_recent"),
            models.Index(
                fields=["realm_id", "binding", "kind"], condition=Q(resolved_at=None), name="ipservices_finding_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.name or self.full_kind}"

    @property
    def is_being_resolved(self) -> bool:
        """Whether a run is at it now."""
        return self.run_id is not None and self.resolved_at is None
