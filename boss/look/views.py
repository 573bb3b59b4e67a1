"""Pages that belong to no surface: the brand's stylesheet and logo, the error pages."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_GET

from boss.core.views import public
from boss.look import brand
from boss.tenancy import selectors

PNG = b"\x89PNG\r\n\x1a\n"


@public
@require_GET
def stylesheet(request: HttpRequest, version: str) -> HttpResponse:
    """The realm's brand as CSS variables. The version is in the address: kept for a year, renewed at once."""
    colour = selectors.get_brand(request.realm.pk).colour  # type: ignore[attr-defined]
    response = HttpResponse(brand.stylesheet(colour), content_type="text/css; charset=utf-8")
    if version == brand.version(colour):
        patch_cache_control(response, public=True, max_age=31536000, immutable=True)
    else:
        patch_cache_control(response, no_cache=True)
    return response


@public
@require_GET
def logo(request: HttpRequest, version: int) -> HttpResponse:
    """The realm's logo. Only PNG leaves here, whatever was stored."""
    stored = selectors.get_brand(request.realm.pk).logo  # type: ignore[attr-defined]
    content = bytes(stored) if stored else b""
    if not content.startswith(PNG):
        raise Http404
    response = HttpResponse(content, content_type="image/png")
    patch_cache_control(response, public=True, max_age=31536000, immutable=True)
    return response


# Error pages. Those that may come while the database is in trouble ask it nothing: they stand on bare.html.


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse(render_to_string("errors/400.html"), status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "errors/403.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "errors/404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    reference = getattr(request, "id", "")
    return HttpResponse(render_to_string("errors/500.html", {"reference": reference}), status=500)
