from __future__ import annotations

import datetime as dt
import itertools
import re
from typing import Any
from zoneinfo import available_timezones

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import RealmScoped

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)\Z")


def office_hours() -> dict[str, list[str]]:
    return {day: ["08:00-17:00"] for day in WEEKDAYS[:5]}


def intervals(weekly: Any) -> dict[int, list[tuple[dt.time, dt.time]]]:
    """The week as numbers: Monday is 0. Raises ValidationError for what is no week of hours."""
    if not isinstance(weekly, dict) or not set(weekly) <= set(WEEKDAYS):
        raise ValidationError(_("Days are mon, tue, wed, thu, fri, sat and sun."))
    found: dict[int, list[tuple[dt.time, dt.time]]] = {}
    for day, hours in weekly.items():
        day_hours = sorted(interval(text) for text in (hours if isinstance(hours, list) else [hours]))
        if any(later[0] < earlier[1] for earlier, later in itertools.pairwise(day_hours)):
            raise ValidationError(_("Hours of one day do not overlap."))
        found[WEEKDAYS.index(day)] = day_hours
    if not any(found.values()):
        raise ValidationError(_("A calendar is open some time of the week."))
    return found


def interval(text: Any) -> tuple[dt.time, dt.time]:
    """Hours as they are written, from and until. Raises ValidationError."""
    match = _HOURS.match(text) if isinstance(text, str) else None
    if match is None or (match[3] == "24" and match[4] != "00") or text[:5] >= text[6:]:
        raise ValidationError(_("Hours are written like 08:00-17:00, the end after the beginning."))
    closes = dt.time.max if match[3] == "24" else dt.time(int(match[3]), int(match[4]))
    return dt.time(int(match[1]), int(match[2])), closes


class Calendar(RealmScoped):
    """When a provider works: what deadlines and waits in business time are counted by.

    ``weekly`` maps days ("mon") to hours (["08:00-12:00", "13:00-17:00"]); ``holidays`` are closed days.
    """

    realm_only = "opening hours of the provider"
    portal_reads = True

    key = models.SlugField(_("key"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
    time_zone = models.CharField(_("time zone"), max_length=60, blank=True, help_text=_("Empty: the realm's own."))
    weekly: Any = models.JSONField(_("opening hours"), default=office_hours)
    holidays = ArrayField(models.DateField(), default=list, blank=True, verbose_name=_("holidays"))

    class Meta(RealmScoped.Meta):
        verbose_name = _("business calendar")
        verbose_name_plural = _("business calendars")
        constraints = [models.UniqueConstraint(fields=["realm_id", "key"], name="tenancy_calendar_key")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        try:
            intervals(self.weekly)
        except ValidationError as error:
            raise ValidationError({"weekly": error.messages}) from None
        if self.time_zone and self.time_zone not in available_timezones():
            raise ValidationError({"time_zone": _("There is no time zone of this name.")})
