"""API keys: made, shown once, revoked."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from boss.core import audit, clock
from boss.core.actors import Actor
from boss.core.permissions import may, require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy.errors import GrantExceedsOwn
from boss.tenancy.models import ApiKey, Role, User

_LONGEST_DAYS = 365


@service
def create(
    *, actor: Actor, name: str, scopes: list[str] | None = None, role_key: str = "api_client", days: int = 365
) -> tuple[ApiKey, str]:
    """Make a key and return it with its full text, which is never shown again. ``days`` is its life, at most 365."""
    require(actor, "tenancy.add_apikey")

    if not name.strip():
        raise InvalidInput(fields={"name": [_("Enter a name.")]})
    if not 1 <= days <= _LONGEST_DAYS:
        raise InvalidInput(fields={"days": [_("Choose between 1 and 365 days.")]})
    role: Role | None = Role.objects.filter(key=role_key).first()
    if role is None:
        raise InvalidInput(fields={"role_key": [_("There is no such role.")]})
    given = role.effective_permissions() if scopes is None else role.effective_permissions() & frozenset(scopes)
    # A key acts on the whole realm, so its maker must hold each right there, not on one organization only.
    if not all(may(actor, each) for each in given):
        raise GrantExceedsOwn(role=role_key)

    secret = secrets.token_urlsafe(32)
    key: ApiKey = ApiKey.objects.create(
        name=name.strip(),
        role=role,
        scopes=scopes,
        secret_hash=hashlib.sha256(secret.encode()).hexdigest(),
        created_by_id=_person_behind(actor),
        expires_at=clock.now() + dt.timedelta(days=days),
    )

    audit.record(actor=actor, action="api_key.created", subject=key, after={"name": key.name, "scopes": scopes})
    return key, f"boss_{key.public_id}_{secret}"


@service
def revoke(*, actor: Actor, key: ApiKey) -> ApiKey:
    """End a key at once."""
    require(actor, "tenancy.revoke_apikey")

    key.revoked_at = clock.now()
    key.save(update_fields=["revoked_at"])

    audit.record(actor=actor, action="api_key.revoked", subject=key, after={"revoked": True})
    return key


@service
def revoke_all_of(*, actor: Actor, maker: User) -> None:
    """End every key ``maker`` made: he is gone. For services that have asked their own permission."""
    for key in ApiKey.objects.select_for_update().filter(created_by=maker, revoked_at=None).order_by("id"):
        key.revoked_at = clock.now()
        key.save(update_fields=["revoked_at"])
        audit.record(actor=actor, action="api_key.revoked", subject=key, after={"because": "user.deactivated"})


def _person_behind(actor: Actor) -> int | None:
    """Who answers for a new key: its maker, or whoever made the key that makes it. None for the machine itself."""
    if actor.api_key_id is None:
        return actor.user_id
    maker: int | None = ApiKey.objects.values_list("created_by_id", flat=True).get(pk=actor.api_key_id)
    return maker


def note_use(key: ApiKey) -> None:
    """Remember that a key was used, at most once a minute: a hot key must not become a hot row."""
    stale = Q(last_used_at=None) | Q(last_used_at__lt=Now() - dt.timedelta(minutes=1))
    ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=Now())
