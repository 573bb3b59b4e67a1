"""Categories: the unit of configuration of the desk."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from boss.core.schema import Characteristic, from_json
from boss.core.scoping import RealmScoped
from ticketing.choices import CategoryKind, Priority
from ticketing.models.pools import TalentPool


class Category(RealmScoped):
    """A kind of ticket: its fields, pool, priority, targets. At most two levels; archived, never deleted."""

    realm_only = "how the provider arranges its work"
    portal_reads = True
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    key = models.SlugField(_("key"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
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


class CategorySchema(RealmScoped):
    """One published version of a category's fields. Immutable: tickets keep the version they were opened with."""

    realm_only = "how the provider arranges its work"
    portal_reads = True
    database_rights: ClassVar[str] = "SELECT, INSERT"

    category = models.ForeignKey(Category, models.PROTECT, related_name="schemas", db_index=False)
    version = models.PositiveIntegerField(_("version"))
    characteristics: Any = models.JSONField(_("fields"), default=list)
    published_at = models.DateTimeField(auto_now_add=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("category fields")
        verbose_name_plural = _("category fields")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "category", "version"], name="ticketing_schema_version"),
        ]

    def __str__(self) -> str:
        return f"{self.category_id} v{self.version}"

    def fields(self) -> list[Characteristic]:
        return from_json(self.characteristics)
