"""Provisioned services, what was done to them at which server, and what was there before."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from boss.core.scoping import Addressable, RealmScoped
from boss.tenancy.models import Site
from ipservices.choices import AskedChange, CallOutcome, RestrictionLevel, ServiceState
from ipservices.models.bindings import Binding
from subscribers.models import Account, Subscription

_LIVE = ~Q(state=ServiceState.TERMINATED)


class Service(Addressable):
    """One provisioned thing of a subscription: a mailbox, a line, a zone, an address.

    ``desired`` are the neutral attributes of its kind; ``observed`` is the last read-back, ``drift`` in what it
    differs. ``restriction`` is the operator's suspension and ``switched_off`` the owner's own switches: what holds is
    both. ``revision`` counts changes of the desired state, ``applied_revision`` is the last one a server confirmed.
    """

    scope_paths: ClassVar[dict[str, str]] = {
        "organization": "account__organization_id",
        "site": "site_id",
        "own": "account__user_id",
    }
    portal_reads = True
    portal_hidden = ("sealed_secrets",)
    dispatch_reads = ("id", "realm_id", "public_id", "state", "revision", "applied_revision", "asked")

    account = models.ForeignKey(Account, models.PROTECT, related_name="services")
    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="services")
    site = models.ForeignKey(Site, models.PROTECT, related_name="services")
    feature_key = models.CharField(_("feature"), max_length=60)
    title = models.CharField(_("title"), max_length=120)
    family = models.CharField(_("family"), max_length=30)
    kind = models.CharField(_("kind"), max_length=30)
    name = models.CharField(_("name"), max_length=255, blank=True, default="")
    ordinal = models.PositiveSmallIntegerField(default=1)
    binding = models.ForeignKey(Binding, models.PROTECT, related_name="services", null=True, blank=True)
    state = FSMField(
        _("state"), default=ServiceState.DESIGNED, choices=ServiceState.choices, protected=True, max_length=12
    )
    desired = models.JSONField(_("desired"), default=dict)
    sealed_secrets = models.TextField(blank=True, default="", editable=False)
    switched_off = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    restriction = models.CharField(
        _("restriction"), max_length=16, choices=RestrictionLevel.choices, default=RestrictionLevel.NONE
    )
    restriction_reason = models.CharField(max_length=120, blank=True, default="")
    revision = models.PositiveIntegerField(default=1)
    applied_revision = models.PositiveIntegerField(default=0)
    observed = models.JSONField(null=True, blank=True)
    observed_at = models.DateTimeField(null=True, blank=True)
    drift = models.JSONField(default=list, blank=True)
    asked = models.CharField(max_length=10, choices=AskedChange.choices, blank=True, default="", editable=False)
    designed_by = models.CharField(max_length=200, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    terminated_at = models.DateTimeField(null=True, blank=True)

    class Meta(Addressable.Meta):
        verbose_name = _("service")
        verbose_name_plural = _("services")
        ordering = ["id"]
        constraints = [
            # Two living services never stand for the same native object.
            models.UniqueConstraint(
                fields=["realm_id", "family", "kind", "name"],
                condition=_LIVE & ~Q(name=""),
                name="ipservices_service_name_once",
            ),
            models.UniqueConstraint(
                fields=["realm_id", "subscription", "feature_key", "kind", "ordinal"],
                condition=_LIVE,
                name="ipservices_service_ordinal_once",
            ),
            models.CheckConstraint(
                condition=Q(applied_revision__lte=models.F("revision")), name="ipservices_revision_order"
            ),
        ]
        indexes = [
            models.Index(fields=["realm_id", "account", "id"], name="ipservices_service_account"),
            models.Index(fields=["realm_id", "subscription", "family"], name="ipservices_service_subscr"),
            models.Index(
                fields=["realm_id", "id"],
                condition=Q(applied_revision__lt=models.F("revision"), state__in=["active", "suspended"])
                | ~Q(asked=""),
                name="ipservices_service_behind",
            ),
        ]
        permissions = [("observe_service", "Can look at the server itself")]

    def __str__(self) -> str:
        return f"{self.title}: {self.name}" if self.name else self.title

    @property
    def service_ref(self) -> str:
        """The id written into the native object."""
        return f"svc-{self.public_id}"

    @property
    def full_kind(self) -> str:
        return f"{self.family}.{self.kind}"

    @property
    def is_behind(self) -> bool:
        """True while a server has not confirmed the latest desired state."""
        return self.applied_revision < self.revision

    @transition(field=state, source=ServiceState.DESIGNED, target=ServiceState.RESERVED)
    def reserve(self) -> None:
        """Its scarce resources (address, number, port) are set aside."""

    @transition(field=state, source=ServiceState.RESERVED, target=ServiceState.DESIGNED)
    def unreserve(self) -> None:
        """They were given back."""

    @transition(field=state, source=[ServiceState.DESIGNED, ServiceState.RESERVED], target=ServiceState.ACTIVE)
    def activate(self) -> None:
        """A server confirmed it."""

    @transition(field=state, source=[ServiceState.ACTIVE, ServiceState.SUSPENDED], target=ServiceState.DESIGNED)
    def withdraw(self) -> None:
        """Its activation was undone."""

    @transition(field=state, source=ServiceState.ACTIVE, target=ServiceState.SUSPENDED)
    def suspend(self) -> None:
        """A restriction was put on it."""

    @transition(field=state, source=ServiceState.SUSPENDED, target=ServiceState.ACTIVE)
    def resume(self) -> None:
        """The restriction was lifted."""

    @transition(
        field=state,
        source=[ServiceState.DESIGNED, ServiceState.RESERVED, ServiceState.ACTIVE, ServiceState.SUSPENDED],
        target=ServiceState.TERMINATED,
    )
    def terminate(self) -> None:
        """It is gone for good."""

    @transition(field=state, source=ServiceState.TERMINATED, target=ServiceState.ACTIVE)
    def reinstate(self) -> None:
        """Its removal was undone."""


class DriverCall(Addressable):
    """One call of a driver: a sentence for people, the masked exchange for whoever wants to know exactly."""

    scope_paths: ClassVar[dict[str, str]] = {
        "organization": "service__account__organization_id",
        "site": "service__site_id",
    }

    service = models.ForeignKey(Service, models.PROTECT, related_name="calls", null=True, blank=True, db_index=False)
    binding = models.ForeignKey(Binding, models.PROTECT, related_name="calls", db_index=False)
    operation = models.CharField(_("operation"), max_length=20)
    sentence = models.CharField(_("what happened"), max_length=500)
    request = models.JSONField(_("request"), default=dict)
    answer = models.JSONField(_("answer"), default=list)
    outcome = models.CharField(_("outcome"), max_length=10, choices=CallOutcome.choices, default=CallOutcome.RUNNING)
    error_code = models.CharField(max_length=80, blank=True, default="")
    error = models.TextField(blank=True, default="")
    key = models.CharField(max_length=200, blank=True, default="")
    attempt = models.PositiveIntegerField(default=1)
    run_public_id = models.CharField(_("run"), max_length=12, blank=True, default="")
    actor_label = models.CharField(max_length=200, blank=True, default="")
    started_at = models.DateTimeField(auto_now_add=True)
    milliseconds = models.PositiveIntegerField(null=True)

    class Meta(Addressable.Meta):
        verbose_name = _("driver call")
        verbose_name_plural = _("driver calls")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["realm_id", "service", "-id"], name="ipservices_call_service"),
            models.Index(fields=["realm_id", "binding", "-id"], name="ipservices_call_binding"),
            models.Index(
                fields=["realm_id", "run_public_id", "-id"],
                condition=~Q(run_public_id=""),
                name="ipservices_call_run",
            ),
        ]

    def __str__(self) -> str:
        return self.sentence


class FormerState(RealmScoped):
    """What a server and the service row held before one task touched them, so that undo restores exactly that.

    Written before the first attempt and never again: a later attempt would only find what the first one left.
    ``sealed_observed`` is empty where there was nothing.
    """

    realm_only = "kept to undo a change, with what staff alone may see"

    service = models.ForeignKey(Service, models.PROTECT, related_name="former_states")
    key = models.CharField(max_length=200)
    sealed_observed = models.TextField(blank=True, default="")
    row = models.JSONField(default=dict)
    kept_at = models.DateTimeField(auto_now_add=True)
    restored_at = models.DateTimeField(null=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("former state")
        verbose_name_plural = _("former states")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "service", "key"], name="ipservices_former_once"),
        ]
        indexes = [models.Index(fields=["realm_id", "key"], name="ipservices_former_key")]


class UsageRecord(RealmScoped):
    """What a service used between two readings of its server."""

    realm_only = "read by the meters"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    service = models.ForeignKey(Service, models.PROTECT, related_name="usage", db_index=False)
    metric = models.CharField(max_length=40)
    amount = models.BigIntegerField()
    read_at = models.DateTimeField(auto_now_add=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("usage")
        verbose_name_plural = _("usage")
        indexes = [models.Index(fields=["realm_id", "service", "metric", "-read_at"], name="ipservices_usage_recent")]


def row_picture(service: Service) -> dict[str, Any]:
    """The columns of a service that a task may change, for putting them back."""
    return {
        "state": service.state,
        "desired": service.desired,
        "sealed_secrets": service.sealed_secrets,
        "switched_off": list(service.switched_off),
        "restriction": service.restriction,
        "restriction_reason": service.restriction_reason,
        "asked": service.asked,
        "observed": service.observed,
        "drift": service.drift,
    }
