"""Time that people of the staff spend on tickets."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable, RealmScoped
from boss.tenancy.models import User
from ticketing.choices import Activity, TimeSource
from ticketing.models.pools import TalentPool
from ticketing.models.tickets import Ticket


class Timer(RealmScoped):
    """A clock that runs for one person on one ticket. Ending it turns it into a :class:`TimeEntry`."""

    realm_only = "how the provider's people work"
    database_rights: ClassVar[str] = "SELECT, INSERT, DELETE"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="timers")
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    started_at = models.DateTimeField(_("started"))

    class Meta(RealmScoped.Meta):
        verbose_name = _("timer")
        verbose_name_plural = _("timers")
        constraints = [models.UniqueConstraint(fields=["realm_id", "user"], name="ticketing_one_timer_each")]

    def __str__(self) -> str:
        return f"{self.user_id} since {self.started_at}"


class TimeEntry(Addressable):
    """So much time was spent. Immutable: a mistake is made good by another entry that ``corrects`` it.

    ``seconds`` of a correction are the difference and may be negative; what counts of an entry is the sum with its
    corrections. ``pool`` and ``account_id`` are the ticket's when the time was written down, so that totals do not
    move when the ticket does. ``cost_rate`` is what an hour cost by then (see :class:`CostRate`), in the realm's
    currency; null where no rate was known.
    """

    realm_only = "how the provider's people work"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    # Put on by ``ticketing.timesheet``: what counts with the corrections, and these in order.
    counted: int
    said: list[TimeEntry]

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="time_entries", db_index=False)
    user = models.ForeignKey(
        User, models.SET_NULL, null=True, related_name="+", db_index=False, verbose_name=_("who worked")
    )
    pool = models.ForeignKey(TalentPool, models.PROTECT, null=True, related_name="+", db_index=False)
    account_id = models.BigIntegerField(null=True)
    started_at = models.DateTimeField(_("started"))
    seconds = models.IntegerField(_("seconds"))
    cost_rate = models.DecimalField(_("cost per hour"), max_digits=10, decimal_places=2, null=True, editable=False)
    activity = models.CharField(_("activity"), max_length=10, choices=Activity.choices, default=Activity.WORK)
    is_billable = models.BooleanField(_("billable"), default=False)
    source = models.CharField(max_length=10, choices=TimeSource.choices)
    note = models.CharField(_("note"), max_length=200, blank=True)
    corrects = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="corrections", db_index=False, verbose_name=_("corrects")
    )
    written_at = models.DateTimeField(auto_now_add=True)
    written_by = models.CharField(_("written down by"), max_length=200)

    class Meta(Addressable.Meta):
        verbose_name = _("time entry")
        verbose_name_plural = _("time entries")
        permissions = [("correct_timeentry", "Can correct the time of others")]
        constraints = [
            models.CheckConstraint(
                condition=Q(corrects=None, seconds__gt=0) | (Q(corrects__isnull=False) & ~Q(seconds=0)),
                name="ticketing_time_is_spent",
            ),
            models.CheckConstraint(
                condition=Q(corrects=None) ^ Q(source=TimeSource.CORRECTION), name="ticketing_time_correction_says_so"
            ),
        ]
        indexes = [
            models.Index(fields=["realm_id", "ticket", "started_at"], name="ticketing_time_of_ticket"),
            models.Index(fields=["realm_id", "user", "started_at"], name="ticketing_time_of_person"),
            models.Index(fields=["realm_id", "started_at"], name="ticketing_time_by_day"),
            models.Index(
                fields=["realm_id", "corrects"], condition=Q(corrects__isnull=False), name="ticketing_time_corrected"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seconds} s on {self.ticket_id}"
