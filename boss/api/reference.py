"""The document for programs, and the reference page: Swagger UI from our own server under the strict CSP."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from boss.api import document
from boss.core.views import public


class _Yaml(OpenApiYamlRenderer):
    """Hands over the document as it was written once; refusals are written as they come."""

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        if data is document.document():
            return document.as_yaml()
        rendered: bytes = super().render(data, accepted_media_type, renderer_context)  # type: ignore[no-untyped-call]
        return rendered


class SchemaView(APIView):
    """The OpenAPI document, YAML or (``Accept: application/json``) JSON. It holds no realm's data: anybody may read."""

    public = True
    permission_classes: tuple[type[BasePermission], ...] = ()
    renderer_classes = (_Yaml, OpenApiJsonRenderer)
    schema = None

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(document.document())


@public
@require_GET
def reference(request: HttpRequest) -> HttpResponse:
    """The document, drawn for people. Requests tried from it use the reader's own session."""
    return render(request, "api/reference.html")
