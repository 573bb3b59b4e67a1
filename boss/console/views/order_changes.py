"""An order under way is changed, or the customer who leaves is won back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from boss.console.forms.orders import AmendForm, WinBackForm
from boss.console.frame import actor_of, page, refused, staff
from boss.console.presenters import accounts as present
from boss.console.presenters import changes as present_changes
from boss.console.presenters import runs as present_runs
from boss.core.problems import Problem
from boss.look import once
from catalog import selectors as catalog
from subscribers import selectors
from subscribers.choices import ItemAction
from subscribers.errors import NotUnderWay
from subscribers.models import Order
from subscribers.services import amending, later_orders
from workflow import selectors as workflow
from workflow.services import runs


@staff("subscribers.place_order")
@require_http_methods(["GET", "POST"])
def amend(request: HttpRequest, public_id: str) -> HttpResponse:
    """Other options for an order under way. What differs, and what is done again for it, is shown first."""
    actor = actor_of(request)
    found = selectors.get_order(actor, public_id)
    item = next((item for item in found.items.all() if item.action == ItemAction.ADD), None)
    if found.is_closed or item is None:
        return _not_under_way(request, found)
    version = catalog.get_version(item.plan_version_id)
    posted = request.POST if request.method == "POST" else None
    form = AmendForm(posted, version=version, quantities=item.options, chosen=item.chosen)
    change, status = None, 200
    if posted is not None:
        status = 422
        if form.is_valid():
            options, chosen = form.picked(), form.chosen()
            try:
                if "confirmed" in posted:
                    with once.claimed(actor, form.cleaned_data["once"]) as is_first:
                        if is_first:
                            reason = form.cleaned_data["reason"]
                            amending.amend(actor=actor, order=found, options=options, chosen=chosen, reason=reason)
                            messages.success(request, _("The order is changed. What differs is being done again."))
                    return redirect(present.order_url(found))
                change, status = amending.preview(actor=actor, order=found, options=options, chosen=chosen), 200
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
    titles = _task_titles(found) if change else {}
    context = {
        "order": found,
        "plan": version.title,
        "form": form,
        "change": change,
        "lines": present_changes.lines(change, version) if change else [],
        "done_again": [titles.get(key, key) for key in change.done_again] if change else [],
        "typed": present_changes.typed(request.POST) if change else [],
    }
    return page(request, "orders/amend.html", context, section="orders", status=status)


def _task_titles(order: Order) -> dict[str, str]:
    run = workflow.find_run(order.run_id) if order.run_id else None
    return {node.key: node.title for node in workflow.graph(run).nodes} if run else {}


def _not_under_way(request: HttpRequest, order: Order) -> HttpResponse:
    refused(request, NotUnderWay(order=order.number))
    return redirect(present.order_url(order))


@staff("subscribers.place_order")
@require_http_methods(["GET", "POST"])
def win_back(request: HttpRequest, public_id: str) -> HttpResponse:
    """The customer stays: what the order of the end has done so far is shown, and undone."""
    actor = actor_of(request)
    found = selectors.get_order(actor, public_id)
    if found.is_closed or not any(item.action == ItemAction.DELETE for item in found.items.all()):
        return _not_under_way(request, found)
    form, status = WinBackForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                later_orders.win_back(actor=actor, order=found, reason=form.cleaned_data["reason"])
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(request, _("The customer stays; what was done for the end is being undone."))
                return redirect(present.order_url(found))
    run = workflow.find_run(found.run_id) if found.run_id and actor.holds("workflow.view_run") else None
    plan = present_runs.plan_view(runs.preview_reversal(actor=actor, run=run)) if run else None
    return page(
        request, "orders/win_back.html", {"order": found, "form": form, "plan": plan}, section="orders", status=status
    )
