from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable


class Organization(Addressable):
    """A corporate account, a property owner, a partner; kinds are open."""

    scope_paths: ClassVar[dict[str, str]] = {"organization": "pk"}
    portal_reads = True

    name = models.CharField(_("name"), max_length=160)
    kind = models.CharField(_("kind"), max_length=40, default="corporate")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(Addressable.Meta):
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")
        constraints = [models.UniqueConstraint(fields=["realm_id", "name"], name="tenancy_organization_name")]

    def __str__(self) -> str:
        return self.name


class Site(Addressable):
    """A physical service location. ``address_norm`` is what look-ups compare; see ``normalise_address``."""

    scope_paths: ClassVar[dict[str, str]] = {
        "organization": "organization_id", "site": "pk", "building": "pk", "own": "users__pk",
    }  # fmt: skip
    # An address is no secret: whoever signs up looks any of them up, and orders and services of two houses name both.
    portal_whole = True
    portal_reads = True

    organization = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="sites")
    street = models.CharField(_("street and number"), max_length=160)
    unit = models.CharField(_("unit"), max_length=40, blank=True)
    city = models.CharField(_("city"), max_length=80)
    region = models.CharField(_("region"), max_length=40, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=16, blank=True)
    country = models.CharField(_("country"), max_length=2, default="US")
    latitude = models.DecimalField(_("latitude"), max_digits=9, decimal_places=6, null=True, blank=True)
    longitude = models.DecimalField(_("longitude"), max_digits=9, decimal_places=6, null=True, blank=True)
    technology = models.CharField(_("technology"), max_length=20, blank=True, help_text=_("hfc, fibre, wireless, …"))
    access_node = models.CharField(_("access node"), max_length=60, blank=True)
    serviceable = models.BooleanField(_("serviceable"), default=True)
    address_norm: Any = models.CharField(max_length=300, editable=False, db_collation="C")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(Addressable.Meta):
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        constraints = [models.UniqueConstraint(fields=["realm_id", "address_norm"], name="tenancy_site_address")]
        indexes = [  # what an outage takes in
            models.Index(fields=["realm_id", "access_node"], name="tenancy_site_node"),
            models.Index(fields=["realm_id", "postal_code"], name="tenancy_site_postal_code"),
            models.Index(fields=["realm_id", "city"], name="tenancy_site_city"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """One line, as people write it."""
        street = f"{self.street} {self.unit}".strip()
        return ", ".join(part for part in (street, self.city, f"{self.region} {self.postal_code}".strip()) if part)
