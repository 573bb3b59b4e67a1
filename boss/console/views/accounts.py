"""Accounts: the list, and the page that shows everything of one."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from boss.console.frame import actor_of, fragment, page, staff
from boss.console.presenters import accounts as present
from boss.console.presenters import outages as present_outages
from boss.console.presenters import runs as present_runs
from boss.console.presenters import services as present_services
from boss.console.presenters import standing as present_standing
from boss.console.presenters import stories
from boss.console.presenters import tickets as present_tickets
from boss.console.presenters.marks import ACCOUNT, NEEDS_PERSON, mark
from boss.core import audit
from boss.core.actors import Actor
from boss.look.pages import newest_first
from boss.look.templatetags.look import money
from ipservices import selectors as ipservices
from subscribers import selectors
from subscribers.models import Account, Order
from ticketing import selectors as ticketing
from ticketing import standing
from workflow import selectors as workflow

STORY_SHOWN = 40
TICKETS_SHOWN = 20
RUNS_SHOWN = 3


@staff("subscribers.view_account")
@require_GET
def account_list(request: HttpRequest) -> HttpResponse:
    """Accounts, the latest opened first. Who is looked for is found by the search box."""
    rows = newest_first(selectors.list_accounts(actor_of(request)), request.GET.get("after", ""))
    return page(request, "accounts/list.html", {"page": rows.map(present.row), "query": ""}, section="accounts")


@staff("subscribers.view_account")
@require_GET
def account(request: HttpRequest, public_id: str) -> HttpResponse:
    """The single view of a customer. The timeline comes in by itself a moment later, and follows while work goes on."""
    actor = actor_of(request)
    found = selectors.get_account(actor, public_id)
    picture = selectors.account_360(actor, found)
    services = _services(actor, found)
    tickets = (
        list(ticketing.list_for_account(actor, found.pk)[:TICKETS_SHOWN])
        if actor.holds("ticketing.view_ticket")
        else []
    )
    orders = present.order_rows(picture.orders)
    context = {
        "account": found,
        "state": mark(ACCOUNT, found.state),
        "subscriptions": present.subscription_cards(
            picture.subscriptions, services, picture.orders, may_order=actor.holds("subscribers.place_order")
        ),
        "services": services,
        "orders": orders,
        "open_orders": [row for row in orders if row.is_open],
        "tickets": [present_tickets.row(ticket, actor.user_id) for ticket in tickets],
        "open_tickets": sum(ticket.is_open for ticket in tickets),
        "late_tickets": [row for row in map(present_tickets.row, tickets) if row.is_late],
        "outages": present_outages.strips_of(actor, found),
        "charges": [present.charge_line(charge) for charge in picture.charges],
        "monthly": [money(amount, currency) for currency, amount in picture.monthly.items()],
        "contacts": picture.contacts,
        "may_see_money": actor.holds("subscribers.view_statement"),
        "has_pin": bool(found.pin_hash),
        "may_copy": actor.holds("privacy.export_person"),
        "is_drawn": any(row.is_open for row in orders) and actor.holds("workflow.view_run"),
    }
    return page(request, "accounts/account.html", context, section="accounts")


def _services(actor: Actor, found: Account) -> list[Any]:
    if not actor.holds("ipservices.view_service"):
        return []
    return [present_services.row(service) for service in ipservices.list_services_for_account(actor, found)]


@staff("subscribers.view_account")
@require_GET
def timeline(request: HttpRequest, public_id: str) -> HttpResponse:
    """What happened around the account: its own history, its orders' runs, its tickets; and, above the page, what of
    its addresses mail does not reach."""
    actor = actor_of(request)
    found = selectors.get_account(actor, public_id)
    orders = list(selectors.list_orders(actor).filter(account=found)[:RUNS_SHOWN])
    services = [service.pk for service in ipservices.list_services_for_account(actor, found, ended=True)]
    told = [
        stories.of_audit(entry)
        for entry in audit.list_about(
            {
                "subscribers.account": [found.pk],
                "subscribers.order": [order.pk for order in orders],
                "subscribers.subscription": [item.subscription_id for order in orders for item in order.items.all()],
                "ipservices.service": services,
            }
        ).exclude(action__in=stories.UNTOLD)[:STORY_SHOWN]
    ]
    numbers = set()
    if actor.holds("ticketing.view_ticket"):
        for ticket in ticketing.list_for_account(actor, found.pk)[:TICKETS_SHOWN]:
            told += stories.of_ticket(ticket)
            numbers.add(ticket.number)
    progress = []
    for order in orders:
        run = workflow.find_run(order.run_id) if order.run_id else None
        if run is None or not actor.holds("workflow.view_run"):
            continue
        told += present_runs.told(run, numbers)
        if not run.is_closed:
            progress.append(_progress(order, present_runs.live(run, workflow.graph(run))))
    context = {
        "account": found,
        "entries": stories.newest_first(told, STORY_SHOWN),
        "progress": progress,
        "is_moving": bool(progress),
        "troubles": present_standing.banners(standing.of(selectors.addresses_of(actor, found))),
    }
    return fragment(request, "accounts/timeline.html", context)


@staff("workflow.view_run")
@require_GET
def graph(request: HttpRequest, public_id: str) -> HttpResponse:
    """The drawn run of the order under way, if there is one; it follows while work goes on."""
    actor = actor_of(request)
    found = selectors.get_account(actor, public_id)
    order = next((one for one in selectors.list_orders(actor).filter(account=found) if not one.is_closed), None)
    run = workflow.find_run(order.run_id) if order is not None and order.run_id else None
    if order is None or run is None:
        return HttpResponse("")
    live = present_runs.live(run, workflow.graph(run))
    if request.GET.get("seen") == live.token:
        return HttpResponse(status=204)
    return fragment(request, "accounts/graph.html", {"account": found, "order": _progress(order, live)})


def _progress(order: Order, live: present_runs.Live) -> dict[str, Any]:
    state = NEEDS_PERSON if live.attention else live.state
    return {"number": order.number, "url": present.order_url(order), "state": state, "live": live}
