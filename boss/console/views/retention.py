"""What is kept how long: read by auditors, set by the realm's administrator."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from boss.console.frame import actor_of, page, refused, staff
from boss.core.problems import Problem
from boss.privacy.services import retaining


@staff(retaining.VIEW)
@require_http_methods(["GET", "POST"])
@never_cache
def retention(request: HttpRequest) -> HttpResponse:
    """Every class of records with its floor, its days and what the last run did. POST sets one class."""
    actor = actor_of(request)
    if request.method == "POST":
        days = request.POST.get("days", "").strip()
        try:
            retaining.set_days(
                actor=actor,
                record_class=request.POST.get("record_class", ""),
                days=int(days) if days.isdecimal() and len(days) < 7 else -1 if days else None,
            )
        except Problem as problem:
            for texts in problem.fields.values():
                messages.error(request, " ".join(texts))
            if not problem.fields:
                refused(request, problem)
        else:
            messages.success(request, _("Kept. It takes effect with the next run."))
        return redirect("console:retention")
    context = {"lines": retaining.overview(actor), "may_change": actor.holds(retaining.CHANGE)}
    return page(request, "privacy/retention.html", context, section="audit")
