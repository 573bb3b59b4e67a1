"""What somebody has at an address: another plan, a number brought along, the end. Each becomes an order."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from boss.console.forms.orders import BringNumberForm, ChangeForm, DisconnectForm
from boss.console.frame import actor_of, page, picked, refused, staff
from boss.console.presenters import accounts as present
from boss.console.presenters import changes as present_changes
from boss.console.presenters.marks import SUBSCRIPTION, mark
from boss.core.actors import Actor
from boss.core.problems import Problem
from catalog import selectors as catalog
from catalog.choices import Process
from catalog.models import PlanVersion
from subscribers import selectors
from subscribers.models import Order, Subscription
from subscribers.services import later_orders

CHANNEL = "console"
_ASKED = ("number", "losing_carrier", "account_number")


@staff("subscribers.place_order")
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, public_id: str) -> HttpResponse:
    """Another plan (``?plan=``) or other options. What differs and what it costs is shown before it is ordered."""
    actor = actor_of(request)
    found = selectors.get_subscription(actor, public_id)
    offers = _offers(actor, found)
    wanted = picked(request, "plan", offers)
    version = offers[wanted] if wanted else catalog.get_version(found.plan_version_id)
    quantities, chosen = later_orders.kept(found, version)
    posted = request.POST if request.method == "POST" else None
    form = ChangeForm(posted, version=version, quantities=quantities, chosen=chosen)
    shown, status = None, 200
    if posted is not None:
        status = 422
        if form.is_valid():
            wish: dict[str, Any] = {"plan_version": version, "options": form.picked(), "chosen": form.chosen()}
            try:
                if "confirmed" in posted:
                    return _ordered(request, later_orders.change_plan(**_by(actor, found, form) | wish))
                shown, status = later_orders.preview_change(actor=actor, subscription=found, **wish), 200
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
    context = {
        **_about(found),
        "plans": [(key, one.title) for key, one in offers.items()],
        "wanted": wanted,
        "form": form,
        "change": shown,
        "lines": present_changes.lines(shown, catalog.get_version(found.plan_version_id), version) if shown else [],
        "typed": present_changes.typed(request.POST) if shown else [],
    }
    return page(request, "subscriptions/change.html", context, section="accounts", status=status)


def _offers(actor: Actor, subscription: Subscription) -> dict[str, PlanVersion]:
    """What is sold at the address and names a workflow for changes, but for what is there already."""
    return {
        version.plan.key: version
        for version in catalog.list_plans_on_sale(actor, subscription.site)
        if version.workflows.get(Process.CHANGE) and version.pk != subscription.plan_version_id
    }


@staff("subscribers.place_order")
@require_http_methods(["GET", "POST"])
def disconnect(request: HttpRequest, public_id: str) -> HttpResponse:
    """The end of what somebody has here."""
    actor = actor_of(request)
    found = selectors.get_subscription(actor, public_id)
    form, status = DisconnectForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                order = later_orders.disconnect(
                    **_by(actor, found, form),
                    wanted_on=form.cleaned_data["wanted_on"],
                    reason=form.cleaned_data["reason"],
                )
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                return _ordered(request, order)
    context = {**_about(found), "form": form, "features": [feature["title"] for feature in found.features]}
    return page(request, "subscriptions/disconnect.html", context, section="accounts", status=status)


@staff("subscribers.place_order")
@require_http_methods(["GET", "POST"])
def bring_number(request: HttpRequest, public_id: str) -> HttpResponse:
    """A number of the customer's comes from another provider."""
    actor = actor_of(request)
    found = selectors.get_subscription(actor, public_id)
    try:
        feature = catalog.get_feature(actor, "voice.portin")
    except Problem as problem:
        refused(request, problem)
        return redirect(present.url_of(found.account))
    asked = [item for item in feature.schema if item.key in _ASKED]
    form, status = BringNumberForm(request.POST if request.method == "POST" else None, asked=asked), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                order = later_orders.bring_number(**_by(actor, found, form) | form.values)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                return _ordered(request, order)
    return page(
        request, "subscriptions/bring_number.html", {**_about(found), "form": form}, section="accounts", status=status
    )


def _by(actor: Actor, subscription: Subscription, form: Any) -> dict[str, Any]:
    once = form.cleaned_data["once"]
    key = f"console:{actor.user_id}:{once}" if once else None
    return {"actor": actor, "subscription": subscription, "key": key, "channel": CHANNEL}


def _ordered(request: HttpRequest, order: Order) -> HttpResponse:
    messages.success(request, _("Order %(number)s is placed.") % {"number": order.number})
    return redirect(present.order_url(order))


def _about(subscription: Subscription) -> dict[str, Any]:
    return {
        "subscription": subscription,
        "account": subscription.account,
        "account_url": present.url_of(subscription.account),
        "state": mark(SUBSCRIPTION, subscription.state),
        "plan": subscription.plan_version.title,
    }
