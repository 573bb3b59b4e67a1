"""One permission function. Lists, objects, fields, search, exports and the admin all ask it, and it fails closed."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from boss.core.actors import Actor
from boss.core.problems import Problem

NOTHING = Q(pk__in=[])


class PermissionDenied(Problem):
    code = "core.permission_denied"
    status = 403
    title = _("You do not have the right to do this.")


def view_permission(model: type[models.Model]) -> str:
    return f"{model._meta.app_label}.view_{model._meta.model_name}"


def rows(model: type[models.Model], actor: Actor, permission: str | None = None) -> Q:
    """The filter for rows of ``model`` on which ``actor`` holds ``permission`` (default: view)."""
    permission = permission or view_permission(model)
    if not hasattr(model, "scope_paths"):
        return NOTHING
    in_realm = Q(realm_id=actor.realm_id)
    if actor.is_system:
        return in_realm
    if not actor.holds(permission):
        return NOTHING
    paths: dict[str, str] = model.scope_paths
    allowed = NOTHING
    for grant in actor.grants:
        if permission not in grant.permissions:
            continue
        if grant.kind == "realm":
            return in_realm
        target = actor.user_id if grant.kind == "own" else grant.target_id
        if grant.kind in paths and target is not None:
            limits: dict[str, Q] = getattr(model, "scope_limits", {})
            reached = Q(**{paths[grant.kind]: target}) & limits.get(grant.kind, Q())
            allowed |= _once(model, reached) if _branches(model, paths[grant.kind]) else reached
    return allowed & in_realm


def _once(model: type[models.Model], reached: Q) -> Q:
    """The same rows without a join: joined, one that another grant reaches would come for each row on the way."""
    return Q(pk__in=model._base_manager.filter(reached).values("pk"))


@cache
def _branches(model: type[models.Model], path: str) -> bool:
    """Whether the way leads from one row to many: from a site to its people."""
    at: Any = model
    for step in path.split("__"):
        if step == "pk" or at is None:
            return False
        field = at._meta.get_field(step)
        if field.one_to_many or field.many_to_many:
            return True
        at = field.related_model
    return False


def may(actor: Actor, permission: str, subject: models.Model | None = None) -> bool:
    """Whether ``actor`` holds ``permission``, on ``subject`` when given, else on the whole realm."""
    if subject is None:
        if actor.is_system:
            return True
        if not actor.holds(permission):
            return False
        return any(grant.kind == "realm" and permission in grant.permissions for grant in actor.grants)
    realm_id: Any = getattr(subject, "realm_id", None)
    if realm_id != actor.realm_id:
        return False
    if actor.is_system:
        return True
    model = type(subject)
    return bool(model.objects.filter(rows(model, actor, permission), pk=subject.pk).exists())  # type: ignore[attr-defined]


def acts_for_realm(actor: Actor, permission: str) -> bool:
    """Whether ``actor`` uses ``permission`` as one of the provider's people or programs, and not as a customer.

    Customers act on their own behalf, or on that of an organization or a site; visitors on nobody's yet.
    """
    return actor.kind != "visitor" and may(actor, permission)


def require(actor: Actor, permission: str, subject: models.Model | None = None) -> None:
    """Raise :class:`PermissionDenied` unless ``may``."""
    if not may(actor, permission, subject):
        raise PermissionDenied(permission=permission)
