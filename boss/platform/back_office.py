"""The Django admin, for the people who run the installation: on the platform's own hosts and nowhere else."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from boss.tenancy import signing_in


class BackOffice(AdminSite):
    """Answers 404 on every realm's host but the platform's, so that nobody learns it is there."""

    site_header = _("BOSS platform")
    site_title = _("BOSS platform")
    index_title = _("Across all realms")

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        inner = super().admin_view(view, cacheable)

        def on_platform_only(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            _platform_or_404(request)
            response: HttpResponse = inner(request, *args, **kwargs)
            return response

        on_platform_only.permission = "platform.operate"  # type: ignore[attr-defined]
        return on_platform_only

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """By the one door everybody uses: it asks for the second step, too."""
        _platform_or_404(request)
        target = signing_in.safe_target(request) or reverse("admin:index")
        if request.user.is_authenticated and not self.has_permission(request):
            raise Http404
        return HttpResponseRedirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': target})}")


def _platform_or_404(request: HttpRequest) -> None:
    if not request.realm.is_platform:  # type: ignore[attr-defined]
        raise Http404
