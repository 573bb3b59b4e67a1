"""How a pool stands: what waits, what is late or soon will be, and how much each of its people has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Min, Q

from boss.core import clock
from boss.core.actors import Actor
from boss.tenancy.models import User
from ticketing import staffing
from ticketing.assignment.values import Member
from ticketing.choices import OPEN_STATES
from ticketing.errors import NotYourPool
from ticketing.models import StaffPresence, TalentPool, Ticket

SOON = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class MemberLoad:
    """One person: ``member`` is what assignment knows of her; ``held`` are her open tickets of this pool, ``late`` of
    them late. Her load counts tickets of other pools as well."""

    user: User
    member: Member
    place: StaffPresence | None
    held: int
    late: int


@dataclass(frozen=True, slots=True)
class Workload:
    """``waiting`` nobody has, the oldest ``oldest_at``; ``soon`` are due within the hour, ``late`` are late already, of
    all open tickets of the pool."""

    pool: TalentPool
    as_of: dt.datetime
    open: int
    waiting: int
    oldest_at: dt.datetime | None
    soon: int
    late: int
    people: Sequence[MemberLoad]


def of_pool(actor: Actor, key: str) -> Workload:
    """For those who answer for the pool; raises :class:`NotYourPool` for others. The statements do not grow with
    people or tickets."""
    pool = TalentPool.objects.select_related("parent", "calendar").filter(key=key).first()
    if pool is None or not staffing.supervises(actor, pool):
        raise NotYourPool(pool=key)
    now = clock.now()
    is_late = Q(due_at__lt=now)
    rows = Ticket.objects.filter(pool=pool, state__in=OPEN_STATES).order_by()
    total = rows.aggregate(
        open=Count("id"),
        waiting=Count("id", filter=Q(assignee_id=None)),
        oldest_at=Min("opened_at", filter=Q(assignee_id=None)),
        soon=Count("id", filter=Q(due_at__gte=now, due_at__lt=now + SOON)),
        late=Count("id", filter=is_late),
    )
    counted = rows.filter(assignee_id__isnull=False).values("assignee_id")
    held = {row["assignee_id"]: row for row in counted.annotate(held=Count("id"), late=Count("id", filter=is_late))}
    members = staffing.roster(pool, now)
    users = {user.pk: user for user in User.objects.filter(pk__in=[each.key for each in members])}
    places = staffing.presence_of(users)
    people = [
        MemberLoad(
            user=users[each.key],
            member=each,
            place=places.get(each.key),
            held=held.get(each.key, {}).get("held", 0),
            late=held.get(each.key, {}).get("late", 0),
        )
        for each in members
    ]
    return Workload(pool=pool, as_of=now, people=people, **total)
