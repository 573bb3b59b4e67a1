"""Servers a realm provisions on: which driver, how to reach it, when to choose it, how it is."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable, RealmScoped
from ipservices.choices import Placement


class Binding(Addressable):
    """A driver configured for a realm and one family.

    The lowest ``position`` whose ``rules`` fit wins. ``rules`` maps ``kinds``, ``features``, ``technologies`` to lists;
    a rule left out fits everything. Secrets are sealed to this row and never leave it in clear.
    """

    realm_only = "the provider's servers"
    portal_reads = True  # whether it is healthy, beside a customer's service
    portal_hidden = ("settings", "sealed_secrets", "usage_cursor", "lease_cursor")
    dispatch_reads = ("id", "realm_id", "enabled")

    name = models.CharField(_("name"), max_length=80)
    driver_key = models.CharField(_("driver"), max_length=60)
    family = models.CharField(_("family"), max_length=30)
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    sealed_secrets = models.TextField(blank=True, default="", editable=False)
    rules = models.JSONField(_("chosen for"), default=dict, blank=True)
    position = models.PositiveSmallIntegerField(_("order"), default=100)
    placement = models.CharField(_("where it is"), max_length=12, choices=Placement.choices, default=Placement.ON_SITE)
    enabled = models.BooleanField(_("enabled"), default=True)
    deadline_seconds = models.FloatField(_("seconds a call may take"), default=10.0)
    usage_cursor = models.JSONField(default=dict, blank=True, editable=False)
    lease_cursor = models.JSONField(default=dict, blank=True, editable=False)
    healthy = models.BooleanField(_("healthy"), null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(Addressable.Meta):
        verbose_name = _("binding")
        verbose_name_plural = _("bindings")
        ordering = ["family", "position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "name"], name="ipservices_binding_name_once"),
            models.CheckConstraint(
                condition=models.Q(deadline_seconds__gt=0, deadline_seconds__lte=120),
                name="ipservices_binding_deadline",
            ),
        ]
        permissions = [
            ("manage_bindings", "Can set up servers and their secrets"),
            ("set_fault", "Can make simulated servers fail"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def limit_key(self) -> str:
        """What a limit on this server is set for: how many tasks talk to it at once, how many in a minute."""
        return f"binding:{self.public_id}"

    def fits(self, *, kind: str, feature_key: str = "", technology: str = "") -> bool:
        """Whether the rules let this binding provide a service of ``kind`` ("dns.host")."""
        asked: dict[str, str] = {"kinds": kind, "features": feature_key, "technologies": technology}
        rules: dict[str, Any] = self.rules
        return all(not rules.get(rule) or value in rules[rule] for rule, value in asked.items())


class BindingNode(RealmScoped):
    """One machine of a server that has several: the same service, reached with ``settings`` in place of the binding's.

    Calls go to the first in order that is not known to be dead; when it does not answer, the same call goes on to the
    next. ``failed_at`` is when it last did not answer, and empty again as soon as it does.
    """

    realm_only = "the provider's servers"

    binding = models.ForeignKey(Binding, models.CASCADE, related_name="nodes", db_index=False)
    position = models.PositiveSmallIntegerField(_("order"))
    name = models.CharField(_("name"), max_length=80)
    settings = models.JSONField(_("settings"), default=dict)
    failed_at = models.DateTimeField(_("did not answer at"), null=True, editable=False)
    detail = models.TextField(blank=True, default="", editable=False)

    class Meta(RealmScoped.Meta):
        verbose_name = _("node")
        verbose_name_plural = _("nodes")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "binding", "position"], name="ipservices_node_place_once"),
            models.UniqueConstraint(fields=["realm_id", "binding", "name"], name="ipservices_node_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class ConformanceReport(Addressable):
    """What came of running the conformance kit on a binding's own server.

    ``results`` is a list of {kind, check, outcome, detail, milliseconds}; outcomes are those of
    ``conformance.own.Outcome``. Not finished: a worker is at it, or was lost on the way.
    """

    realm_only = "the provider's servers"

    binding = models.ForeignKey(Binding, models.CASCADE, related_name="conformance_reports", db_index=False)
    started_at = models.DateTimeField(_("started"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True, editable=False)
    results = models.JSONField(_("results"), default=list)
    passed = models.PositiveSmallIntegerField(_("kept"), default=0)
    broken = models.PositiveSmallIntegerField(_("broken"), default=0)

    class Meta(Addressable.Meta):
        verbose_name = _("conformance report")
        verbose_name_plural = _("conformance reports")
        ordering = ["-id"]
        indexes = [models.Index(fields=["realm_id", "binding", "-id"], name="ipservices_conform_recent")]

    def __str__(self) -> str:
        return f"{self.binding} {self.started_at:%Y-%m-%d}"


class ContainerLock(RealmScoped):
    """A lease on one native container (a zone, a user) while a driver changes it.

    A row and not an advisory lock, because no transaction may stay open while a server is being talked to. ``until``
    lies behind the call's deadline, so a holder that died is succeeded without anybody's help.
    """

    realm_only = "the provider's servers"

    binding = models.ForeignKey(Binding, models.CASCADE, related_name="+", db_index=False)
    container = models.CharField(max_length=300)
    holder = models.CharField(max_length=40)
    until = models.DateTimeField()

    class Meta(RealmScoped.Meta):
        verbose_name = _("container lock")
        verbose_name_plural = _("container locks")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "binding", "container"], name="ipservices_container_once"),
        ]


class HealthSample(RealmScoped):
    """One look at a server: can BOSS change things, are subscribers being served."""

    realm_only = "the provider's servers"
    database_rights: ClassVar[str] = "SELECT, INSERT, DELETE"

    binding = models.ForeignKey(Binding, models.CASCADE, related_name="health_samples", db_index=False)
    at = models.DateTimeField(auto_now_add=True)
    control = models.BooleanField(_("can be changed"))
    service = models.BooleanField(_("serves"))
    detail = models.TextField(blank=True, default="")
    milliseconds = models.PositiveIntegerField(default=0)

    class Meta(RealmScoped.Meta):
        verbose_name = _("health sample")
        verbose_name_plural = _("health samples")
        indexes = [models.Index(fields=["realm_id", "binding", "-at"], name="ipservices_health_recent")]
