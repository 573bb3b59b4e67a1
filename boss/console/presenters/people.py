"""People, roles and keys as the console shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core import clock
from boss.core.actors import Actor
from boss.look.marks import Mark
from boss.look.people import mark_of
from boss.tenancy.models import ApiKey, RoleGrant, User

KINDS: dict[str, str | Promise] = {
    "staff": gettext_lazy("Staff"),
    "subscriber": gettext_lazy("Subscribers"),
    "contact": gettext_lazy("Contacts"),
}
WORKS = Mark(gettext_lazy("Works"), "circle-check", "ok")
ENDING = Mark(gettext_lazy("Ends soon"), "hourglass", "wait")
ENDED = Mark(gettext_lazy("Expired"), "circle-minus", "idle")
REVOKED = Mark(gettext_lazy("Revoked"), "ban", "idle")
SOON_DAYS = 14


def place_of(grant: RoleGrant) -> str:
    """Where a role holds, in words."""
    if grant.kind == RoleGrant.Kind.REALM:
        return _("the whole realm")
    if grant.kind == RoleGrant.Kind.OWN:
        return _("own rows")
    return str(grant.organization or grant.site)


def row(user: User) -> dict[str, Any]:
    """A line of the list; ``role_grants`` are prefetched with their roles."""
    grants = list(user.role_grants.all())  # type: ignore[attr-defined]
    names = sorted({str(grant.role.name) for grant in grants})
    return {
        "url": reverse("console:person", args=[user.public_id]),
        "name": user.full_name,
        "email": user.email,
        "kind": user.get_kind_display(),
        "mark": mark_of(user),
        "roles": ", ".join(names),
        "place": str(user.organization or user.site or ""),
        "last_login": user.last_login,
    }


@dataclass(frozen=True, slots=True)
class GrantLine:
    grant: RoleGrant
    role_url: str
    place: str


def grant_lines(actor: Actor, grants: list[RoleGrant]) -> list[GrantLine]:
    sees_roles = actor.holds("tenancy.view_role")
    return [
        GrantLine(
            each, reverse("console:role", args=[each.role.key]) if sees_roles else "", place_of(each)
        )
        for each in grants
    ]  # fmt: skip


def key_mark(key: ApiKey) -> Mark:
    if key.revoked_at is not None:
        return REVOKED
    left = key.expires_at - clock.now()
    if left.total_seconds() <= 0:
        return ENDED
    return ENDING if left.days < SOON_DAYS else WORKS


def key_row(key: ApiKey) -> dict[str, Any]:
    mark = key_mark(key)
    return {
        "key": key,
        "mark": mark,
        "works": mark in (WORKS, ENDING),
        "prefix": f"boss_{key.public_id}_…",
        "scopes": None if key.scopes is None else len(key.scopes),
        "networks": ", ".join(key.source_networks),
    }
