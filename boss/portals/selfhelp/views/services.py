"""My services: the plan, what belongs to it, and the settings that are the customer's to know."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from boss.core.permissions import PermissionDenied
from boss.core.problems import NotFound
from boss.core.services import ReadOnlyActor
from boss.core.views import requires
from boss.portals.selfhelp import my_services
from ipservices import selectors as ipservices
from ipservices.services import looking


@requires("subscribers.view_subscription", customers=True)
@never_cache
def services(request: HttpRequest) -> HttpResponse:
    held = my_services.list_subscriptions(request.actor)  # type: ignore[attr-defined]
    return render(request, "portals/selfhelp/services.html", {"subscriptions": held, "here": "services"})


@requires("ipservices.view_service", customers=True)
@require_GET
@never_cache
def webmail(request: HttpRequest, public_id: str) -> HttpResponse:
    """Signed in at the webmail in one click; by a link and not a form, whose redirect elsewhere browsers refuse."""
    actor = request.actor  # type: ignore[attr-defined]
    service = ipservices.get_service(actor, public_id)
    try:
        link = looking.sign_in_link(actor=actor, service=service)
    except ReadOnlyActor as refusal:
        raise PermissionDenied(refusal.detail) from refusal  # staff who look on read nobody's mail
    if link is None or not ipservices.offer_sign_in([service]):
        raise NotFound
    return redirect(link)
