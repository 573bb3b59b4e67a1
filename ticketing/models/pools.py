"""Talent pools: who can do which work, and how it comes to them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import RealmScoped
from boss.tenancy.models import Calendar, User
from ticketing.assignment.kinds import RESTING, Strategy
from ticketing.assignment.weights import MOST

REALM_ONLY = "how the provider arranges its people"


class TalentPool(RealmScoped):
    """A named group of staff that tickets wait for.

    ``strategy`` gives its tickets to people, and where that finds nobody ``otherwise`` does. ``relax_after``: every
    so long without anybody who fits, what a ticket asks for is loosened by a step. ``weights``: how many units of
    capacity a ticket takes, by priority and by category (1 where nothing is said). ``look_at``: when it is to be
    looked at next whether somebody can have what waits here.
    ``absent_after``: open tickets of whoever is away for so much of his hours come back; ``absence_look_at`` likewise.
    """

    realm_only = REALM_ONLY
    portal_reads = True  # joined to a ticket; its customer is not shown it
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"
    dispatch_reads = ("id", "realm_id", "look_at", "absence_look_at")

    key = models.SlugField(_("key"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
    description = models.CharField(_("description"), max_length=200, blank=True)
    strategy = models.CharField(
        _("given out"), max_length=12, choices=Strategy.choices, default=Strategy.MANUAL,
        db_default=Strategy.MANUAL.value,
    )  # fmt: skip
    otherwise = models.CharField(
        _("if that finds nobody"), max_length=12, choices=Strategy.choices, blank=True, default="", db_default=""
    )
    calendar = models.ForeignKey(
        Calendar, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, verbose_name=_("hours")
    )
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("pool above")
    )
    relax_after = models.DurationField(_("loosen after"), null=True, blank=True)
    weights: Any = models.JSONField(_("weights"), default=dict, db_default={}, blank=True)
    look_at = models.DateTimeField(null=True, blank=True, editable=False)
    absent_after = models.DurationField(_("put back after an absence of"), null=True, blank=True)
    absence_look_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(RealmScoped.Meta):
        verbose_name = _("talent pool")
        verbose_name_plural = _("talent pools")
        permissions = [("manage_pools", "Can create talent pools and change their members")]
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "key"], name="ticketing_pool_key"),
            models.CheckConstraint(condition=Q(parent=None) | ~Q(parent=F("id")), name="ticketing_pool_not_own_parent"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def strategies(self) -> list[Strategy]:
        """The strategies in their order."""
        return [Strategy(each) for each in (self.strategy, self.otherwise) if each]

    @property
    def is_automatic(self) -> bool:
        """Its tickets are given to people; else people help themselves."""
        return self.strategy not in RESTING


class PoolMember(RealmScoped):
    """One person in one pool: what she can do (``skills``: level 1 to 5 by key), what she speaks, where she works
    (no ``zones``: everywhere), when (``calendar``, else the pool's), and up to how many units of work this pool gives
    her more. ``last_given_at`` and ``freed_at``: when she was last given a ticket here, and when one ended."""

    realm_only = REALM_ONLY
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE, DELETE"

    pool = models.ForeignKey(TalentPool, models.PROTECT, related_name="members", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="pool_memberships")
    since = models.DateTimeField(auto_now_add=True)
    skills: Any = models.JSONField(_("skills"), default=dict, db_default={}, blank=True)
    languages = ArrayField(models.CharField(max_length=10), default=list, db_default=[], blank=True)
    zones = ArrayField(models.CharField(max_length=60), default=list, db_default=[], blank=True)
    calendar = models.ForeignKey(
        Calendar, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, verbose_name=_("hours")
    )
    capacity = models.PositiveSmallIntegerField(_("capacity"), default=8, db_default=8)
    last_given_at = models.DateTimeField(null=True, blank=True, editable=False)
    freed_at = models.DateTimeField(null=True, blank=True, editable=False)

    MOST_CAPACITY: ClassVar[int] = 200
    HEAVIEST: ClassVar[int] = MOST

    class Meta(RealmScoped.Meta):
        verbose_name = _("pool member")
        verbose_name_plural = _("pool members")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "pool", "user"], name="ticketing_member_once"),
            models.CheckConstraint(condition=Q(capacity__lte=200), name="ticketing_member_capacity"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.pool_id}"


class PoolSupervisor(RealmScoped):
    """Somebody who answers for a pool: sees its workload, passes work on, is told when a ticket finds nobody."""

    realm_only = REALM_ONLY
    database_rights: ClassVar[str] = "SELECT, INSERT, DELETE"

    pool = models.ForeignKey(TalentPool, models.PROTECT, related_name="supervisors", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")

    class Meta(RealmScoped.Meta):
        verbose_name = _("supervisor of a pool")
        verbose_name_plural = _("supervisors of pools")
        constraints = [models.UniqueConstraint(fields=["realm_id", "pool", "user"], name="ticketing_supervisor_once")]

    def __str__(self) -> str:
        return f"{self.user_id} over {self.pool_id}"


class RotaShift(RealmScoped):
    """Who is on call for a pool in ``[starts_at, ends_at)``."""

    realm_only = REALM_ONLY
    database_rights: ClassVar[str] = "SELECT, INSERT, DELETE"

    pool = models.ForeignKey(TalentPool, models.PROTECT, related_name="shifts", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))

    class Meta(RealmScoped.Meta):
        verbose_name = _("shift on call")
        verbose_name_plural = _("shifts on call")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "pool", "user", "starts_at"], name="ticketing_shift_once"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="ticketing_shift_has_length"),
        ]
        indexes = [models.Index(fields=["realm_id", "pool", "ends_at"], name="ticketing_shifts_of_pool")]

    def __str__(self) -> str:
        return f"{self.user_id} from {self.starts_at}"
