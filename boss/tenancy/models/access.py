from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable, RealmScoped
from boss.tenancy import policies
from boss.tenancy.models.people import User
from boss.tenancy.models.places import Organization, Site


class Role(RealmScoped):
    """A named set of permissions. A built-in role's permissions live in ``policies.py``; a realm's own here."""

    key = models.SlugField(_("key"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
    built_in = models.BooleanField(_("built-in"), default=False)
    permissions = ArrayField(models.CharField(max_length=100), default=list, blank=True, verbose_name=_("permissions"))

    class Meta(RealmScoped.Meta):
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        constraints = [models.UniqueConstraint(fields=["realm_id", "key"], name="tenancy_role_key")]

    def __str__(self) -> str:
        return self.name

    def effective_permissions(self) -> frozenset[str]:
        return policies.permissions_of(self.key) if self.built_in else frozenset(self.permissions)


class RoleGrant(RealmScoped):
    """A role given to a user on the realm, one organization, one site, or the user's own rows."""

    class Kind(models.TextChoices):
        REALM = "realm", _("Realm")
        ORGANIZATION = "organization", _("Organization")
        SITE = "site", _("Site")
        OWN = "own", _("Own rows")

    user = models.ForeignKey(User, models.CASCADE, related_name="role_grants")
    role = models.ForeignKey(Role, models.PROTECT, related_name="grants")
    kind = models.CharField(_("scope"), max_length=12, choices=Kind.choices)
    organization = models.ForeignKey(Organization, models.CASCADE, null=True, blank=True)
    site = models.ForeignKey(Site, models.CASCADE, null=True, blank=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("role grant")
        verbose_name_plural = _("role grants")
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "user", "role", "kind", "organization", "site"],
                name="tenancy_grant_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="tenancy_grant_target",
                condition=(
                    Q(kind__in=["realm", "own"], organization=None, site=None)
                    | Q(kind="organization", organization__isnull=False, site=None)
                    | Q(kind="site", organization=None, site__isnull=False)
                ),
            ),
        ]


class ApiKey(Addressable):
    """A program's key: ``boss_<public id>_<secret>``. Only the SHA-256 of the secret is kept; scopes only narrow."""

    name = models.CharField(_("name"), max_length=80)
    role = models.ForeignKey(Role, models.PROTECT)
    scopes = ArrayField(models.CharField(max_length=100), null=True, blank=True, verbose_name=_("scopes"))
    secret_hash = models.CharField(max_length=64, editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    class Meta(Addressable.Meta):
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return self.name
