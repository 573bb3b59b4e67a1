"""Features: capabilities a provider can sell, with the typed characteristics they need."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core import schema
from boss.core.scoping import Addressable, RealmScoped
from catalog.choices import Fulfilment, RelationKind, ServiceFamily


class Feature(Addressable):
    """A sellable capability, for instance ``mail.mailbox``. Its characteristics become forms, checks and desired state.

    ``family`` is where it is shown; ``driver_family`` names the family of drivers that must provide it (often the
    same; ``game.boost`` is sold as data and provided by access). Blank: nothing is provisioned by a driver.
    """

    realm_only = "what is on sale is one list for all, with a permission of its own"
    portal_reads = True

    key = models.CharField(_("key"), max_length=60)
    family = models.CharField(_("family"), max_length=30)
    title = models.CharField(_("title"), max_length=120)
    description = models.TextField(_("description"), blank=True, default="")
    characteristics = models.JSONField(_("characteristics"), default=list, blank=True)
    fulfilment = models.CharField(
        _("made real by"), max_length=10, choices=Fulfilment.choices, default=Fulfilment.DRIVER
    )
    driver_family = models.CharField(_("driver family"), max_length=30, blank=True, default="")
    health_note = models.CharField(
        _("health check"), max_length=300, blank=True, default="", help_text=_("How one sees that it works.")
    )
    usage_unit = models.CharField(_("unit of use"), max_length=20, blank=True, default="")

    class Meta(Addressable.Meta):
        verbose_name = _("feature")
        verbose_name_plural = _("features")
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["realm_id", "key"], name="catalog_feature_key_once")]

    def __str__(self) -> str:
        return f"{self.title} ({self.key})"

    @property
    def schema(self) -> list[schema.Characteristic]:
        return schema.from_json(self.characteristics)

    @property
    def family_label(self) -> str:
        """The family in words; a family of the realm's own is shown by its key."""
        return str(dict(ServiceFamily.choices).get(self.family, self.family))


class FeatureRelation(RealmScoped):
    """``feature`` depends on, or excludes, ``other`` within one subscription."""

    realm_only = "what is on sale is one list for all, with a permission of its own"
    portal_reads = True

    feature = models.ForeignKey(Feature, models.CASCADE, related_name="relations")
    other = models.ForeignKey(Feature, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=RelationKind.choices)

    class Meta(RealmScoped.Meta):
        verbose_name = _("relation between features")
        verbose_name_plural = _("relations between features")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "feature", "other"], name="catalog_relation_once"),
            models.CheckConstraint(condition=~models.Q(feature=models.F("other")), name="catalog_relation_not_self"),
        ]

    def __str__(self) -> str:
        return f"{self.feature.key} {self.get_kind_display()} {self.other.key}"
