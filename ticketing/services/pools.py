"""Talent pools: how their tickets are given out, who is in them with what skills, who supervises, who is on call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from boss.core import audit, clock, locks
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy.models import Calendar, User
from ticketing import selectors, staffing
from ticketing.assignment.kinds import RESTING, Strategy
from ticketing.assignment.values import TOP_LEVEL
from ticketing.assignment.weights import MOST
from ticketing.choices import Priority
from ticketing.errors import KeyTaken, NotYourPool, PoolsInCircle
from ticketing.models import Category, PoolMember, PoolSupervisor, RotaShift, TalentPool

MANAGE = staffing.MANAGE
LONGEST_PATIENCE = dt.timedelta(days=1)
SHORTEST_ABSENCE, LONGEST_ABSENCE = dt.timedelta(hours=1), dt.timedelta(days=30)
LONGEST_SHIFT = dt.timedelta(days=31)


@service
def create(*, actor: Actor, key: str, name: str, description: str = "") -> TalentPool:
    """Make a pool, in which people help themselves. Raises :class:`KeyTaken` with field ``key``."""
    require(actor, MANAGE)

    if not name.strip():
        raise InvalidInput(fields={"name": [_("Enter a name.")]})
    locks.hold(f"ticketing.pool:{key}")
    if selectors.find_pool(key) is not None:
        raise KeyTaken(fields={"key": [str(KeyTaken.title)]})

    pool: TalentPool = TalentPool(key=key, name=name.strip(), description=description.strip())
    pool.clean_fields()
    pool.save()

    audit.record(actor=actor, action="pool.created", subject=pool, after={"key": key})
    return pool


@service
def configure(
    *,
    actor: Actor,
    pool: TalentPool,
    name: str,
    description: str = "",
    strategy: str = Strategy.MANUAL,
    otherwise: str = "",
    calendar: Calendar | None = None,
    parent: TalentPool | None = None,
    relax_after: dt.timedelta | None = None,
    absent_after: dt.timedelta | None = None,
    weights: Mapping[str, Any] | None = None,
) -> TalentPool:
    """Say all about a pool but who is in it. What waits in it is looked at by the new rules within a minute.

    Raises :class:`InvalidInput` with the name of the faulty field, :class:`PoolsInCircle` with ``parent``.
    """
    require(actor, MANAGE)
    locks.hold("ticketing.pools")  # two changes at once would not see the circle they make together
    found: TalentPool = TalentPool.objects.select_for_update().get(pk=pool.pk)
    parent = TalentPool.objects.get(pk=parent.pk) if parent is not None else None

    faults: dict[str, list[str]] = {}
    if not name.strip():
        faults["name"] = [_("Enter a name.")]
    for field, value, empty in (("strategy", strategy, False), ("otherwise", otherwise, True)):
        if value not in Strategy.values and not (empty and not value):
            faults[field] = [_("Choose how tickets are given out.")]
    if otherwise and otherwise == strategy:
        faults["otherwise"] = [_("Choose another one, or none.")]
    if strategy in RESTING and otherwise:
        faults["otherwise"] = [_("Where people help themselves nothing comes second.")]
    if relax_after is not None and not dt.timedelta(minutes=1) <= relax_after <= LONGEST_PATIENCE:
        faults["relax_after"] = [_("Between a minute and a day.")]
    if absent_after is not None and not SHORTEST_ABSENCE <= absent_after <= LONGEST_ABSENCE:
        faults["absent_after"] = [_("Between an hour and 30 days.")]
    if parent is not None and found.pk in {parent.pk, *(each.pk for each in _above(parent))}:
        raise PoolsInCircle(fields={"parent": [_("This pool is above that one already.")]})
    units = _weights(weights or {}, faults)
    if faults:
        raise InvalidInput(fields=faults)

    before = _told(found)
    found.name, found.description = name.strip(), description.strip()
    found.strategy, found.otherwise, found.relax_after, found.weights = strategy, otherwise, relax_after, units
    found.calendar, found.parent = calendar, parent
    found.look_at = clock.now() if found.is_automatic else None
    found.absent_after, found.absence_look_at = absent_after, clock.now() if absent_after else None
    found.clean_fields()
    found.save()

    after = _told(found)
    changed = sorted(key for key in after if after[key] != before[key])
    if changed:
        audit.record(
            actor=actor, action="pool.changed", subject=found,
            before={key: before[key] for key in changed}, after={key: after[key] for key in changed},
        )  # fmt: skip
    return found


@service
def add_member(*, actor: Actor, pool: TalentPool, user: User) -> PoolMember:
    """Put a person of the staff into a pool. Idempotent."""
    require(actor, MANAGE)

    if user.kind != User.Kind.STAFF or not user.is_active:
        raise InvalidInput(fields={"user": [_("Choose somebody of the staff.")]})

    member: PoolMember
    member, made = PoolMember.objects.get_or_create(pool=pool, user=user)

    if made:
        audit.record(actor=actor, action="pool.member_added", subject=pool, after={"user": user.full_name})
        look_soon(pool)
    return member


@service
def change_member(
    *,
    actor: Actor,
    pool: TalentPool,
    user: User,
    skills: Mapping[str, int] | None = None,
    languages: Iterable[str] = (),
    zones: Iterable[str] = (),
    calendar: Calendar | None = None,
    capacity: int = 8,
) -> PoolMember:
    """Say what a member can do, speaks, covers, when he works and how much he takes. Supervisors may, in their pool.

    Raises :class:`InvalidInput` with fields ``user``, ``skills``, ``languages``, ``zones``, ``capacity``.
    """
    if not staffing.supervises(actor, pool):
        require(actor, MANAGE)
    member: PoolMember | None = PoolMember.objects.select_for_update().filter(pool=pool, user=user).first()
    if member is None:
        raise InvalidInput(fields={"user": [_("%(name)s is not in this pool.") % {"name": user.full_name}]})

    faults: dict[str, list[str]] = {}
    levels = {key: int(level) for key, level in (skills or {}).items() if int(level)}
    known = {skill.key for skill in staffing.list_skills()} | set(member.skills)
    if strange := sorted(set(levels) - known):
        faults["skills"] = [_("There is no such skill: %(keys)s.") % {"keys": ", ".join(strange)}]
    elif any(not 1 <= level <= TOP_LEVEL for level in levels.values()):
        faults["skills"] = [_("Levels go from 1 to %(n)s.") % {"n": TOP_LEVEL}]
    if not 0 <= capacity <= PoolMember.MOST_CAPACITY:
        faults["capacity"] = [_("Between 0 and %(n)s.") % {"n": PoolMember.MOST_CAPACITY}]
    before = _member_told(member)
    member.skills, member.capacity, member.calendar = levels, capacity, calendar
    member.languages = _words(each.lower() for each in languages)
    member.zones = _words(zones)
    for field in ("languages", "zones"):
        try:
            model_field: Any = PoolMember._meta.get_field(field)
            model_field.clean(getattr(member, field), member)
        except ValidationError as error:
            faults[field] = list(error.messages)
    if faults:
        raise InvalidInput(fields=faults)

    after = _member_told(member)
    if after != before:
        member.save()
        audit.record(
            actor=actor, action="pool.member_changed", subject=pool, before=before,
            after={"user": user.full_name, **after},
        )  # fmt: skip
        look_soon(pool)
    return member


@service
def remove_member(*, actor: Actor, pool: TalentPool, user: User) -> None:
    """Take a person out of a pool. What he has claimed stays his."""
    require(actor, MANAGE)

    removed, _each = PoolMember.objects.filter(pool=pool, user=user).delete()

    if removed:
        audit.record(actor=actor, action="pool.member_removed", subject=pool, before={"user": user.full_name})


@service
def set_supervisors(*, actor: Actor, pool: TalentPool, users: Iterable[User]) -> None:
    """Say who answers for a pool: these and nobody else."""
    require(actor, MANAGE)
    wanted = {user.pk: user for user in users}
    if any(user.kind != User.Kind.STAFF or not user.is_active for user in wanted.values()):
        raise InvalidInput(fields={"supervisors": [_("Choose people of the staff.")]})
    held = {row.user_id: row.user for row in PoolSupervisor.objects.filter(pool=pool).select_related("user")}
    if wanted.keys() == held.keys():
        return

    PoolSupervisor.objects.filter(pool=pool).exclude(user_id__in=wanted).delete()
    PoolSupervisor.objects.bulk_create(
        (PoolSupervisor(pool=pool, user=user) for key, user in wanted.items() if key not in held),
        ignore_conflicts=True,
    )

    audit.record(
        actor=actor, action="pool.supervisors_set", subject=pool,
        before={"supervisors": sorted(user.full_name for user in held.values())},
        after={"supervisors": sorted(user.full_name for user in wanted.values())},
    )  # fmt: skip


@service
def add_shift(
    *, actor: Actor, pool: TalentPool, user: User, starts_at: dt.datetime, ends_at: dt.datetime
) -> RotaShift:  # fmt: skip
    """Put a member on call in ``[starts_at, ends_at)``. Supervisors may, in their pool. Idempotent.

    Raises :class:`InvalidInput` with fields ``user``, ``ends_at``.
    """
    if not staffing.supervises(actor, pool):
        require(actor, MANAGE)
    if not PoolMember.objects.filter(pool=pool, user=user).exists():
        raise InvalidInput(fields={"user": [_("%(name)s is not in this pool.") % {"name": user.full_name}]})
    if ends_at <= starts_at:
        raise InvalidInput(fields={"ends_at": [_("A shift ends after it begins.")]})
    if ends_at - starts_at > LONGEST_SHIFT:
        raise InvalidInput(fields={"ends_at": [_("At most %(n)s days.") % {"n": LONGEST_SHIFT.days}]})

    shift: RotaShift
    shift, made = RotaShift.objects.get_or_create(
        pool=pool, user=user, starts_at=starts_at, defaults={"ends_at": ends_at}
    )

    if made:
        audit.record(
            actor=actor, action="pool.shift_added", subject=pool,
            after={"user": user.full_name, "from": starts_at.isoformat(), "until": ends_at.isoformat()},
        )  # fmt: skip
        look_soon(pool)
    return shift


@service
def remove_shift(*, actor: Actor, pool: TalentPool, shift_id: int) -> None:
    """Take a shift out of the rota of its pool. Supervisors may, in their pool."""
    if not staffing.supervises(actor, pool):
        require(actor, MANAGE)
    shift: RotaShift | None = RotaShift.objects.filter(pool=pool, pk=shift_id).select_related("user").first()
    if shift is None:
        return

    told = {"user": shift.user.full_name, "from": shift.starts_at.isoformat(), "until": shift.ends_at.isoformat()}
    shift.delete()

    audit.record(actor=actor, action="pool.shift_removed", subject=pool, before=told)


def require_supervision(actor: Actor, pool: TalentPool) -> None:
    """Raise :class:`NotYourPool` unless ``actor`` answers for this pool."""
    if not staffing.supervises(actor, pool):
        raise NotYourPool(pool=pool.key)


def look_soon(pool: TalentPool) -> None:
    """The next sweep looks whether somebody can have what waits in this pool, and in those below it."""
    TalentPool.objects.filter(pk=pool.pk).exclude(strategy__in=RESTING).update(look_at=clock.now())
    TalentPool.objects.filter(parent=pool).exclude(strategy__in=RESTING).update(look_at=clock.now())


def _above(pool: TalentPool) -> list[TalentPool]:
    found: list[TalentPool] = []
    at = pool.parent
    while at is not None and at not in found:
        found.append(at)
        at = at.parent
    return found


def _weights(given: Mapping[str, Any], faults: dict[str, list[str]]) -> dict[str, dict[str, int]]:
    """Only what differs from 1 is kept."""
    kept: dict[str, dict[str, int]] = {}
    known = {
        "priority": {str(value) for value in Priority.values},
        "category": set(Category.objects.filter(key__in=list(given.get("category", {}))).values_list("key", flat=True)),
    }
    for kind, keys in known.items():
        for key, units in given.get(kind, {}).items():
            if str(key) not in keys or isinstance(units, bool) or not isinstance(units, int) or not 1 <= units <= MOST:
                faults["weights"] = [_("Give a number between 1 and %(n)s for each.") % {"n": MOST}]
            elif units != 1:
                kept.setdefault(kind, {})[str(key)] = units
    if set(given) - set(known):
        faults["weights"] = [_("Weights go by priority and by category.")]
    return kept


def _words(given: Iterable[str]) -> list[str]:
    """Each once, in order, without what is empty."""
    return list(dict.fromkeys(word for each in given if (word := " ".join(each.split()))))


def _told(pool: TalentPool) -> dict[str, Any]:
    return {
        "name": pool.name,
        "description": pool.description,
        "strategy": str(pool.strategy),
        "otherwise": str(pool.otherwise),
        "calendar": pool.calendar.key if pool.calendar is not None else None,
        "parent": pool.parent.key if pool.parent is not None else None,
        "relax_after": pool.relax_after.total_seconds() if pool.relax_after is not None else None,
        "absent_after": pool.absent_after.total_seconds() if pool.absent_after is not None else None,
        "weights": pool.weights,
    }


def _member_told(member: PoolMember) -> dict[str, Any]:
    return {
        "skills": dict(member.skills),
        "languages": list(member.languages),
        "zones": list(member.zones),
        "calendar": member.calendar.key if member.calendar is not None else None,
        "capacity": member.capacity,
    }
