"""Home: is my service working, how far is my order, what of my requests."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from boss.core.views import requires
from boss.look import security as own_security
from boss.look.marks import Mark
from boss.portals import tracker
from boss.portals.selfhelp import my_services, words
from boss.portals.selfhelp.views.tickets import Row
from ipservices import outages
from subscribers import selectors as subscribers
from subscribers.choices import OrderState
from ticketing import selectors as desk

SHOWN_TICKETS = 3
WORKING = Mark(gettext_lazy("Working"), "circle-check", "ok")
STARTING = Mark(gettext_lazy("Being set up"), "loader-2", "busy")
PAUSED = Mark(gettext_lazy("Paused"), "player-pause", "wait")
NOTHING = Mark(gettext_lazy("No service yet"), "circle-dashed", "idle")


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to "is my service working?": one mark, one sentence."""

    mark: Mark
    text: str | Promise


OUT = Answer(
    Mark(gettext_lazy("Outage"), "alert-triangle", "bad"), gettext_lazy("We know of it and are working on it.")
)


@requires("core.use_selfhelp", customers=True)
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    actor = request.actor  # type: ignore[attr-defined]
    subscriptions = my_services.list_subscriptions(actor)
    orders = list(subscribers.list_my_orders(actor)[:5])
    out = outages.known_to(actor)
    moving = [order for order in orders if order.state in (OrderState.ACKNOWLEDGED, OrderState.IN_PROGRESS)]
    return render(
        request,
        "portals/selfhelp/home.html",
        {
            "account": subscribers.find_my_account(actor),
            "answer": OUT if out else _answer(subscriptions),
            "outages": out,
            "may_ask": True,
            "subscriptions": subscriptions,
            "trackers": [tracker.track(order) for order in moving],
            "orders": [order for order in orders if order not in moving],
            "tickets": [Row.of(ticket) for ticket in desk.list_for_requester(actor)[:SHOWN_TICKETS]],
            "here": "home",
        },
    )


def _answer(subscriptions: list[my_services.Held]) -> Answer:
    states = {held.subscription.state for held in subscriptions}
    services = [line for held in subscriptions for line in held.lines]
    if any(line.is_faulty for line in services):
        return Answer(words.TROUBLE, _("We see it and are looking into it. Tell us if it troubles you."))
    if "active" in states:
        return Answer(WORKING, _("Everything we provide to you is in service."))
    if "suspended" in states:
        return Answer(PAUSED, _("Please get in touch to start it again."))
    if "pending" in states:
        return Answer(STARTING, _("Below you see how far it is."))
    return Answer(NOTHING, _("Choose a plan and we set it up for you."))


@requires("core.use_selfhelp", customers=True)
@never_cache
def security(request: HttpRequest) -> HttpResponse:
    """Password, second factors and sessions of the person himself."""
    context = {"security": own_security.of_person(request), "here": "security"}
    return render(request, "portals/selfhelp/security.html", context)
