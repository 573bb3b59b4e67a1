"""Other machines a realm's scripts and workflows may ask, under a name, within rules."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.automation.choices import CallState, EndpointKind
from boss.core.scoping import Addressable

KEY = RegexValidator(r"^[a-z][a-z0-9_-]{0,39}\Z", _("Lower-case letters, digits, - and _, a letter first."))


class Endpoint(Addressable):
    """A machine and what may be asked of it. Secrets are sealed to this row and never leave it in clear."""

    realm_only = "machines of the provider"

    key = models.CharField(_("key"), max_length=40, validators=[KEY])
    title = models.CharField(_("title"), max_length=120)
    kind = models.CharField(_("kind"), max_length=10, choices=EndpointKind.choices)
    settings: Any = models.JSONField(_("settings"), default=dict, blank=True)
    sealed_secrets = models.TextField(blank=True, default="", editable=False)
    deadline_seconds = models.FloatField(_("seconds a call may take"), default=10.0)
    enabled = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(Addressable.Meta):
        verbose_name = _("endpoint")
        verbose_name_plural = _("endpoints")
        ordering = ["key"]
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "key"], name="automation_endpoint_once"),
            models.CheckConstraint(
                condition=models.Q(deadline_seconds__gt=0, deadline_seconds__lte=60),
                name="automation_endpoint_deadline",
            ),
        ]
        permissions = [("manage_endpoints", "Can set up endpoints and their secrets")]

    def __str__(self) -> str:
        return self.title

    @property
    def limit_key(self) -> str:
        """What a limit on this endpoint is set for."""
        return f"endpoint:{self.key}"


class EndpointCall(Addressable):
    """One call, written before it is made and again when it has ended. A call that "runs" for long was lost."""

    realm_only = "machines of the provider"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE, DELETE"

    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="calls", db_index=False)
    key = models.CharField(max_length=200)
    sentence = models.CharField(max_length=300)
    state = models.CharField(max_length=8, choices=CallState.choices, default=CallState.RUNNING)
    error = models.TextField(blank=True, default="")
    answer: Any = models.JSONField(null=True, help_text="Of calls that are answered once and for all: tickets.")
    by = models.CharField(max_length=200)
    started_at = models.DateTimeField(auto_now_add=True)
    milliseconds = models.PositiveIntegerField(default=0)

    class Meta(Addressable.Meta):
        verbose_name = _("call of an endpoint")
        verbose_name_plural = _("calls of endpoints")
        indexes = [
            models.Index(fields=["realm_id", "endpoint", "-id"], name="automation_call_recent"),
            models.Index(fields=["realm_id", "key"], name="automation_call_key"),
        ]

    def __str__(self) -> str:
        return self.sentence
