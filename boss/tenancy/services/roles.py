"""Granting roles. Nobody gives what he does not hold."""

from __future__ import annotations

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from boss.tenancy.errors import GrantExceedsOwn
from boss.tenancy.models import Organization, Role, RoleGrant, Site, User


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
    """Give ``user`` a role on the realm, or on one organization, one site, or his own rows. Idempotent."""
    role: Role = Role.objects.get(key=role_key)

    require(actor, "tenancy.grant_role")
    if not actor.is_system and any(not actor.holds(each) for each in role.effective_permissions()):
        raise GrantExceedsOwn(role=role_key)

    kind = "own" if own else "organization" if organization else "site" if site else "realm"
    row: RoleGrant
    row, made = RoleGrant.objects.get_or_create(user=user, role=role, kind=kind, organization=organization, site=site)

    if made:
        audit.record(actor=actor, action="role.granted", subject=user, after={"role": role_key, "kind": kind})
    return row


@service
def revoke(*, actor: Actor, grant: RoleGrant) -> None:
    """Take a role away."""
    require(actor, "tenancy.grant_role")

    audit.record(actor=actor, action="role.revoked", subject=grant.user, before={"role": grant.role.key})
    grant.delete()
