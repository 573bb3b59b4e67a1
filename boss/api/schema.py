"""OpenAPI 3.1 drawn from what the viewsets declare, so that it cannot tell another story than the code."""

from __future__ import annotations

from typing import Any, Literal

from drf_spectacular.authentication import SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from boss.core.api.idempotency import HEADER, LONGEST_KEY
from boss.core.api.permissions import PUBLIC, declared
from boss.core.api.refusals import MEDIA_TYPE
from boss.core.api.serializers import ProblemSerializer

CHANGES = ("PUT", "PATCH", "DELETE")


class BossSchema(AutoSchema):
    """Adds what the frame does for every view: inputs, keys, tags, permissions and problem documents."""

    def get_request_serializer(self) -> Any:
        """The action's ``input``, else its entry in ``inputs``; an action without either reads no body."""
        view: Any = self.view
        action = getattr(view, "action", None)
        found = getattr(view, "input", None) or getattr(view, "inputs", {}).get(action)
        if found is not None or hasattr(view, "inputs"):
            return found
        return super().get_request_serializer()

    def get_override_parameters(self) -> list[Any]:
        parameters: list[Any] = list(super().get_override_parameters())
        if self.method == "POST":
            parameters.append(
                OpenApiParameter(
                    HEADER,
                    {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]+$"},
                    OpenApiParameter.HEADER,
                    description="Chosen by the client. The same key and body give the first answer again; "
                    "another body gives 409.",
                )
            )
        if getattr(self.view, "etagged", False) and self.method in CHANGES:
            parameters.append(
                OpenApiParameter(
                    "If-Match",
                    str,
                    OpenApiParameter.HEADER,
                    required=True,
                    description="The ETag this change is based on.",
                )
            )
        return parameters

    def get_description(self) -> str:  # type: ignore[override]
        needed = declared(self.view, getattr(self.view, "action", None))
        said = super().get_description() or ""
        if needed and needed != PUBLIC:
            said = f"{said}\n\nNeeds the permission `{needed}`.".strip()
        return said

    def get_auth(self) -> list[dict[str, Any]]:
        auth: list[dict[str, Any]] = list(super().get_auth() or [])
        public = declared(self.view, getattr(self.view, "action", None)) == PUBLIC
        return [*auth, {}] if public and {} not in auth else [entry for entry in auth if entry or public]

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = dict(super()._get_response_bodies(direction))
        problem = self.resolve_serializer(ProblemSerializer, "response")
        bodies["default"] = {
            "description": "A refusal",
            "content": {MEDIA_TYPE: {"schema": problem.ref if problem else {}}},
        }
        return bodies


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the document describes API keys."""

    target_class = "boss.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "boss_<id>_<secret>"}


class PersonScheme(SessionScheme):  # type: ignore[no-untyped-call]
    """The browser's session, described as Django's is."""

    target_class = "boss.api.authentication.PersonAuthentication"
