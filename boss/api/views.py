"""The API's own resources: who you are, and what no address answers to."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from boss.api.tenancy.serializers import MeSerializer, OwnFactorsSerializer, OwnSessionSerializer
from boss.core.actors import Actor
from boss.core.api.permissions import DeclaredPermission
from boss.core.problems import NotFound
from boss.look import security
from boss.tenancy.services import sessions
from boss.tenancy.sessions import ABOUT


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


def _person(actor: Actor) -> None:
    """Only somebody who is signed in has a sign-in of his own."""
    if actor.kind == "visitor":
        raise NotAuthenticated
    sessions.require_person(actor)


class OwnSessions(ApiView):
    """Where the person who asks is signed in. For people: a program has no sessions."""

    public = True  # everybody's own; programs and visitors are refused by name

    @extend_schema(responses=OwnSessionSerializer(many=True))
    def get(self, request: Request) -> Response:
        """All open sessions, this one first."""
        _person(self.actor)
        return Response(OwnSessionSerializer(security.of_person(request._request).sessions, many=True).data)

    @extend_schema(request=None, responses={204: None}, operation_id="me_sessions_end_others")
    def delete(self, request: Request) -> Response:
        """End all but this one."""
        _person(self.actor)
        this = (request._request.session.get(ABOUT) or {}).get("id", "")
        sessions.end_all(actor=self.actor, user=request._request.user, but=this)  # type: ignore[arg-type]
        return Response(status=204)


class OwnSession(ApiView):
    """One of them."""

    public = True

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, public_id: str) -> Response:
        """End it."""
        _person(self.actor)
        sessions.end(actor=self.actor, public_id=public_id)
        return Response(status=204)


class OwnFactors(ApiView):
    """How the person who asks signs in. Setting up and removing is done on a page, with a proof."""

    public = True

    @extend_schema(responses=OwnFactorsSerializer)
    def get(self, request: Request) -> Response:
        _person(self.actor)
        return Response(OwnFactorsSerializer(security.of_person(request._request)).data)


class NothingHere(ApiView):
    """Every other address below /api/: a problem document instead of a page."""

    public = True
    permission_classes: tuple[type[BasePermission], ...] = ()  # type: ignore[assignment]
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound
