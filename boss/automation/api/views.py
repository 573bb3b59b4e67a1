"""Scripts and endpoints on the API: each verb is one service call."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.automation import selectors
from boss.automation.api import serializers
from boss.automation.models import Endpoint, Script
from boss.automation.services import endpoints, scripts
from boss.core.api.views import ReadOnlyViewSet


class ScriptViewSet(ReadOnlyViewSet):
    """What this provider taught BOSS, with every version that was ever written."""

    model = Script
    serializer_class = serializers.ScriptSerializer
    permission = "automation.view_script"
    permissions: ClassVar[dict[str, str]] = {"create": "automation.edit_script"}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": serializers.NewScript}
    filterset_fields = ("key", "is_archived")

    def rows(self) -> QuerySet[Script]:
        return selectors.whole_scripts()

    def create(self, request: Request) -> Response:
        return self.answer(scripts.create(actor=self.actor, **self.given()), status=201)

    @extend_schema(responses=serializers.ScriptVersionSerializer(many=True))
    @action(detail=True, pagination_class=None, filterset_class=None)
    def versions(self, request: Request, public_id: str) -> Response:
        """All versions, newest first."""
        found = selectors.list_versions(self.get_object())
        return Response(serializers.ScriptVersionSerializer(found, many=True).data)

    @extend_schema(responses={201: serializers.ScriptVersionSerializer})
    @action(detail=True, methods=["post"], permission="automation.edit_script", input=serializers.Propose)
    def propose(self, request: Request, public_id: str) -> Response:
        """Write a new version down. It runs nowhere until another person publishes it."""
        version = scripts.propose(actor=self.actor, script=self.get_object(), **self.given())
        return Response(serializers.ScriptVersionSerializer(version).data, status=201)

    @action(detail=True, methods=["post"], permission="automation.publish_script", input=serializers.VersionNumber)
    def publish(self, request: Request, public_id: str) -> Response:
        """Let workflow tasks run a version that another person wrote."""
        script = self.get_object()
        scripts.publish(actor=self.actor, script=script, **self.given())
        return self.answer(script)

    @action(detail=True, methods=["post"], permission="automation.publish_script", input=serializers.NothingGiven)
    def archive(self, request: Request, public_id: str) -> Response:
        """Let no task run it any more."""
        return self.answer(scripts.archive(actor=self.actor, script=self.get_object()))

    @extend_schema(responses=serializers.TriedSerializer)
    @action(
        detail=True, methods=["post"], permission="automation.edit_script", input=serializers.TryOut, url_path="try-out"
    )
    def try_out(self, request: Request, public_id: str) -> Response:
        """Run a version with sample inputs; no endpoint is called."""
        script, given = self.get_object(), self.given()
        version = selectors.get_version(script, given["number"])
        result = scripts.try_out(actor=self.actor, version=version, inputs=given["inputs"])
        return Response(serializers.TriedSerializer(result).data)


class EndpointViewSet(ReadOnlyViewSet):
    """Other machines that scripts and workflows may ask by name. Secrets go in and never come out."""

    model = Endpoint
    serializer_class = serializers.EndpointSerializer
    permission = "automation.view_endpoint"
    permissions: ClassVar[dict[str, str]] = {
        "create": "automation.manage_endpoints",
        "partial_update": "automation.manage_endpoints",
    }
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {
        "create": serializers.NewEndpoint,
        "partial_update": serializers.EndpointChange,
    }
    filterset_fields = ("key", "kind", "enabled")

    def rows(self) -> QuerySet[Endpoint]:
        return selectors.whole_endpoints()

    def create(self, request: Request) -> Response:
        return self.answer(endpoints.create(actor=self.actor, **self.given()), status=201)

    def partial_update(self, request: Request, public_id: str) -> Response:
        """Change what is given; secrets by name."""
        return self.answer(endpoints.change(actor=self.actor, endpoint=self.get_object(), **self.given()))

    @extend_schema(request=None, responses=serializers.TestedSerializer)
    @action(detail=True, methods=["post"], permission="automation.manage_endpoints", url_path="test")
    def test(self, request: Request, public_id: str) -> Response:
        """Ask it one harmless question now."""
        answered, found = endpoints.try_out(actor=self.actor, endpoint=self.get_object())
        return Response({"answered": answered, "found": found})

    @extend_schema(responses=serializers.EndpointCallSerializer(many=True))
    @action(detail=True, pagination_class=None, filterset_class=None)
    def calls(self, request: Request, public_id: str) -> Response:
        """The latest calls, newest first."""
        found = selectors.latest_calls(self.get_object())
        return Response(serializers.EndpointCallSerializer(found, many=True).data)
