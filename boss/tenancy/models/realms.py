from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import RealmScoped


def every_component() -> list[str]:
    """What a new realm has switched on: all of ``boss.tenancy.components``, which stands above the models."""
    return [
        "ticketing", "workflow", "subscribers", "ipservices", "catalog", "notify", "signup", "selfhelp", "owner",
    ]  # fmt: skip


class Realm(models.Model):
    """A provider: the isolation boundary. Rows are visible to the application only for the realm entered."""

    key = models.SlugField(_("key"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    is_platform = models.BooleanField(
        _("platform"), default=False, help_text=_("The realm of the people who run this installation.")
    )
    time_zone = models.CharField(_("time zone"), max_length=60, default="UTC")
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    languages = ArrayField(models.CharField(max_length=10), default=list, verbose_name=_("languages"), blank=True)
    components = ArrayField(models.CharField(max_length=30), default=every_component, verbose_name=_("components"))
    settings: Any = models.JSONField(_("settings"), default=dict, blank=True)
    canonical_host = models.CharField(
        _("canonical host"), max_length=253, help_text=_("Links in mail are built from this, never from a request.")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("realm")
        verbose_name_plural = _("realms")

    def __str__(self) -> str:
        return self.name


class RealmHost(models.Model):
    """Which realm a host name belongs to: the one table read before a realm is known, so it holds nothing else."""

    host = models.CharField(_("host"), max_length=253, primary_key=True)
    # The column is not called realm_id: this table stands outside the wall on purpose.
    realm = models.ForeignKey(Realm, models.CASCADE, db_column="of_realm", related_name="hosts")

    class Meta:
        verbose_name = _("realm host")
        verbose_name_plural = _("realm hosts")

    def __str__(self) -> str:
        return self.host


class Brand(RealmScoped):
    """What people see of a realm: name, logo, one colour, contact."""

    realm_only = "the provider's face"
    portal_reads = True

    name = models.CharField(_("name"), max_length=80)
    colour = models.CharField(
        _("colour"),
        max_length=7,
        default="#206bc4",
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}\Z", _("Six hexadecimal digits after #, for instance #0ca678."))],
    )
    logo = models.BinaryField(_("logo"), null=True, blank=True, help_text=_("PNG, at most 200 kB."))
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    tagline = models.CharField(_("tagline"), max_length=160, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("brand")
        verbose_name_plural = _("brands")
        constraints = [models.UniqueConstraint(fields=["realm_id"], name="tenancy_one_brand")]

    def __str__(self) -> str:
        return self.name
