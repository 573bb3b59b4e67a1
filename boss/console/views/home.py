"""The first page of a shift: what is mine to do, how much waits where, what came in last."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from boss.console.frame import actor_of, page, staff
from boss.console.presenters import accounts as present_accounts
from boss.console.presenters import outages as present_outages
from boss.console.presenters import tickets as present_tickets
from boss.core.permissions import may
from boss.look import security
from ipservices import outages
from subscribers import selectors as subscribers
from ticketing import selectors as ticketing

SHOWN = 8


@staff("core.use_console")
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Panels only for what the actor may see."""
    actor = actor_of(request)
    context: dict[str, object] = {"sees_tickets": actor.holds("ticketing.view_ticket")}
    if actor.holds("ticketing.view_ticket"):
        inbox = list(ticketing.list_inbox(actor)[: SHOWN + 1])
        pools = ticketing.count_by_pool(actor)
        context |= {
            "inbox": [present_tickets.row(ticket, actor.user_id) for ticket in inbox[:SHOWN]],
            "inbox_more": len(inbox) > SHOWN,
            "pools": pools,
            "waiting": sum(pool.open for pool in pools),
            "unclaimed": sum(pool.unclaimed for pool in pools),
            "overdue": sum(pool.overdue for pool in pools),
        }
    if actor.holds(outages.VIEW):
        context["outages"] = [present_outages.row(each) for each in outages.list_open(actor)]
    if actor.holds("subscribers.view_order"):
        context["orders"] = present_accounts.order_rows(subscribers.list_orders(actor)[:SHOWN])
    return page(request, "home.html", context, section="home")


@staff("core.use_console")
@never_cache
@require_GET
def own_sign_in(request: HttpRequest) -> HttpResponse:
    """Password, second factors and sessions of the person himself."""
    context = {"security": security.of_person(request), "may_rule": may(actor_of(request), "tenancy.change_realm")}
    return page(request, "security.html", context, section="")
