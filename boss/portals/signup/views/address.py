"""Where do you want service? The first page: suggestions while typing, the choice of a unit, or the waiting list."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from boss.core.views import public
from boss.portals.signup import drafts, offers, steps
from boss.portals.signup.drafts import Draft
from boss.portals.signup.forms import AddressForm
from boss.portals.signup.views.frame import keep_typed, kept, show, step
from boss.tenancy import selectors
from boss.tenancy.models import Site


@step("address")
def address(request: HttpRequest, draft: Draft) -> HttpResponse:
    """Take an address: a known one goes on to its plans, several ask which, an unknown one can leave word."""
    if request.method != "POST":
        form = AddressForm(initial=kept(draft, "address", {"address": draft.address}))
        resume = steps.first_open(draft) if draft.is_started else None
        site = offers.find_site(request, draft.site)
        return show(request, "address", "address", draft, form, resume=resume, site=site)

    chosen = offers.find_site(request, request.POST.get("site", ""))
    if chosen is not None:
        return _take(request, draft, chosen)

    form = AddressForm(request.POST)
    if not form.is_valid():
        keep_typed(request, draft, "address", ["address"])
        return show(request, "address", "address", draft, form)
    typed = form.cleaned_data["address"]
    found = selectors.suggest_sites(offers.shopper(request), typed)
    exact = [site for site in found if selectors.normalise_address(typed) in offers.spellings(site)]
    if len(exact) == 1 or len(found) == 1:
        return _take(request, draft, (exact or found)[0])
    draft.typed["address"] = {"address": typed}
    drafts.save(request, draft)
    if found:
        return show(request, "address", "address", draft, form, choices=found)
    return redirect("signup:waitlist")


def _take(request: HttpRequest, draft: Draft, site: Site) -> HttpResponse:
    draft.typed.pop("address", None)
    if not offers.is_served(request, site):
        draft.typed["address"] = {"address": site.label}
        drafts.save(request, draft)
        return redirect("signup:waitlist")
    draft.choose_site(site.public_id, site.label)
    drafts.save(request, draft)
    return redirect("signup:plan")


@public
def suggestions(request: HttpRequest) -> HttpResponse:
    """Addresses that begin with what is being typed (htmx); the page works without it."""
    typed = request.GET.get("address", "")[:200]
    found = selectors.suggest_sites(offers.shopper(request), typed) if len(typed.strip()) >= 3 else []
    return render(request, "portals/signup/_suggestions.html", {"choices": found, "typed": typed})


@require_POST
@public
def start_again(request: HttpRequest) -> HttpResponse:
    drafts.discard(request)
    messages.info(request, _("Your earlier answers are gone. Let us start with the address."))
    return redirect("signup:address")
