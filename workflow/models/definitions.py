from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable, RealmScoped


class Definition(Addressable):
    """A workflow by name. What it does stands in its versions; ``current`` is the one new runs start on."""

    realm_only = "how the provider works"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    key = models.CharField(_("key"), max_length=80)
    title = models.CharField(_("title"), max_length=160)
    current = models.ForeignKey(
        "workflow.DefinitionVersion", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("version")
    )
    is_archived = models.BooleanField(_("archived"), default=False)

    class Meta(Addressable.Meta):
        verbose_name = _("workflow definition")
        verbose_name_plural = _("workflow definitions")
        constraints = [models.UniqueConstraint(fields=["realm_id", "key"], name="workflow_definition_key")]

    def __str__(self) -> str:
        return self.title


class DefinitionVersion(RealmScoped):
    """One published graph. Never changed, so a run keeps what it started on and processes may cache it."""

    realm_only = "how the provider works"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    definition = models.ForeignKey(Definition, models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField(_("version"))
    document: Any = models.JSONField(_("document"))
    fingerprint = models.CharField(max_length=64)
    published_at = models.DateTimeField(_("published"), auto_now_add=True)
    published_by = models.CharField(_("published by"), max_length=200)
    note = models.TextField(_("what changed"), blank=True, default="")

    class Meta(RealmScoped.Meta):
        verbose_name = _("definition version")
        verbose_name_plural = _("definition versions")
        permissions = [("publish_definition", "Can publish a workflow definition")]
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "definition", "number"], name="workflow_version_number"),
        ]

    def __str__(self) -> str:
        return f"{self.definition} {self.number}"


class DefinitionDraft(Addressable):
    """The one working copy of a definition in its realm. It may be faulty: it is checked when it is published."""

    realm_only = "how the provider works"

    key = models.CharField(_("key"), max_length=80)
    title = models.CharField(_("title"), max_length=160)
    document: Any = models.JSONField(_("document"), default=dict)
    revision = models.PositiveIntegerField(_("revision"), default=1)
    updated_by = models.CharField(_("updated by"), max_length=200)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta(Addressable.Meta):
        verbose_name = _("definition draft")
        verbose_name_plural = _("definition drafts")
        constraints = [models.UniqueConstraint(fields=["realm_id", "key"], name="workflow_draft_key")]

    def __str__(self) -> str:
        return f"{self.title} ({self.revision})"
