"""Policies as versioned data, the hours they count by, and the clocks of tickets with everything on record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from boss.core.calendars import ALWAYS, BusinessCalendar
from boss.core.scoping import Addressable, RealmScoped
from boss.tenancy.models.calendars import intervals
from ticketing.models.categories import Category
from ticketing.models.tickets import Ticket
from ticketing.sla.kinds import ClockKind, ClockState, PolicyKind
from ticketing.sla.reckoning import Pause, Recorded, Term


class Policy(Addressable):
    """Something the provider has decided about its tickets. What holds is ``current``; ``draft`` is being written."""

    realm_only = "how the provider arranges its work"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    kind = models.CharField(_("kind"), max_length=12, choices=PolicyKind.choices)
    key = models.SlugField(_("key"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
    current = models.ForeignKey(
        "ticketing.PolicyVersion", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    draft: Any = models.JSONField(_("draft"), null=True, blank=True)
    drafted_by = models.CharField(max_length=200, blank=True, default="")
    drafted_at = models.DateTimeField(null=True, blank=True)
    is_archived = models.BooleanField(_("archived"), default=False)

    class Meta(Addressable.Meta):
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        permissions = [("manage_policies", "Can write and publish policies of tickets")]
        constraints = [models.UniqueConstraint(fields=["realm_id", "key"], name="ticketing_policy_key")]

    def __str__(self) -> str:
        return self.name


class PolicyVersion(RealmScoped):
    """One published text of a policy. Immutable: clocks name the version they run by."""

    realm_only = "how the provider arranges its work"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    policy = models.ForeignKey(Policy, models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField(_("number"))
    rules: Any = models.JSONField(_("rules"), default=dict)
    note = models.CharField(_("what changed"), max_length=200, blank=True, default="")
    published_at = models.DateTimeField(auto_now_add=True)
    published_by = models.CharField(max_length=200)

    class Meta(RealmScoped.Meta):
        verbose_name = _("version of a policy")
        verbose_name_plural = _("versions of policies")
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["realm_id", "policy", "number"], name="ticketing_policy_once")]

    def __str__(self) -> str:
        return f"{self.policy_id} v{self.number}"


class PolicyUse(RealmScoped):
    """Where a policy holds: in a category and those below it, or (without one) in the whole realm. Nearest wins."""

    realm_only = "how the provider arranges its work"

    kind = models.CharField(max_length=12, choices=PolicyKind.choices)
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="uses", db_index=False)
    category = models.ForeignKey(Category, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)

    class Meta(RealmScoped.Meta):
        verbose_name = _("use of a policy")
        verbose_name_plural = _("uses of policies")
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "kind", "category"], nulls_distinct=False, name="ticketing_policy_of_category"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy_id} in {self.category_id or 'realm'}"


class CalendarVersion(RealmScoped):
    """Hours as they were when a clock was agreed by them. The provider's calendar goes on changing; this does not."""

    realm_only = "opening hours of the provider"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    key = models.SlugField(_("key"), max_length=40)
    number = models.PositiveIntegerField(_("number"))
    name = models.CharField(_("name"), max_length=80)
    time_zone = models.CharField(_("time zone"), max_length=60)
    weekly: Any = models.JSONField(_("opening hours"), default=dict)
    holidays = ArrayField(models.DateField(), default=list, verbose_name=_("holidays"))
    taken_at = models.DateTimeField(auto_now_add=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("version of a calendar")
        verbose_name_plural = _("versions of calendars")
        constraints = [models.UniqueConstraint(fields=["realm_id", "key", "number"], name="ticketing_calendar_once")]

    def __str__(self) -> str:
        return f"{self.key} v{self.number}"

    def as_hours(self) -> BusinessCalendar:
        return BusinessCalendar(self.time_zone, intervals(self.weekly), frozenset(self.holidays))


class SlaClock(RealmScoped):
    """One promise of a ticket. Its truth are terms and pauses; ``state`` and ``due_at`` say what was reckoned of them
    when something last happened, so that lists sort without reckoning.

    ``pauses_in`` are the states in which it stands still, as agreed when it began. ``round`` counts the clocks of the
    kind on this ticket. ``is_internal``: agreed among staff, with no customer (an OLA).
    """

    realm_only = "the desk's own; customers read when their ticket is due"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="clocks", db_index=False)
    kind = models.CharField(_("kind"), max_length=8, choices=ClockKind.choices)
    round = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(_("state"), max_length=8, choices=ClockState.choices, default=ClockState.RUNNING)
    started_at = models.DateTimeField(_("started"))
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    pauses_in = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    is_internal = models.BooleanField(default=False)

    class Meta(RealmScoped.Meta):
        verbose_name = _("promise")
        verbose_name_plural = _("promises")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "ticket", "kind", "round"], name="ticketing_clock_round"),
            models.UniqueConstraint(
                fields=["realm_id", "ticket", "kind"], condition=Q(stopped_at=None), name="ticketing_one_clock_runs"
            ),
        ]
        indexes = [
            # For reports: promises by when they were kept, and by when their time ran out.
            models.Index(
                fields=["realm_id", "stopped_at"], include=["kind", "state", "ticket", "started_at"],
                condition=Q(stopped_at__isnull=False), name="ticketing_clocks_stopped",
            ),
            models.Index(
                fields=["realm_id", "due_at"], include=["kind", "state", "ticket"],
                condition=~Q(state=ClockState.MET), name="ticketing_clocks_late",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} of {self.ticket_id}"


class SlaTerm(RealmScoped):
    """What was agreed for a clock, from ``since`` on: see :class:`ticketing.sla.reckoning.Term`. Only ever added.

    Without a ``calendar`` every hour counts; without a ``policy_version`` the category's own targets hold, or an
    instant (``fixed_at``) that was given when the ticket was opened.
    """

    realm_only = "the desk's own; customers read when their ticket is due"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    clock = models.ForeignKey(SlaClock, models.PROTECT, related_name="terms")
    since = models.DateTimeField()
    target = models.DurationField()
    fixed_at = models.DateTimeField(null=True, blank=True)
    calendar = models.ForeignKey(CalendarVersion, models.PROTECT, null=True, related_name="+", db_index=False)
    policy_version = models.ForeignKey(PolicyVersion, models.PROTECT, null=True, related_name="+", db_index=False)
    reason = models.CharField(max_length=200, blank=True, default="")
    written_at = models.DateTimeField(auto_now_add=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("term of a promise")
        verbose_name_plural = _("terms of promises")

    def __str__(self) -> str:
        return f"{self.target} since {self.since}"

    def as_term(self) -> Term:
        hours = self.calendar.as_hours() if self.calendar is not None else ALWAYS
        return Term(self.since, self.target, hours, self.fixed_at)


class SlaPause(RealmScoped):
    """Time in which a clock stood still, and why."""

    realm_only = "the desk's own; customers read when their ticket is due"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    clock = models.ForeignKey(SlaClock, models.PROTECT, related_name="pauses")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=20)
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta(RealmScoped.Meta):
        verbose_name = _("pause of a promise")
        verbose_name_plural = _("pauses of promises")
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "clock"], condition=Q(ended_at=None), name="ticketing_one_pause_lasts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} since {self.began_at}"


def recorded(clock: SlaClock, terms: Iterable[SlaTerm], pauses: Iterable[SlaPause]) -> Recorded:
    """What is on record about a clock, for reckoning: its terms in the order they were written, and its pauses."""
    return Recorded(
        clock.started_at,
        [term.as_term() for term in terms],
        [Pause(each.began_at, each.ended_at, each.reason) for each in pauses],
        clock.stopped_at,
        clock.state == ClockState.VOID,
    )
