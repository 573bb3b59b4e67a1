"""Orders: the list, and one order with what it asks for and how far it is."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from boss.console.frame import actor_of, page, picked, staff
from boss.console.presenters import accounts as present
from boss.console.presenters import runs as present_runs
from boss.console.presenters import services as present_services
from boss.console.presenters import tickets as present_tickets
from boss.console.presenters.marks import ORDER
from boss.core import permissions
from boss.look.pages import newest_first
from ipservices import selectors as ipservices
from subscribers import selectors
from subscribers.choices import ItemAction, OrderState
from ticketing import selectors as ticketing
from workflow import selectors as workflow
from workflow.choices import RunState

OPEN = (OrderState.ACKNOWLEDGED, OrderState.IN_PROGRESS)


@staff("subscribers.view_order")
@require_GET
def order_list(request: HttpRequest) -> HttpResponse:
    """Orders, newest first, by state."""
    wanted = picked(request, "state", {"open", *ORDER}, first="all", whole="all")
    rows = selectors.list_orders(actor_of(request))
    if wanted == "open":
        rows = rows.filter(state__in=OPEN)
    elif wanted in ORDER:
        rows = rows.filter(state=wanted)
    context = {
        "page": newest_first(rows, request.GET.get("after", "")).map_all(present.order_rows),
        "wanted": wanted,
        "query": urlencode({"state": wanted}),
    }
    return page(request, "orders/list.html", context, section="orders")


@staff("subscribers.view_order")
@require_GET
def order(request: HttpRequest, public_id: str) -> HttpResponse:
    """What was ordered, by whom, where, and the run that delivers it, live."""
    actor = actor_of(request)
    found = selectors.get_order(actor, public_id)
    run = workflow.find_run(found.run_id) if found.run_id and actor.holds("workflow.view_run") else None
    subscriptions = {item.subscription_id for item in found.items.all()}
    services = [
        present_services.row(service)
        for service in (
            ipservices.list_services_for_account(actor, found.account) if actor.holds("ipservices.view_service") else []
        )
        if service.subscription_id in subscriptions
    ]
    tickets = ticketing.list_for_account(actor, found.account_id)[:20] if actor.holds("ticketing.view_ticket") else []
    actions = {item.action for item in found.items.all()}
    may_order = not found.is_closed and actor.holds("subscribers.place_order")
    context = {
        "order": found,
        "state": present.order_state(found, workflow.find_needing_people([found.run_id] if found.run_id else [])),
        "account_url": present.url_of(found.account),
        "items": [present.item_line(item) for item in found.items.all()],
        "run": run,
        "live": present_runs.live(run, workflow.graph(run)) if run else None,
        "story": present_runs.story(run) if run else None,
        "services": services,
        "tickets": [present_tickets.row(ticket) for ticket in tickets],
        "may_amend": may_order and ItemAction.ADD in actions,
        "may_win_back": may_order and ItemAction.DELETE in actions,
        "may_reverse": run is not None
        and run.state == RunState.RUNNING
        and permissions.may(actor, "workflow.reverse_run", run),
    }
    return page(request, "orders/order.html", context, section="orders")
