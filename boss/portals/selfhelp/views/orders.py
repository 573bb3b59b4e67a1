"""My order, step by step in plain words."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from boss.core.views import requires
from boss.portals import tracker
from subscribers import selectors


def _context(request: HttpRequest, public_id: str) -> dict[str, object]:
    order = selectors.get_order(request.actor, public_id)  # type: ignore[attr-defined]
    items = list(order.items.all())
    return {"order": order, "tracker": tracker.track(order), "items": items, "here": "home"}


@requires("subscribers.view_order", customers=True)
@never_cache
def order(request: HttpRequest, public_id: str) -> HttpResponse:
    return render(request, "portals/selfhelp/order.html", _context(request, public_id))


@requires("subscribers.view_order", customers=True)
@never_cache
def state(request: HttpRequest, public_id: str) -> HttpResponse:
    """The part of the page that follows the order (polled by htmx until it is over)."""
    return render(request, "portals/selfhelp/_progress.html", _context(request, public_id))
