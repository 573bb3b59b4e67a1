from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable, ScopedManager
from boss.tenancy.models.places import Organization, Site


class UserManager(ScopedManager):
    def get_by_natural_key(self, login_key: str) -> Any:
        return self.get(login_key=login_key)


class User(AbstractBaseUser, Addressable):
    """A person who can sign in: staff of the realm, a subscriber at a site, or a contact of an organization.

    E-mail is unique per realm. ``organization`` is whose person a contact is, and who may administer him; a resident
    of a building is nobody's person, so that its owner learns nothing of him (ADR 0020).
    """

    class Kind(models.TextChoices):
        STAFF = "staff", _("Staff")
        SUBSCRIBER = "subscriber", _("Subscriber")
        CONTACT = "contact", _("Contact of an organization")

    scope_paths: ClassVar[dict[str, str]] = {"organization": "organization_id", "own": "pk"}
    searched = ("full_name",)
    portal_reads = True

    # Django wants one globally unique name; e-mails are unique only within a realm, so this is opaque.
    login_key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(_("e-mail"))
    email_norm = models.CharField(max_length=254, editable=False, db_collation="C")
    full_name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    site = models.ForeignKey(Site, models.PROTECT, null=True, blank=True, related_name="users")
    organization = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="people")
    phone = models.CharField(_("phone"), max_length=24, blank=True)
    language = models.CharField(_("language"), max_length=10, default="en")
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "login_key"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta(Addressable.Meta):
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "email_norm"], name="tenancy_user_email"),
            models.CheckConstraint(
                name="tenancy_contact_has_organization",
                condition=models.Q(kind="contact", organization__isnull=False)
                | (~models.Q(kind="contact") & models.Q(organization=None)),
            ),
        ]

    def __str__(self) -> str:
        return self.full_name

    def get_full_name(self) -> str:
        return self.full_name

    def get_short_name(self) -> str:
        return self.full_name.split(" ")[0]

    # Django's own questions (admin, templates) go through RealmBackend like every other.
    def has_perm(self, perm: str, obj: Any = None) -> bool:
        from django.contrib.auth import get_backends

        return any(backend.has_perm(self, perm, obj) for backend in get_backends() if hasattr(backend, "has_perm"))

    def has_perms(self, perm_list: Any, obj: Any = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_platform_operator

    @property
    def is_staff(self) -> bool:
        """May enter the Django admin: platform operators only."""
        return self.is_platform_operator

    @property
    def is_platform_operator(self) -> bool:
        from boss.tenancy import selectors

        return self.is_active and self.kind == self.Kind.STAFF and selectors.is_platform(self.realm_id)
