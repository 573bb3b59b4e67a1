"""Lists of tickets that people come back to: filters, columns and order under a name."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from boss.core.actors import Actor
from boss.core.scoping import Addressable, RealmScoped, ScopedManager, ScopedQuerySet
from boss.tenancy.models import User
from ticketing.choices import SharedWith
from ticketing.models.pools import PoolMember, TalentPool


class SavedViewQuerySet(ScopedQuerySet):
    def visible_to(self, actor: Actor, permission: str | None = None) -> Self:
        """The actor's own, those of his pools, and those shared with all staff. A program has only the last."""
        rows = super().visible_to(actor, permission)
        if actor.is_system:
            return rows
        reached = Q(shared_with=SharedWith.STAFF)
        if actor.user_id is not None:
            mine = PoolMember.objects.filter(user_id=actor.user_id).values("pool_id")
            reached |= Q(owner_id=actor.user_id) | Q(shared_with=SharedWith.POOL, pool_id__in=mine)
        return rows.filter(reached)


class SavedViewManager(ScopedManager.from_queryset(SavedViewQuerySet)):  # type: ignore[misc]
    pass


class SavedView(Addressable):
    """A list of tickets under a name. It widens nobody's sight: whoever opens it sees what he may see anyway.

    ``filters`` are plain texts as ``ticketing.lists`` reads them; they name categories, fields and pools by key, so
    that a view outlives what it names.
    """

    realm_only = "how the provider's people work"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE, DELETE"

    owner = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("owner"))
    name = models.CharField(_("name"), max_length=60)
    shared_with = models.CharField(
        _("shared with"), max_length=8, choices=SharedWith.choices, default=SharedWith.NOBODY
    )
    pool = models.ForeignKey(
        TalentPool, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("talent pool")
    )
    filters: Any = models.JSONField(_("filters"), default=dict, blank=True)
    columns: Any = models.JSONField(_("columns"), default=list, blank=True)
    is_board = models.BooleanField(_("as a board"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = SavedViewManager()

    class Meta(Addressable.Meta):
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        permissions = [("share_savedview", "Can share views of tickets with all staff")]
        constraints = [
            models.CheckConstraint(
                condition=Q(shared_with=SharedWith.POOL) ^ Q(pool=None), name="ticketing_view_of_a_pool_names_it"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ViewPreference(RealmScoped):
    """In which order one person has his views, and which of them his list begins with."""

    realm_only = "how the provider's people work"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    default_view = models.ForeignKey(SavedView, models.SET_NULL, null=True, related_name="+")
    arranged: Any = models.JSONField(default=list)

    class Meta(RealmScoped.Meta):
        verbose_name = _("order of saved views")
        verbose_name_plural = _("orders of saved views")
        constraints = [models.UniqueConstraint(fields=["realm_id", "user"], name="ticketing_preference_once")]

    def __str__(self) -> str:
        return f"{self.user_id}"
