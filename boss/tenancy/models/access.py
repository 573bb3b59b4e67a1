from __future__ import annotations

from typing import ClassVar

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

    realm_only = "what roles there are is the provider's to arrange"

    class Audience(models.TextChoices):
        STAFF = "staff", _("Staff")
        ORGANIZATION = "organization", _("People of an organization")

    key = models.SlugField(_("key"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
    description = models.CharField(_("what it is for"), max_length=200, blank=True, default="")
    built_in = models.BooleanField(_("built-in"), default=False)
    permissions = ArrayField(models.CharField(max_length=100), default=list, blank=True, verbose_name=_("permissions"))
    audience = models.CharField(
        _("meant for"), max_length=12, choices=Audience.choices, default=Audience.STAFF,
        help_text=_("Of a realm's own role; whom a built-in role is meant for is fixed."),
    )  # fmt: skip
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        permissions = [("manage_roles", "Can make, change and archive the realm's own roles")]
        constraints = [models.UniqueConstraint(fields=["realm_id", "key"], name="tenancy_role_key")]

    def __str__(self) -> str:
        return self.name

    def effective_permissions(self) -> frozenset[str]:
        """What the role gives. Of a realm's own role only permissions that exist (still) count."""
        if self.built_in:
            return policies.permissions_of(self.key)
        return frozenset(self.permissions) & policies.every_permission()

    @property
    def is_for(self) -> str:
        """Whom it is meant for: staff, organization, subscriber or program."""
        policy = policies.BUILT_IN.get(self.key) if self.built_in else None
        return policy.audience if policy else str(self.audience)


class RoleGrant(RealmScoped):
    """A role given to a user on the realm, one organization, one site, or the user's own rows."""

    realm_only = "who may do what is the provider's to arrange"

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

    realm_only = "programs act for the provider"

    name = models.CharField(_("name"), max_length=80)
    role = models.ForeignKey(Role, models.PROTECT)
    scopes = ArrayField(models.CharField(max_length=100), null=True, blank=True, verbose_name=_("scopes"))
    secret_hash = models.CharField(max_length=64, editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    source_networks = ArrayField(
        models.CharField(max_length=49), default=list, blank=True, verbose_name=_("networks it may be used from"),
        help_text=_("Empty: from anywhere."),
    )  # fmt: skip
    rotated_from = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta(Addressable.Meta):
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return self.name


class ActingSession(Addressable):
    """A member of staff looked at self-help as one subscriber sees it: read-only, for a while, with a reason.

    It counts while ``ended_at`` is empty and ``ends_at`` is not past; the subscriber sees it in his history.
    """

    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"
    scope_paths: ClassVar[dict[str, str]] = {"own": "subscriber_id"}

    staff = models.ForeignKey(User, models.PROTECT, related_name="+")
    subscriber = models.ForeignKey(User, models.CASCADE, related_name="+")
    reason = models.CharField(_("reason"), max_length=200)
    started_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until at most"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta(Addressable.Meta):
        verbose_name = _("visit as a subscriber")
        verbose_name_plural = _("visits as a subscriber")
        permissions = [("act_as", "Can see self-help as a subscriber sees it")]
        indexes = [models.Index(fields=["realm_id", "subscriber", "-id"], name="tenancy_acting_of")]
