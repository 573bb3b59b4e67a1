"""Scripts of a realm: small Python texts with typed inputs and outputs. Every version is kept for ever."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.automation.models.endpoints import KEY
from boss.core.scoping import Addressable, RealmScoped


class Script(Addressable):
    """One thing the realm taught BOSS. Workflow tasks name it by ``key`` and run its current version."""

    realm_only = "what the provider taught the machine"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    key = models.CharField(_("key"), max_length=40, validators=[KEY])
    title = models.CharField(_("title"), max_length=120)
    description = models.TextField(_("description"), blank=True, default="")
    current = models.ForeignKey("automation.ScriptVersion", models.PROTECT, null=True, related_name="+", db_index=False)
    is_archived = models.BooleanField(_("archived"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(Addressable.Meta):
        verbose_name = _("script")
        verbose_name_plural = _("scripts")
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["realm_id", "key"], name="automation_script_once")]
        permissions = [
            ("edit_script", "Can write scripts"),
            ("publish_script", "Can publish what another person wrote"),
        ]

    def __str__(self) -> str:
        return self.title


class ScriptVersion(RealmScoped):
    """A text and what it may take, give and use. Only who published it when is ever added."""

    realm_only = "what the provider taught the machine"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    script = models.ForeignKey(Script, models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField(_("number"))
    source = models.TextField(_("text"))
    input_schema: Any = models.JSONField(_("inputs"), default=dict)
    output_schema: Any = models.JSONField(_("outputs"), default=dict)
    endpoints: Any = models.JSONField(_("endpoints"), default=list)
    nothing_to_undo = models.BooleanField(_("nothing to undo"), default=False)
    wall_seconds = models.PositiveSmallIntegerField(_("seconds it may take"), default=10)
    memory_mb = models.PositiveSmallIntegerField(_("MB of memory it may use"), default=128)
    most_calls = models.PositiveSmallIntegerField(_("calls it may make"), default=20)
    sha256 = models.CharField(max_length=64)
    note = models.CharField(_("what changed"), max_length=200, blank=True, default="")
    written_at = models.DateTimeField(auto_now_add=True)
    written_by = models.CharField(max_length=200)
    writer = models.CharField(max_length=60)
    published_at = models.DateTimeField(null=True)
    published_by = models.CharField(max_length=200, blank=True, default="")

    class Meta(RealmScoped.Meta):
        verbose_name = _("version of a script")
        verbose_name_plural = _("versions of scripts")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "script", "number"], name="automation_version_once"),
            models.CheckConstraint(
                condition=models.Q(wall_seconds__gte=1, wall_seconds__lte=60)
                & models.Q(memory_mb__gte=32, memory_mb__lte=512)
                & models.Q(most_calls__lte=200),
                name="automation_version_limits",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}"
