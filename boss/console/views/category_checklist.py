"""The checklist every ticket of a category begins with: part of the category's draft, in force when published."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from boss.console.forms.desk import ChecklistForm
from boss.console.frame import actor_of, page, staff
from boss.core.problems import Problem
from ticketing import points, selectors
from ticketing.services import drafts


@staff("ticketing.manage_categories")
@require_http_methods(["GET", "POST"])
def category_checklist(request: HttpRequest, key: str) -> HttpResponse:
    """Points in order, each with whether it must be done before a ticket is resolved."""
    actor = actor_of(request)
    found = selectors.get_category(actor, key)
    draft = selectors.find_draft(found)
    held = draft or selectors.find_schema(found)
    known = points.read(held.checklist) if held else []
    form = ChecklistForm(
        request.POST if request.method == "POST" else None, points=known,
        initial={"revision": draft.revision if draft else 0},
    )  # fmt: skip
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                revision = form.cleaned_data["revision"]
                drafts.save(actor=actor, category=found, checklist=form.points, revision=revision)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(request, _("Kept in the draft."))
                return redirect("console:category", found.key)
    return page(
        request, "categories/checklist.html", {"category": found, "form": form}, section="categories", status=status
    )
