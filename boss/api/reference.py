"""The reference page: Swagger UI from our own server, under the same strict CSP as every other page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.views import SpectacularAPIView

from boss.core.views import public


class SchemaView(SpectacularAPIView):
    """The OpenAPI document. It holds no data of any realm, so anybody may read it."""

    public = True


@public
def reference(request: HttpRequest) -> HttpResponse:
    """The document, drawn for people. Requests tried from it use the reader's own session."""
    return render(request, "api/reference.html")
