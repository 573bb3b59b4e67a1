"""What an hour of work costs: all that was ever set, and setting another rate."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from boss.console.forms.cost_rates import CostRateForm
from boss.console.frame import actor_of, page, staff
from boss.core import permissions
from boss.core.actors import Actor
from boss.core.problems import Problem
from boss.look.pages import newest_first
from boss.look.templatetags.look import money
from boss.tenancy import selectors as tenancy
from boss.tenancy import signing_in
from ticketing import costs, selectors
from ticketing.reports.asking import today_of
from ticketing.services import costs as service


@staff(costs.VIEW)
@require_http_methods(["GET", "POST"])
def rates(request: HttpRequest) -> HttpResponse:
    """The rates, newest first; for those who may, the form for another one."""
    if request.method == "POST":
        return _set(request)
    actor = actor_of(request)
    form = None
    if permissions.may(actor, service.ADD):
        form = _form(actor)
    return _shown(request, form)


@signing_in.recently_proven
def _set(request: HttpRequest) -> HttpResponse:
    """Setting one: who reads the rates need not prove again that it is he, who sets one must."""
    actor = actor_of(request)
    permissions.require(actor, service.ADD)
    form = _form(actor, request.POST)
    if not form.is_valid():
        return _shown(request, form, status=422)
    try:
        service.set_rate(actor=actor, **form.given())
    except Problem as problem:
        form.add_problem(problem)
        return _shown(request, form, status=problem.status)
    messages.success(request, _("Set. Time written down before keeps its rate."))
    return redirect("console:cost_rates")


def _form(actor: Actor, typed: QueryDict | None = None) -> CostRateForm:
    return CostRateForm(
        typed, people=tenancy.list_staff(actor), pools=list(selectors.list_pools(actor)),
        initial={"valid_from": today_of(actor)},
    )  # fmt: skip


def _shown(request: HttpRequest, form: CostRateForm | None, *, status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    currency = tenancy.get_realm(actor.realm_id).currency
    rows = newest_first(costs.list_rates(actor), request.GET.get("after", ""))
    context = {
        "page": rows.map(lambda rate: {"rate": rate, "amount": money(rate.per_hour, currency)}),
        "form": form,
        "currency": currency,
    }
    return page(request, "time/rates.html", context, section="time", status=status)
