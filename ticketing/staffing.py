"""Reads of pools: who is in them and where everybody is, what a ticket asks for, who answers for a pool."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Count, Q, QuerySet

from boss.core import clock, permissions
from boss.core.actors import Actor
from boss.core.calendars import ALWAYS, BusinessCalendar
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Calendar, User
from ticketing.assignment.kinds import PresenceState, Strategy
from ticketing.assignment.presence import present
from ticketing.assignment.values import Member, Need, Wanted
from ticketing.assignment.weights import weight
from ticketing.choices import OPEN_STATES
from ticketing.models import (
    CategoryNeed,
    PoolMember,
    PoolSupervisor,
    PoolWait,
    RotaShift,
    Skill,
    StaffPresence,
    TalentPool,
    Ticket,
)

MANAGE = "ticketing.manage_pools"


# Who answers for a pool


def supervises(actor: Actor, pool: TalentPool) -> bool:
    """Whoever may configure pools, and the supervisors of this pool and of those above it."""
    if permissions.may(actor, MANAGE):
        return True
    return actor.user_id is not None and actor.user_id in {user.pk for user in supervisors(pool, above=True)}


def supervisors(pool: TalentPool, *, above: bool = False) -> list[User]:
    """The active supervisors of a pool by name; with ``above`` those of the pools above it as well."""
    pools = [pool, *_above(pool)] if above else [pool]
    rows = PoolSupervisor.objects.filter(pool__in=pools, user__is_active=True).select_related("user")
    return sorted({row.user for row in rows}, key=lambda user: (user.full_name, user.pk))


def _above(pool: TalentPool) -> list[TalentPool]:
    found: list[TalentPool] = []
    at = pool.parent
    while at is not None and at not in found and at != pool:
        found.append(at)
        at = at.parent
    return found


def supervised(actor: Actor) -> list[TalentPool]:
    """The pools whose workload ``actor`` may see, by name. Two statements at most, however many there are."""
    pools = list(TalentPool.objects.order_by("name", "id"))
    if permissions.may(actor, MANAGE):
        return pools
    own = set(PoolSupervisor.objects.filter(user_id=actor.user_id).values_list("pool_id", flat=True))
    parents = {pool.pk: pool.parent_id for pool in pools}
    return [pool for pool in pools if own & set(_chain(pool.pk, parents))]


def _chain(key: int, parents: Mapping[int, int | None]) -> list[int]:
    found: list[int] = []
    at: int | None = key
    while at is not None and at not in found:
        found.append(at)
        at = parents.get(at)
    return found


# People


def on_call(pool: TalentPool, now: dt.datetime) -> list[User]:
    """Who is on call for a pool now; of the nearest pool above it that has somebody, where it has nobody."""
    for one in [pool, *_above(pool)]:
        rows = RotaShift.objects.filter(pool=one, starts_at__lte=now, ends_at__gt=now, user__is_active=True)
        if found := [row.user for row in rows.select_related("user").order_by("user__full_name", "user_id")]:
            return list(dict.fromkeys(found))
    return []


def list_members(pool: TalentPool) -> QuerySet[PoolMember]:
    """The members by name, with their person and calendar: one statement."""
    rows: QuerySet[PoolMember] = PoolMember.objects.filter(pool=pool).select_related("user", "calendar")
    return rows.order_by("user__full_name", "user_id")


def on_call_now(pool: TalentPool) -> list[User]:
    return on_call(pool, clock.now())


def pools_of(user_id: int | None) -> set[int]:
    """Ids of the pools somebody is in."""
    return set(PoolMember.objects.filter(user_id=user_id).values_list("pool_id", flat=True))


def find_shift(pool: TalentPool, user: User, starts_at: dt.datetime) -> RotaShift | None:
    """Somebody's shift that begins at that time."""
    found: RotaShift | None = RotaShift.objects.filter(pool=pool, user=user, starts_at=starts_at).first()
    return found


def is_member(user_id: int | None) -> bool:
    """Whether somebody is in any pool."""
    return user_id is not None and bool(PoolMember.objects.filter(user_id=user_id).exists())


def counts() -> dict[int, tuple[int, int]]:
    """How many members each pool has, and how many of its open tickets nobody has. Two statements."""
    members = dict(PoolMember.objects.order_by().values_list("pool_id").annotate(n=Count("id")))
    rows = Ticket.objects.filter(pool_id__isnull=False, assignee_id=None, state__in=OPEN_STATES)
    waiting = dict(rows.order_by().values_list("pool_id").annotate(n=Count("id")))
    return {key: (members.get(key, 0), waiting.get(key, 0)) for key in members.keys() | waiting.keys()}


def list_shifts(pool: TalentPool) -> QuerySet[RotaShift]:
    """Shifts that have not ended, soonest first."""
    rows: QuerySet[RotaShift] = RotaShift.objects.filter(pool=pool, ends_at__gt=clock.now()).select_related("user")
    return rows.order_by("starts_at", "user__full_name")


def presence_of(user_ids: Iterable[int]) -> dict[int, StaffPresence]:
    """What was last set, by person; nothing for who never set any."""
    return {row.user_id: row for row in StaffPresence.objects.filter(user_id__in=list(user_ids))}


def state_of(row: StaffPresence | None, now: dt.datetime) -> PresenceState:
    """What it is by now."""
    return PresenceState.OFFLINE if row is None else present(row.state, row.until, row.seen_at, now)


def loads(user_ids: Iterable[int]) -> dict[int, int]:
    """Units of open work by person, of all pools. Two statements."""
    rows = (
        Ticket.objects.filter(assignee_id__in=list(user_ids), state__in=OPEN_STATES)
        .order_by()
        .values("assignee_id", "pool_id", "category__key", "priority")
        .annotate(n=Count("id"))
    )
    weights = dict(TalentPool.objects.values_list("pk", "weights"))
    found: dict[int, int] = {}
    for row in rows:
        units = weight(weights.get(row["pool_id"]) or {}, priority=row["priority"], category=row["category__key"])
        found[row["assignee_id"]] = found.get(row["assignee_id"], 0) + units * row["n"]
    return found


def is_open(calendar: Calendar | None, now: dt.datetime) -> bool:
    """Whether these hours are open now; without a calendar they always are."""
    hours: BusinessCalendar = tenancy.as_hours(calendar) if calendar is not None else ALWAYS
    # Not by the next opening: a calendar that never opens would be looked through for ten years.
    return hours.between(now, now + dt.timedelta(seconds=1)) > dt.timedelta()


def roster(pool: TalentPool, now: dt.datetime, *, only: int | None = None) -> list[Member]:
    """The people of a pool as they are now (``only`` one of them). A fixed number of statements."""
    rows = list_members(pool).filter(user__is_active=True, user__kind=User.Kind.STAFF)
    members = list(rows.filter(user_id=only) if only is not None else rows)
    ids = [each.user_id for each in members]
    places, load = presence_of(ids), loads(ids)
    shifts = RotaShift.objects.filter(pool=pool, starts_at__lte=now, ends_at__gt=now)
    called = set(shifts.values_list("user_id", flat=True))
    calendars = {each.calendar_id or pool.calendar_id: each.calendar or pool.calendar for each in members}
    opened = {key: is_open(calendar, now) for key, calendar in calendars.items()}
    return [
        Member(
            key=each.user_id,
            name=each.user.full_name,
            skills={key: int(level) for key, level in each.skills.items()},
            languages=frozenset(each.languages),
            zones=frozenset(zone.casefold() for zone in each.zones),
            capacity=each.capacity,
            load=load.get(each.user_id, 0),
            presence=state_of(places.get(each.user_id), now),
            in_hours=opened[each.calendar_id or pool.calendar_id],
            on_call=each.user_id in called,
            last_given_at=each.last_given_at,
            idle_since=_idle_since(each, places.get(each.user_id)),
        )
        for each in members
    ]


def _idle_since(member: PoolMember, place: StaffPresence | None) -> dt.datetime | None:
    """Since when nothing was given to her here and nothing of hers ended, but not before she came."""
    known = [member.last_given_at, member.freed_at, place.since if place is not None else None]
    return max((at for at in known if at is not None), default=None)


# What tickets ask for


def list_skills() -> list[Skill]:
    """The skills that can be given to people and asked for, by name."""
    return list(Skill.objects.filter(is_archived=False).order_by("name", "id"))


def names_of_skills() -> dict[str, str]:
    """Names by key, archived ones too."""
    return dict(Skill.objects.values_list("key", "name"))


def list_needs() -> list[CategoryNeed]:
    """Everything categories ask for, by category."""
    rows = CategoryNeed.objects.select_related("category", "skill")
    return list(rows.order_by("category__name", "category_id", "kind", "skill__name", "language", "id"))


def wanted(tickets: Sequence[Ticket], waits: Mapping[int, PoolWait] | None = None) -> dict[int, Wanted]:
    """What each ticket asks for, by its id. They come with category, pool, requester and site; three statements."""
    now_held = waits or {}
    by_category: dict[int, list[CategoryNeed]] = {}
    categories = {each.category_id for each in tickets} | {each.category.parent_id for each in tickets}
    for need in CategoryNeed.objects.filter(category_id__in=[key for key in categories if key]).select_related("skill"):
        by_category.setdefault(need.category_id, []).append(need)
    before = _last_handlers(tickets)
    return {
        ticket.pk: _wanted(
            ticket,
            [*by_category.get(ticket.category.parent_id or 0, ()), *by_category.get(ticket.category_id, ())],
            before.get(ticket.requester_id or 0),
            now_held.get(ticket.pk),
        )
        for ticket in tickets
    }


def _wanted(ticket: Ticket, needs: Iterable[CategoryNeed], before: int | None, wait: PoolWait | None) -> Wanted:
    skills: dict[str, Need] = {}
    language = ""
    for need in needs:
        if need.field and str(ticket.data.get(need.field, "")) != need.value:
            continue
        if need.skill is not None:
            # Of several rows that ask for a skill the highest level counts.
            held = skills.get(need.skill.key)
            level = max(need.level, held.level) if held is not None else need.level
            wished = need.is_wish and (held is None or held.wished)
            skills[need.skill.key] = Need(need.skill.key, level, wished)
        elif need.language == CategoryNeed.CUSTOMERS:
            language = language or (ticket.requester.language if ticket.requester is not None else "")
        else:
            language = need.language
    site = ticket.site
    places = (site.region, site.city, site.postal_code, site.access_node) if site is not None else ()
    weights: Mapping[str, Any] = ticket.pool.weights if ticket.pool is not None else {}
    return Wanted(
        needs=tuple(skills[key] for key in sorted(skills)),
        language=language,
        places=frozenset(place.casefold() for place in places if place),
        weight=weight(weights, priority=ticket.priority, category=ticket.category.key),
        last_handler=before,
        put_back_by=frozenset(wait.put_back_by) if wait is not None else frozenset(),
    )


def _last_handlers(tickets: Sequence[Ticket]) -> dict[int, int]:
    """Who last had a ticket of the same requester, where a pool goes by that."""
    asking = {
        ticket.requester_id
        for ticket in tickets
        if ticket.requester_id is not None and ticket.pool is not None and Strategy.STICKY in ticket.pool.strategies
    }
    if not asking:
        return {}
    rows = Ticket.objects.filter(requester_id__in=asking, assignee_id__isnull=False).exclude(
        pk__in=[ticket.pk for ticket in tickets]
    )
    newest = rows.order_by("requester_id", "-id").distinct("requester_id")
    return dict(newest.values_list("requester_id", "assignee_id"))


def waiting_in(pool: TalentPool) -> QuerySet[Ticket]:
    """Open tickets of a pool that nobody has, due first, with all that :func:`wanted` asks of them."""
    rows: QuerySet[Ticket] = Ticket.objects.filter(Q(pool=pool), state__in=OPEN_STATES, assignee_id=None)
    return rows.select_related("category", "pool", "requester", "site")
