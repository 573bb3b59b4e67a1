"""Talent pools: who can do which work."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import RealmScoped
from boss.tenancy.models import User


class TalentPool(RealmScoped):
    """A named group of staff that tickets wait for."""

    realm_only = "how the provider arranges its people"
    portal_reads = True  # joined to a ticket; its customer is not shown it
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    key = models.SlugField(_("key"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
    description = models.CharField(_("description"), max_length=200, blank=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("talent pool")
        verbose_name_plural = _("talent pools")
        permissions = [("manage_pools", "Can create talent pools and change their members")]
        constraints = [models.UniqueConstraint(fields=["realm_id", "key"], name="ticketing_pool_key")]

    def __str__(self) -> str:
        return self.name


class PoolMember(RealmScoped):
    """One person in one pool."""

    realm_only = "how the provider arranges its people"
    database_rights: ClassVar[str] = "SELECT, INSERT, DELETE"

    pool = models.ForeignKey(TalentPool, models.PROTECT, related_name="members", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="pool_memberships")
    since = models.DateTimeField(auto_now_add=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("pool member")
        verbose_name_plural = _("pool members")
        constraints = [models.UniqueConstraint(fields=["realm_id", "pool", "user"], name="ticketing_member_once")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.pool_id}"
