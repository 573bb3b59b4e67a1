"""Who of the staff looked at my account as I see it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from boss.core.views import requires
from boss.tenancy.services import acting


@requires("core.use_selfhelp", customers=True)
@never_cache
def visits(request: HttpRequest) -> HttpResponse:
    """Each visit with who, when and why, newest first."""
    shown = acting.list_of(request.actor)  # type: ignore[attr-defined]
    return render(request, "portals/selfhelp/visits.html", {"visits": shown, "here": "history"})
