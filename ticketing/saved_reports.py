"""Reads of saved reports, and when the next mail of one is due."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from django.db.models import Q

from boss.core.actors import Actor
from boss.core.problems import NotFound
from boss.core.scoping import ScopedQuerySet
from boss.tenancy.models import User
from ticketing.choices import Cadence
from ticketing.models import SavedReport
from ticketing.reports.asking import Wanted
from ticketing.reports.running import VIEW


def list_saved(actor: Actor) -> ScopedQuerySet:
    """The actor's own and those that are shared, by name."""
    rows = SavedReport.objects.visible_to(actor, VIEW).select_related("owner").prefetch_related("recipients__user")
    mine = Q(is_shared=True) | Q(owner_id=actor.user_id)
    found: ScopedQuerySet = rows.filter(mine).order_by("name", "id")
    return found


def get_saved(actor: Actor, public_id: str) -> SavedReport:
    """One of them. Raises NotFound."""
    saved: SavedReport | None = list_saved(actor).filter(public_id=public_id).first()
    if saved is None:
        raise NotFound(report=public_id)
    return saved


def recipients_of(saved: SavedReport) -> list[User]:
    """Who is to be mailed; nobody: its owner. No statement for one of :func:`list_saved`."""
    return [each.user for each in saved.recipients.all()]


def wanted_of(saved: SavedReport, today: dt.date) -> Wanted:
    """Its filters. Raises InvalidInput when they are not good any more (a priority that is gone)."""
    return Wanted.of(saved.filters, today=today)


def whole_days(wanted: Wanted, today: dt.date) -> Wanted:
    """The same for a mail: the last days are those that are over, yesterday the last of them."""
    if wanted.since is not None:
        return wanted
    yesterday = today - dt.timedelta(days=1)
    given = {**wanted.named(), "since": today - dt.timedelta(days=wanted.days), "until": yesterday, "days": ""}
    return Wanted.of(given, today=today)


def next_time(saved: SavedReport, zone: ZoneInfo, after: dt.datetime) -> dt.datetime | None:
    """The first time beyond ``after`` at which it is to be sent; None when it is not.

    Where the clocks go forward over ``at``, it is sent as many minutes later; where they go back, the first time.
    """
    if not saved.cadence or saved.at is None:
        return None
    day = after.astimezone(zone).date()
    while True:
        if _falls_on(saved, day):
            moment = dt.datetime.combine(day, saved.at, zone).astimezone(dt.UTC)
            if moment > after:
                return moment
        day += dt.timedelta(days=1)


def _falls_on(saved: SavedReport, day: dt.date) -> bool:
    if saved.cadence == Cadence.WEEKLY:
        return day.isoweekday() == saved.weekday
    return day.day == saved.monthday if saved.cadence == Cadence.MONTHLY else True
