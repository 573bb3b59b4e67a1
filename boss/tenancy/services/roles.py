"""Roles and who holds them. Nobody gives or takes what he does not hold, nor farther than he holds it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models.functions import Now
from django.utils.text import slugify
from django.utils.translation import gettext as _

from boss.core import audit, locks
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied, require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy import policies
from boss.tenancy.errors import GrantExceedsOwn, NotOfOrganization, RoleInUse, RoleIsBuiltIn, StaffOnlyRole
from boss.tenancy.models import ApiKey, Organization, Role, RoleGrant, Site, User
from boss.tenancy.reach import reaches, reaches_all
from boss.tenancy.services import sessions

GRANT = "tenancy.grant_role"


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

    Whoever may grant on an organization only gives roles meant for organizations, to its contacts, on it or its
    sites (:class:`NotOfOrganization`). Raises :class:`GrantExceedsOwn` unless ``actor`` holds each right of the role
    on all that ``user`` gets it on, and :class:`StaffOnlyRole` (field ``role``) for somebody who is not staff and
    would get it on the whole realm, or would get a role of staff. The person's sessions get other keys.
    """
    role = _role(role_key)

    _may_grant(actor, user, role, organization, site, own)
    if not reaches_all(actor, role.effective_permissions(), organization, site):
        raise GrantExceedsOwn(role=role_key)

    whole = not (own or organization or site)
    if user.kind != User.Kind.STAFF and (whole or role.is_for == "program" or _is_for_staff(role)):
        raise StaffOnlyRole(fields={"role": [str(StaffOnlyRole.title)]})

    kind = "own" if own else "organization" if organization else "site" if site else "realm"
    row: RoleGrant
    row, made = RoleGrant.objects.get_or_create(user=user, role=role, kind=kind, organization=organization, site=site)

    if made:
        sessions.rotate_soon(user)
        audit.record(actor=actor, action="role.granted", subject=user, after=_of(row))
    return row


@service
def revoke(*, actor: Actor, grant: RoleGrant) -> None:
    """Take a role away, from where it was given. The same limits as giving it."""
    _may_grant(actor, grant.user, grant.role, grant.organization, grant.site, grant.kind == RoleGrant.Kind.OWN)
    if not reaches_all(actor, grant.role.effective_permissions(), grant.organization, grant.site):
        raise GrantExceedsOwn(role=grant.role.key)

    audit.record(actor=actor, action="role.revoked", subject=grant.user, before=_of(grant))
    grant.delete()
    sessions.rotate_soon(grant.user)


@service
def create(
    *, actor: Actor, name: str, permissions: Iterable[str], audience: str = "staff", description: str = ""
) -> Role:
    """Make a role of the realm's own. Raises :class:`InvalidInput` (fields ``name``, ``permissions``, ``audience``)
    and :class:`GrantExceedsOwn`: nobody puts into a role what he does not hold on the realm."""
    require(actor, "tenancy.manage_roles")

    wanted = _checked(actor, name, permissions, audience)
    locks.hold("tenancy.role")  # two of the same name at once
    if Role.objects.filter(name=name.strip(), archived_at=None).exists():
        raise InvalidInput(fields={"name": [_("There is already a role of this name.")]})

    role: Role = Role.objects.create(
        key=_free_key(name), name=name.strip(), description=description.strip(), permissions=wanted, audience=audience
    )

    audit.record(actor=actor, action="role.created", subject=role, after=_content(role))
    return role


@service
def edit(*, actor: Actor, role: Role, name: str, permissions: Iterable[str], description: str = "") -> Role:
    """Change a role of the realm's own. Raises as :func:`create` does, and :class:`RoleIsBuiltIn`.

    Rights that stand in the role already may stay, whoever edits it; what is added the editor must hold. The sessions
    of everybody who holds the role get other keys when its rights change.
    """
    role = Role.objects.select_for_update().get(pk=role.pk)

    require(actor, "tenancy.manage_roles")

    if role.built_in:
        raise RoleIsBuiltIn
    before = _content(role)
    wanted = _checked(actor, name, permissions, role.audience, already=frozenset(role.permissions))
    if Role.objects.filter(name=name.strip(), archived_at=None).exclude(pk=role.pk).exists():
        raise InvalidInput(fields={"name": [_("There is already a role of this name.")]})
    # Taking a right from those who hold the role is taking it as surely as revoking a grant.
    if not reaches_all(actor, frozenset(role.permissions) & policies.every_permission() - frozenset(wanted)):
        raise GrantExceedsOwn(role=role.key)

    role.name, role.description, role.permissions = name.strip(), description.strip(), wanted
    after = _content(role)
    if after == before:
        return role
    role.save(update_fields=["name", "description", "permissions"])

    if after["permissions"] != before["permissions"]:
        for holder in User.objects.filter(role_grants__role=role).distinct():
            sessions.rotate_soon(holder)
    audit.record(actor=actor, action="role.changed", subject=role, before=before, after=after)
    return role


@service
def archive(*, actor: Actor, role: Role) -> Role:
    """Take a role of the realm's own out of use. Raises :class:`RoleIsBuiltIn`, :class:`RoleInUse`."""
    role = Role.objects.select_for_update().get(pk=role.pk)

    require(actor, "tenancy.manage_roles")

    if role.built_in:
        raise RoleIsBuiltIn
    if role.archived_at is not None:
        return role
    keys = ApiKey.objects.filter(role=role, revoked_at=None, expires_at__gt=Now())
    if RoleGrant.objects.filter(role=role).exists() or keys.exists():
        raise RoleInUse

    Role.objects.filter(pk=role.pk).update(archived_at=Now())
    role.refresh_from_db()

    audit.record(actor=actor, action="role.archived", subject=role, before=_content(role))
    return role


def _role(key: str) -> Role:
    # Locked against being archived or changed between the question and the row.
    role: Role | None = Role.objects.select_for_update(of=("self",)).filter(key=key, archived_at=None).first()
    if role is None:
        raise InvalidInput(fields={"role": [_("There is no such role.")]})
    return role


def _may_grant(
    actor: Actor, user: User, role: Role, organization: Organization | None, site: Site | None, own: bool
) -> None:
    if reaches(actor, GRANT):
        return
    if own or not (organization or site) or not reaches(actor, GRANT, organization, site):
        raise PermissionDenied(permission=GRANT)
    around = organization.pk if organization else site.organization_id if site else None
    if role.is_for != "organization" or user.organization_id is None or user.organization_id != around:
        raise NotOfOrganization


def _is_for_staff(role: Role) -> bool:
    """A role that opens the console, or one of the built-in roles of staff."""
    return "core.use_console" in role.effective_permissions() or (role.built_in and role.is_for == "staff")


def _checked(
    actor: Actor, name: str, permissions: Iterable[str], audience: str, already: frozenset[str] = frozenset()
) -> list[str]:
    fields: dict[str, list[str]] = {}
    if not name.strip():
        fields["name"] = [_("Enter a name.")]
    if audience not in Role.Audience.values:
        fields["audience"] = [_("A role is meant for staff, or for people of an organization.")]
    wanted = sorted(set(permissions))
    unknown = sorted(set(wanted) - policies.every_permission())
    if unknown:
        fields["permissions"] = [_("There is no such permission: %(name)s.") % {"name": ", ".join(unknown)}]
    elif not wanted:
        fields["permissions"] = [_("Choose at least one permission.")]
    elif audience == Role.Audience.ORGANIZATION and not set(wanted) <= policies.of_audience("organization"):
        fields["permissions"] = [_("People of an organization cannot have all of these: residents stay private.")]
    if fields:
        raise InvalidInput(fields=fields)
    if not reaches_all(actor, frozenset(wanted) - already):
        raise GrantExceedsOwn
    return wanted


def _free_key(name: str) -> str:
    """An address nobody has: from the name, with a number where it is taken, also by a built-in or archived role."""
    base = (slugify(name) or "role")[:34]
    taken = set(Role.objects.filter(key__startswith=base).values_list("key", flat=True)) | set(policies.BUILT_IN)
    return next(key for key in (base, *(f"{base}-{n}" for n in range(2, 9999))) if key not in taken)


def _content(role: Role) -> dict[str, Any]:
    return {
        "name": role.name,
        "description": role.description,
        "audience": role.audience,
        "permissions": sorted(role.permissions),
    }


def _of(row: RoleGrant) -> dict[str, Any]:
    """A grant as the audit trail shows it."""
    target = row.organization or row.site
    return {"role": row.role.key, "kind": row.kind, **({"on": str(target)} if target else {})}
