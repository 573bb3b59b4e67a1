"""Granting roles. Nobody gives what he does not hold, nor farther than he holds it."""

from __future__ import annotations

from boss.core import audit
from boss.core.actors import Actor, Grant
from boss.core.permissions import require
from boss.core.services import service
from boss.tenancy.errors import GrantExceedsOwn, StaffOnlyRole
from boss.tenancy.models import Organization, Role, RoleGrant, Site, User
from boss.tenancy.services import sessions


@service
def grant(
    *,
    actor: Actor,
    user: User,
    role_key: str,
    organization: Organization | None = None,
    site: Site | None = None,
    own: bool = False,
) -> RoleGrant:
    """Give ``user`` a role on the realm, or on one organization, one site, or his own rows. Idempotent.

    Raises :class:`GrantExceedsOwn` unless ``actor`` holds each right of the role on all that ``user`` gets it on, and
    :class:`StaffOnlyRole` (field ``role``) for a subscriber who would get it on the whole realm.
    """
    role: Role = Role.objects.get(key=role_key)

    require(actor, "tenancy.grant_role")
    if not all(_reaches(actor, each, organization, site) for each in role.effective_permissions()):
        raise GrantExceedsOwn(role=role_key)

    if user.kind != User.Kind.STAFF and not (own or organization or site):
        raise StaffOnlyRole(fields={"role": [str(StaffOnlyRole.title)]})

    kind = "own" if own else "organization" if organization else "site" if site else "realm"
    row: RoleGrant
    row, made = RoleGrant.objects.get_or_create(user=user, role=role, kind=kind, organization=organization, site=site)

    if made:
        sessions.rotate_soon(user)
        audit.record(actor=actor, action="role.granted", subject=user, after={"role": role_key, "kind": kind})
    return row


@service
def revoke(*, actor: Actor, grant: RoleGrant) -> None:
    """Take a role away."""
    require(actor, "tenancy.grant_role")

    audit.record(actor=actor, action="role.revoked", subject=grant.user, before={"role": grant.role.key})
    sessions.rotate_soon(grant.user)
    grant.delete()


def _reaches(actor: Actor, permission: str, organization: Organization | None, site: Site | None) -> bool:
    """Whether ``actor`` holds the right on the whole target: the realm unless an organization or a site is named."""
    if actor.is_system:
        return True
    if not actor.holds(permission):
        return False

    def covers(grant: Grant) -> bool:
        if grant.kind == "realm":
            return True
        if grant.kind == "organization":
            around = organization or (site.organization if site is not None else None)
            return around is not None and grant.target_id == around.pk
        return grant.kind == "site" and site is not None and grant.target_id == site.pk

    return any(permission in grant.permissions and covers(grant) for grant in actor.grants)
