"""How far somebody's rights go: nobody gives, takes or takes over more than he holds himself."""

from __future__ import annotations

from collections.abc import Iterable

from boss.core import scoping
from boss.core.actors import Actor, Grant
from boss.core.permissions import PermissionDenied
from boss.tenancy import policies, selectors
from boss.tenancy.errors import HoldsMore
from boss.tenancy.models import Organization, Role, Site, User


def reaches(actor: Actor, permission: str, organization: Organization | None = None, site: Site | None = None) -> bool:
    """Whether ``actor`` holds the right on the whole target: the realm unless an organization or a site is named."""
    if actor.is_system:
        return True
    if actor.scopes is not None and permission not in actor.scopes:
        return False

    def covers(grant: Grant) -> bool:
        if grant.kind == "realm":
            return True
        if grant.kind == "organization":
            around = organization.pk if organization else site.organization_id if site else None
            return around is not None and grant.target_id == around
        return grant.kind == "site" and site is not None and grant.target_id == site.pk

    return any(permission in grant.permissions and covers(grant) for grant in actor.grants)


def reaches_all(
    actor: Actor, permissions: Iterable[str], organization: Organization | None = None, site: Site | None = None
) -> bool:
    """The same of several rights. Doors to a portal are nobody's power: whoever may give a role gives them along."""
    return all(reaches(actor, each, organization, site) for each in frozenset(permissions) - policies.DOORS)


def require_reach(actor: Actor, permission: str, organization: Organization | None = None) -> None:
    """Raise :class:`PermissionDenied` unless the actor holds the right on the organization, or on the realm."""
    if not reaches(actor, permission, organization):
        raise PermissionDenied(permission=permission)


def require_not_above(actor: Actor, user: User) -> None:
    """Raise :class:`HoldsMore` if ``user`` holds a right, somewhere, that ``actor`` does not hold there.

    Whoever sets another's password or e-mail can sign in as him, and so would come by that right.
    """
    if actor.is_system or actor.user_id == user.pk:
        return
    for grant in selectors.last_grants(user):
        if not reaches_all(actor, grant.role.effective_permissions(), grant.organization, grant.site):
            raise HoldsMore


def roles_to_give(actor: Actor, organization: Organization) -> list[Role]:
    """The roles for organizations that ``actor`` may give on this one, by name. Their names are no secret."""
    with scoping.as_application():
        roles = list(Role.objects.filter(archived_at=None).order_by("name", "id"))
    fitting = [role for role in roles if role.is_for == "organization"]
    return [role for role in fitting if reaches_all(actor, role.effective_permissions(), organization)]
