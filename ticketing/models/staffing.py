"""What tickets ask of people, where people are at the moment, and which tickets have found nobody yet."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import RealmScoped
from boss.tenancy.models import User
from ticketing.assignment.kinds import PresenceState
from ticketing.models.categories import Category
from ticketing.models.pools import REALM_ONLY, TalentPool
from ticketing.models.tickets import Ticket


class Skill(RealmScoped):
    """Something a person can be more or less good at, of the provider's own list."""

    realm_only = REALM_ONLY
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    key = models.SlugField(_("key"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
    is_archived = models.BooleanField(_("archived"), default=False)

    class Meta(RealmScoped.Meta):
        verbose_name = _("skill")
        verbose_name_plural = _("skills")
        constraints = [models.UniqueConstraint(fields=["realm_id", "key"], name="ticketing_skill_key")]

    def __str__(self) -> str:
        return self.name


class CategoryNeed(RealmScoped):
    """What tickets of a category, and of those below it, ask for: a skill at a level, or a language.

    ``language`` is a code or "customer": the one the customer has. With ``field`` and ``value`` only where the ticket's
    field has that value. ``is_wish``: better with it, and given up first when nobody fits.
    """

    class Kind(models.TextChoices):
        SKILL = "skill", _("Skill")
        LANGUAGE = "language", _("Language")

    CUSTOMERS: ClassVar[str] = "customer"

    realm_only = REALM_ONLY
    database_rights: ClassVar[str] = "SELECT, INSERT, DELETE"

    category = models.ForeignKey(Category, models.PROTECT, related_name="needs", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    skill = models.ForeignKey(Skill, models.PROTECT, null=True, blank=True, related_name="+")
    level = models.PositiveSmallIntegerField(_("level"), default=1)
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    field = models.CharField(_("only where the field"), max_length=60, blank=True, default="")
    value = models.CharField(_("is"), max_length=200, blank=True, default="")
    is_wish = models.BooleanField(_("only wished for"), default=False)

    class Meta(RealmScoped.Meta):
        verbose_name = _("what a category asks for")
        verbose_name_plural = _("what categories ask for")
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "category", "kind", "skill", "field", "value"], nulls_distinct=False,
                name="ticketing_need_once",
            ),
            models.CheckConstraint(
                condition=Q(kind="skill", skill__isnull=False, level__gte=1, level__lte=5, language="")
                | (Q(kind="language", skill=None) & ~Q(language="")),
                name="ticketing_need_is_whole",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.category_id}: {self.skill_id or self.language}"


class StaffPresence(RealmScoped):
    """Where somebody says to be, why and until when, and the last sign of life. See ``assignment.presence``."""

    realm_only = "where staff are at the moment"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    user = models.OneToOneField(User, models.CASCADE, related_name="+")
    state = models.CharField(
        _("presence"), max_length=10, choices=PresenceState.choices, default=PresenceState.OFFLINE
    )  # fmt: skip
    reason = models.CharField(_("reason"), max_length=120, blank=True, default="")
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"), null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("presence")
        verbose_name_plural = _("presences")

    def __str__(self) -> str:
        return f"{self.user_id} {self.state}"


class PoolWait(RealmScoped):
    """A ticket that waits in a pool which gives tickets out, ``since`` when. ``put_back_by`` had it and gave it back.
    ``told_at``: when the supervisors were told that it finds nobody. Gone when somebody has it who is the first."""

    realm_only = "the desk's own"

    ticket = models.OneToOneField(Ticket, models.PROTECT, related_name="+")
    pool = models.ForeignKey(TalentPool, models.PROTECT, related_name="+")
    since = models.DateTimeField()
    put_back_by = ArrayField(models.BigIntegerField(), default=list, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("waiting ticket")
        verbose_name_plural = _("waiting tickets")

    def __str__(self) -> str:
        return f"{self.ticket_id} in {self.pool_id}"
