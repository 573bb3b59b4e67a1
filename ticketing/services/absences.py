"""Open tickets of somebody who is away too long go back to their pool, by the clock.

How long is too long says each pool, counted in that person's hours (his own, else the pool's): nights and weekends
are no absence. Who never said where he is has no presence to judge by, and keeps what he has.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from boss.core import clock as time
from boss.core import scoping
from boss.core.actors import Actor
from boss.core.calendars import ALWAYS
from boss.core.services import service
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Calendar
from ticketing import staffing
from ticketing.assignment.presence import absent_since
from ticketing.choices import OPEN_STATES
from ticketing.models import PoolMember, TalentPool, Ticket
from ticketing.services.tickets import owning
from ticketing.services.tickets.waiting import hold_lock

LABEL = "Assignment"
LOOK_AGAIN = dt.timedelta(minutes=5)
MOST_AT_ONCE = 50
"""Tickets of a pool that are put back in one transaction; the rest follows at once."""
MOST_POOLS = 200
OLDEST = dt.timedelta(days=366)
"""Hours are not counted further back than this: nobody's limit is longer."""


def sweep(limit: int = MOST_POOLS) -> int:
    """Look at the pools of all realms that are due. How many tickets were put back. Any number may run at once."""
    with scoping.dispatch_transaction("absences"):
        due = TalentPool.objects.filter(absence_look_at__lte=time.now()).order_by("absence_look_at", "pk")
        found = list(due.values_list("realm_id", "pk")[:limit])
    done = 0
    for realm_id, key in found:
        with scoping.realm_transaction(realm_id, "absences"):
            done += put_back(actor=Actor.system(realm_id, LABEL), pool_id=key)
    return done


@service
def put_back(*, actor: Actor, pool_id: int) -> int:
    """Put back into a pool what people have who are away longer than it allows. How many tickets.

    What somebody is changing at this moment stays until the next look.
    """
    hold_lock()
    pool: TalentPool = TalentPool.objects.select_for_update(of=("self",)).select_related("calendar").get(pk=pool_id)
    now = time.now()
    if pool.absent_after is None or pool.absence_look_at is None or pool.absence_look_at > now:
        return 0
    away = _away(pool, now)
    rows = (
        Ticket.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("assignee", "category", "pool")
        .filter(pool=pool, assignee__in=away, state__in=OPEN_STATES)
    )
    found = list(rows.order_by("due_at", "priority", "id")[:MOST_AT_ONCE]) if away else []

    for ticket in found:
        assert ticket.assignee is not None
        told = {"reason": _why(ticket.assignee.full_name, away[ticket.assignee.pk], ticket.realm_id)}
        owning.hand_over(ticket, None, actor=actor, event="released", told=told)
    pool.absence_look_at = now if len(found) == MOST_AT_ONCE else now + LOOK_AGAIN
    pool.save(update_fields=["absence_look_at"])
    return len(found)


def _away(pool: TalentPool, now: dt.datetime) -> dict[int, dt.datetime]:
    """Who has open tickets of the pool and is away too long, since when. Four statements at most."""
    held = Ticket.objects.filter(pool=pool, assignee__isnull=False, state__in=OPEN_STATES)
    people = set(held.order_by().values_list("assignee_id", flat=True).distinct())
    since: dict[int, dt.datetime] = {}
    for key, row in staffing.presence_of(people).items():
        began = absent_since(row.state, row.since, row.until, row.seen_at, now)
        if began is not None and pool.absent_after is not None and now - began >= pool.absent_after:
            since[key] = began
    if not since:
        return {}
    own = PoolMember.objects.filter(pool=pool, user__in=since, calendar__isnull=False).select_related("calendar")
    calendars = {row.user_id: row.calendar for row in own}
    return {key: began for key, began in since.items() if _is_long(pool, calendars.get(key), began, now)}


def _is_long(pool: TalentPool, calendar: Calendar | None, began: dt.datetime, now: dt.datetime) -> bool:
    wanted = calendar or pool.calendar
    hours = tenancy.as_hours(wanted) if wanted is not None else ALWAYS
    assert pool.absent_after is not None
    return hours.between(max(began, now - OLDEST), now) >= pool.absent_after


def _why(name: str, began: dt.datetime, realm_id: int) -> str:
    at = began.astimezone(ZoneInfo(tenancy.get_realm(realm_id).time_zone)).strftime("%Y-%m-%d %H:%M")
    return _("%(name)s is away since %(at)s") % {"name": name, "at": at}
