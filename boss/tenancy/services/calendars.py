"""When a provider works."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.core.exceptions import ValidationError

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy.models import Calendar


@service
def define(
    *,
    actor: Actor,
    key: str,
    name: str,
    weekly: dict[str, list[str]],
    holidays: Sequence[dt.date] = (),
    time_zone: str = "",
) -> Calendar:
    """Make the calendar of this key, or change it. What is due already stays due.

    Raises :class:`boss.core.problems.InvalidInput`, with the place of what is wrong.
    """
    found = Calendar.objects.select_for_update().filter(key=key).first()
    calendar: Calendar = found or Calendar(key=key)

    require(actor, "tenancy.change_calendar")

    before = {"weekly": calendar.weekly, "holidays": [str(day) for day in calendar.holidays]} if found else None
    calendar.name, calendar.weekly, calendar.time_zone = name, weekly, time_zone
    calendar.holidays = sorted(set(holidays))
    try:
        calendar.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        raise InvalidInput(fields=error.message_dict) from None
    calendar.save()

    audit.record(
        actor=actor, action="calendar.defined", subject=calendar, before=before,
        after={"weekly": weekly, "holidays": [str(day) for day in calendar.holidays]},
    )  # fmt: skip
    return calendar
