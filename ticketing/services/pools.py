"""Talent pools and who is in them."""

from __future__ import annotations

from django.utils.translation import gettext as _

from boss.core import audit, locks
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy.models import User
from ticketing import selectors
from ticketing.errors import KeyTaken
from ticketing.models import PoolMember, TalentPool


@service
def create(*, actor: Actor, key: str, name: str, description: str = "") -> TalentPool:
    """Make a pool. Raises :class:`KeyTaken` with field ``key``."""
    require(actor, "ticketing.manage_pools")

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
def add_member(*, actor: Actor, pool: TalentPool, user: User) -> PoolMember:
    """Put a person of the staff into a pool. Idempotent."""
    require(actor, "ticketing.manage_pools")

    if user.kind != User.Kind.STAFF or not user.is_active:
        raise InvalidInput(fields={"user": [_("Choose somebody of the staff.")]})

    member: PoolMember
    member, made = PoolMember.objects.get_or_create(pool=pool, user=user)

    if made:
        audit.record(actor=actor, action="pool.member_added", subject=pool, after={"user": user.full_name})
    return member


@service
def remove_member(*, actor: Actor, pool: TalentPool, user: User) -> None:
    """Take a person out of a pool. What he has claimed stays his."""
    require(actor, "ticketing.manage_pools")

    removed, _each = PoolMember.objects.filter(pool=pool, user=user).delete()

    if removed:
        audit.record(actor=actor, action="pool.member_removed", subject=pool, before={"user": user.full_name})
