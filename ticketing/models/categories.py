"""Categories: the unit of configuration of the desk."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import RealmScoped
from ticketing import fields as field_defs
from ticketing import languages, points
from ticketing import statuses as status_defs
from ticketing.choices import CategoryKind, Priority
from ticketing.fields import FieldDef
from ticketing.models.pools import TalentPool
from ticketing.points import Point
from ticketing.statuses import StatusDef


class Category(RealmScoped):
    """A kind of ticket: its fields, pool, priority, targets. At most two levels; archived, never deleted."""

    realm_only = "how the provider arranges its work"
    portal_reads = True
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    key = models.SlugField(_("key"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
    names: Any = models.JSONField(_("name in other languages"), default=dict, db_default={}, blank=True)
    kind = models.CharField(_("kind"), max_length=12, choices=CategoryKind.choices, default=CategoryKind.SUPPORT)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    default_pool = models.ForeignKey(
        TalentPool, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("default pool")
    )
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority.choices, default=Priority.NORMAL)
    number_prefix = models.CharField(
        _("number prefix"), max_length=8, blank=True, help_text=_("Letters before the number; the realm's when empty.")
    )
    portal_visible = models.BooleanField(
        _("offered to customers"), default=False, help_text=_("Subscribers may open tickets of this category.")
    )
    first_reply_target = models.DurationField(_("first reply within"), null=True, blank=True)
    resolve_target = models.DurationField(_("resolved within"), null=True, blank=True)
    schema_version = models.PositiveIntegerField(_("version of the fields"), default=0)
    is_archived = models.BooleanField(_("archived"), default=False)

    class Meta(RealmScoped.Meta):
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        permissions = [("manage_categories", "Can create and change ticket categories")]
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "key"], name="ticketing_category_key"),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="ticketing_category_not_own_parent"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        """Its name in the language of whoever is answered."""
        return str(self.names.get(languages.spoken()) or self.name)


class CategorySchema(RealmScoped):
    """One published version of a category's fields and statuses. Immutable: tickets keep theirs until edited."""

    realm_only = "how the provider arranges its work"
    portal_reads = True
    database_rights: ClassVar[str] = "SELECT, INSERT"

    category = models.ForeignKey(Category, models.PROTECT, related_name="schemas", db_index=False)
    version = models.PositiveIntegerField(_("version"))
    characteristics: Any = models.JSONField(_("fields"), default=list)
    statuses: Any = models.JSONField(_("statuses"), default=list, db_default=[])
    checklist: Any = models.JSONField(_("checklist"), default=list, db_default=[])
    published_at = models.DateTimeField(auto_now_add=True)
    published_by = models.CharField(_("published by"), max_length=200, blank=True, default="", db_default="")
    note = models.CharField(_("what changed"), max_length=500, blank=True, default="", db_default="")

    class Meta(RealmScoped.Meta):
        verbose_name = _("category fields")
        verbose_name_plural = _("category fields")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "category", "version"], name="ticketing_schema_version"),
        ]

    def __str__(self) -> str:
        return f"{self.category_id} v{self.version}"

    def fields(self) -> list[FieldDef]:
        """The fields, in the language of whoever is answered."""
        return field_defs.said(field_defs.from_json(self.characteristics))

    def points(self) -> list[Point]:
        """What every ticket of the category is to have done, in order."""
        return points.read(self.checklist)

    def own_statuses(self) -> list[StatusDef]:
        """The statuses the category names itself."""
        return status_defs.from_json(self.statuses)

    def status_defs(self) -> list[StatusDef]:
        """All of them, with the standard ones where the category has no word of its own."""
        return status_defs.said(status_defs.effective(self.own_statuses()))


class CategoryDraft(RealmScoped):
    """The one working copy of a category's fields and statuses. It may be faulty: publishing checks it."""

    realm_only = "how the provider arranges its work"

    category = models.OneToOneField(Category, models.CASCADE, related_name="draft")
    characteristics: Any = models.JSONField(_("fields"), default=list)
    statuses: Any = models.JSONField(_("statuses"), default=list)
    checklist: Any = models.JSONField(_("checklist"), default=list, db_default=[])
    revision = models.PositiveIntegerField(_("revision"), default=1)
    updated_by = models.CharField(_("updated by"), max_length=200)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("category draft")
        verbose_name_plural = _("category drafts")

    def __str__(self) -> str:
        return f"{self.category_id} ({self.revision})"

    def points(self) -> list[Point]:
        return points.read(self.checklist)
