"""API keys: made, shown once, revoked."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import secrets
from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from boss.core import audit, clock
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy import policies
from boss.tenancy.errors import GrantExceedsOwn, KeyHasEnded
from boss.tenancy.models import ApiKey, Role, User
from boss.tenancy.reach import reaches_all

_LONGEST_DAYS = 365


LONGEST_OVERLAP_HOURS = 7 * 24


@service
def create(
    *,
    actor: Actor,
    name: str,
    scopes: list[str] | None = None,
    role_key: str = "api_client",
    days: int = 365,
    source_networks: Iterable[str] = (),
) -> tuple[ApiKey, str]:
    """Make a key and return it with its full text, which is never shown again. ``days`` is its life, at most 365.

    ``source_networks`` (CIDR) are where it may be used from; none means anywhere. Raises :class:`InvalidInput`
    (fields ``name``, ``days``, ``role_key``, ``scopes``, ``source_networks``) and :class:`GrantExceedsOwn`.
    """
    require(actor, "tenancy.add_apikey")

    if not name.strip():
        raise InvalidInput(fields={"name": [_("Enter a name.")]})
    if not 1 <= days <= _LONGEST_DAYS:
        raise InvalidInput(fields={"days": [_("Choose between 1 and 365 days.")]})
    role: Role | None = Role.objects.filter(key=role_key, archived_at=None).first()
    if role is None:
        raise InvalidInput(fields={"role_key": [_("There is no such role.")]})
    unknown = sorted(set(scopes or ()) - policies.every_permission())
    if unknown:
        raise InvalidInput(fields={"scopes": [_("There is no such permission: %s.") % ", ".join(unknown)]})
    networks = _networks(source_networks)
    given = role.effective_permissions() if scopes is None else role.effective_permissions() & frozenset(scopes)
    # A key acts on the whole realm, so its maker must hold each right there, not on one organization only.
    if not reaches_all(actor, given):
        raise GrantExceedsOwn(role=role_key)

    key, plain = _made(
        actor, name=name.strip(), role=role, scopes=scopes, source_networks=networks,
        expires_at=clock.now() + dt.timedelta(days=days),
    )  # fmt: skip

    audit.record(actor=actor, action="api_key.created", subject=key, after=_content(key))
    return key, plain


@service
def rotate(*, actor: Actor, key: ApiKey, overlap_hours: int = 24) -> tuple[ApiKey, str]:
    """Make the successor of a key, as long-lived as it was made, and let the old one end after ``overlap_hours``.

    0 ends it at once; at most 168. Returns the new key with its full text. The same rule as for a new key: whoever
    rotates it must hold what it may do. Raises :class:`InvalidInput` (``overlap_hours``), :class:`KeyHasEnded`.
    """
    key = ApiKey.objects.select_for_update(of=("self",)).select_related("role").get(pk=key.pk)

    require(actor, "tenancy.add_apikey")
    require(actor, "tenancy.revoke_apikey")
    rights = key.role.effective_permissions()
    if not reaches_all(actor, rights if key.scopes is None else rights & frozenset(key.scopes)):
        raise GrantExceedsOwn(role=key.role.key)

    now = clock.now()
    if not 0 <= overlap_hours <= LONGEST_OVERLAP_HOURS:
        raise InvalidInput(fields={"overlap_hours": [_("Choose between 0 and 168 hours.")]})
    if key.revoked_at is not None or key.expires_at <= now or key.role.archived_at is not None:
        raise KeyHasEnded

    life = min(key.expires_at - key.created_at, dt.timedelta(days=_LONGEST_DAYS))
    successor, plain = _made(
        actor, name=key.name, role=key.role, scopes=key.scopes, source_networks=key.source_networks,
        expires_at=now + life, rotated_from=key,
    )  # fmt: skip
    before = key.expires_at
    key.expires_at = min(key.expires_at, now + dt.timedelta(hours=overlap_hours))
    if overlap_hours == 0:
        key.revoked_at = now
    key.save(update_fields=["expires_at", "revoked_at"])

    audit.record(
        actor=actor, action="api_key.rotated", subject=key,
        before={"expires_at": before.isoformat()},
        after={"expires_at": key.expires_at.isoformat(), "successor": successor.public_id},
    )  # fmt: skip
    audit.record(actor=actor, action="api_key.created", subject=successor, after=_content(successor))
    return successor, plain


def _made(actor: Actor, **content: Any) -> tuple[ApiKey, str]:
    secret = secrets.token_urlsafe(32)
    digest = hashlib.sha256(secret.encode()).hexdigest()
    key: ApiKey = ApiKey.objects.create(secret_hash=digest, created_by_id=_person_behind(actor), **content)
    return key, f"boss_{key.public_id}_{secret}"


def _content(key: ApiKey) -> dict[str, Any]:
    """A key as the audit trail shows it."""
    return {
        "name": key.name,
        "role": key.role.key,
        "scopes": key.scopes,
        "source_networks": key.source_networks,
        "expires_at": key.expires_at.isoformat(),
    }


def _networks(given: Iterable[str]) -> list[str]:
    """CIDRs in their usual spelling; a single address is a network of one."""
    found = []
    for text in given:
        try:
            found.append(str(ipaddress.ip_network(text.strip())))
        except ValueError:
            problem = _("%s is not a network. Write it like 203.0.113.0/24.") % text
            raise InvalidInput(fields={"source_networks": [problem]}) from None
    return found


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
