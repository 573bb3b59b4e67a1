"""Orders: the list, and one order with what it asks for and how far it is."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from boss.console.frame import actor_of, page
from boss.console.presenters import accounts as present
from boss.console.presenters.marks import ORDER
from boss.core.views import requires
from boss.look.pages import newest_first
from subscribers import selectors
from subscribers.choices import OrderState

OPEN = (OrderState.ACKNOWLEDGED, OrderState.IN_PROGRESS)


@requires("subscribers.view_order")
@require_GET
def order_list(request: HttpRequest) -> HttpResponse:
    """Orders, newest first, by state."""
    wanted = request.GET.get("state", "all")
    rows = selectors.list_orders(actor_of(request))
    if wanted == "open":
        rows = rows.filter(state__in=OPEN)
    elif wanted in ORDER:
        rows = rows.filter(state=wanted)
    context = {
        "page": newest_first(rows, request.GET.get("after", "")).map(present.order_row),
        "wanted": wanted,
        "query": urlencode({"state": wanted}),
    }
    return page(request, "orders/list.html", context, section="orders")
