"""The API's own resources: who you are, and what no address answers to."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from boss.api.tenancy.serializers import MeSerializer
from boss.core.actors import Actor
from boss.core.api.permissions import DeclaredPermission
from boss.core.problems import NotFound


class ApiView(APIView):
    """An address that is not a resource with rows. Declares ``permission`` or ``public`` like every other."""

    permission_classes = (DeclaredPermission,)
    permission: str = ""
    public: bool = False

    @property
    def actor(self) -> Actor:
        actor: Actor = self.request.actor  # type: ignore[attr-defined]
        return actor


class MeView(ApiView):
    """Who the API takes you for, and what you may do."""

    public = True

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        actor = self.actor
        held = {permission for grant in actor.grants for permission in grant.permissions if actor.holds(permission)}
        shown = {
            "kind": actor.kind,
            "label": actor.label,
            "realm": request.realm.key,  # type: ignore[attr-defined]
            "permissions": sorted(held),
        }
        return Response(MeSerializer(shown).data)


class NothingHere(ApiView):
    """Every other address below /api/: a problem document instead of a page."""

    public = True
    permission_classes: tuple[type[BasePermission], ...] = ()  # type: ignore[assignment]
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound
