"""The order is placed: its progress, reachable by an unguessable link, and the way to a log-in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from boss.core.views import public
from boss.portals import tracker
from boss.portals.signup import drafts
from boss.tenancy.services import invitations
from subscribers import selectors as subscribers
from subscribers.models import Order


def _order(token: str) -> Order:
    """The order of a signed link. The link is the right to look: it was given to whoever placed the order."""
    return subscribers.get_order_by_progress_token(token)


def _context(request: HttpRequest, token: str) -> dict[str, object]:
    order = _order(token)
    return {
        "order": order,
        "tracker": tracker.track(order),
        "items": list(order.items.all()),
        "token": token,
        "may_set_up": _may_set_up(request, order),
    }


def _may_set_up(request: HttpRequest, order: Order) -> bool:
    """The browser that placed the order may choose the password at once, while there is none yet."""
    user = order.account.user
    return (
        user is not None
        and user.is_active
        and not user.has_usable_password()
        and drafts.was_placed_here(request, order.public_id)
    )


@public
@never_cache
def order(request: HttpRequest, token: str) -> HttpResponse:
    return render(request, "portals/signup/placed.html", _context(request, token))


@public
@never_cache
def state(request: HttpRequest, token: str) -> HttpResponse:
    """The part of the page that follows the order (polled by htmx until it is over)."""
    return render(request, "portals/signup/_progress.html", _context(request, token))


@require_POST
@public
def set_up_sign_in(request: HttpRequest, token: str) -> HttpResponse:
    order = _order(token)
    user = order.account.user
    if user is None or not _may_set_up(request, order):
        return redirect("signup:order", token=token)
    return redirect("invitation", token=invitations.token(user))
