"""No service at this address yet: take a lead instead of sending people away."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from boss.core.problems import Problem
from boss.core.views import public
from boss.look import once
from boss.portals.signup import drafts, placing
from boss.portals.signup.forms import WaitlistForm

FIELDS = ["full_name", "email", "phone", "note"]


@public
@never_cache
def waitlist(request: HttpRequest) -> HttpResponse:
    draft = drafts.load(request)
    address = draft.typed.get("address", {}).get("address", "") or draft.address
    if not address:
        return redirect("signup:address")
    if request.method == "POST":
        form = WaitlistForm(request.POST)
        if form.is_valid():
            if not once.first_time(request.actor, request.POST.get("form_key", "")):  # type: ignore[attr-defined]
                return redirect("signup:waitlist_thanks")
            try:
                placing.leave_word(request, address, form.cleaned_data)
            except Problem as problem:
                form.add_problem(problem)
            else:
                draft.typed.pop("waitlist", None)
                drafts.save(request, draft)
                request.session["signup_lead"] = {"address": address, "email": form.cleaned_data["email"]}
                return redirect("signup:waitlist_thanks")
        draft.typed["waitlist"] = {name: request.POST.get(name, "")[:1000] for name in FIELDS}
        drafts.save(request, draft)
    else:
        form = WaitlistForm(initial=draft.contact | draft.typed.get("waitlist", {}))
    status = 422 if form.is_bound and form.errors else 200
    context = {"form": form, "address": address, "form_key": once.new_key()}
    return render(request, "portals/signup/waitlist.html", context, status=status)


@public
@never_cache
def thanks(request: HttpRequest) -> HttpResponse:
    lead = request.session.get("signup_lead")
    if not lead:
        return redirect("signup:address")
    return render(request, "portals/signup/waitlist_thanks.html", {"lead": lead})
