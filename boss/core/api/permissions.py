"""The permission class of every API view: it asks what the view declared, and nobody passes an undeclared one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from boss.core.permissions import PermissionDenied

if TYPE_CHECKING:
    # rest_framework.views reads the settings that name this module: at run time that would be a circle.
    from rest_framework.views import APIView

PUBLIC = "public"
"""In a viewset's ``permissions``: this action is open to everybody, also without signing in."""


class DeclaredPermission(BasePermission):
    """The actor holds the view's permission in some scope. Which rows that means is ``visible_to``'s business."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        needed = declared(view, getattr(view, "action", None))
        if needed == PUBLIC or _no_such_action(view):
            return True
        actor = request.actor  # type: ignore[attr-defined]
        if needed and actor.holds(needed):
            return True
        if actor.kind == "visitor":
            raise NotAuthenticated
        raise PermissionDenied(permission=needed)


def declared(view: Any, action: str | None) -> str:
    """What ``view`` (an instance or a class) declares for ``action``: a permission, PUBLIC, or "" for nothing."""
    permissions: dict[str, str] = getattr(view, "permissions", {})
    if action in permissions:
        return permissions[action]
    return PUBLIC if getattr(view, "public", False) else str(getattr(view, "permission", ""))


def _no_such_action(view: APIView) -> bool:
    """A method this resource does not have: DRF answers 405 (or describes the resource, for OPTIONS)."""
    return hasattr(view, "action_map") and getattr(view, "action", None) in (None, "metadata")
