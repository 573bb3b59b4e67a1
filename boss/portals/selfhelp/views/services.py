"""My services: the plan, what belongs to it, and the settings that are the customer's to know."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from boss.core.views import requires
from boss.portals.selfhelp import my_services


@requires("subscribers.view_subscription", customers=True)
@never_cache
def services(request: HttpRequest) -> HttpResponse:
    held = my_services.list_subscriptions(request.actor)  # type: ignore[attr-defined]
    return render(request, "portals/selfhelp/services.html", {"subscriptions": held, "here": "services"})
