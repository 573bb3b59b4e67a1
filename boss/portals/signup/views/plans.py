"""Which plan, with what added to it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from boss.core.views import public
from boss.portals.signup import drafts, offers
from boss.portals.signup.drafts import Draft
from boss.portals.signup.forms import PlanForm
from boss.portals.signup.views.frame import show, step


@step("plan")
def plan(request: HttpRequest, draft: Draft) -> HttpResponse:
    site = offers.find_site(request, draft.site)
    cards = offers.list_cards(request, site) if site else []
    if not cards:
        messages.warning(request, _("We cannot sell a plan at this address right now. Please check the address."))
        draft.choose_site("", "")
        drafts.save(request, draft)
        return redirect("signup:address")
    form = PlanForm(
        request.POST if request.method == "POST" else None,
        initial={"plan": draft.plan},
        plans=[(card.key, card.title) for card in cards],
    )
    if request.method == "POST" and form.is_valid():
        draft.choose_plan(form.cleaned_data["plan"])
        drafts.save(request, draft)
        return redirect("signup:options")
    chosen = form["plan"].value() or ""
    return show(request, "plan", "plan", draft, form, cards=cards, site=site, chosen=chosen)


@public
def plan_price(request: HttpRequest) -> HttpResponse:
    """The total of the plan that is ticked just now (htmx). Nothing is kept."""
    draft = drafts.load(request)
    draft.choose_plan(request.GET.get("plan", ""))
    return render(request, "portals/signup/_total.html", {"total": offers.find_total(request, draft)})


@step("options")
def options(request: HttpRequest, draft: Draft) -> HttpResponse:
    offer = offers.find_offer(request, draft)
    if offer is None:
        messages.warning(request, _("This plan is no longer sold at your address. Please choose again."))
        return redirect("signup:plan")
    posted = request.POST if request.method == "POST" else None
    form = offer.form(posted, draft)
    if posted is not None:
        if form.is_valid():
            draft.options, draft.chosen = form.quantities(), form.chosen()
            draft.options_done = True
            draft.typed.pop("options", None)
            drafts.save(request, draft)
            return redirect("signup:you")
        draft.typed["options"] = form.typed()
        drafts.save(request, draft)
    return show(request, "options", "options", draft, form, offer=offer)


@public
def price(request: HttpRequest) -> HttpResponse:
    """The running total for what is ticked just now (htmx). Nothing is kept; a bad number shows the last good total."""
    draft = drafts.load(request)
    offer = offers.find_offer(request, draft)
    total = offers.find_total(request, draft)
    if offer is not None and request.method == "POST":
        form = offer.form(request.POST, draft)
        if form.is_valid():
            total = offer.total(form.quantities())
    return render(request, "portals/signup/_total.html", {"total": total})
