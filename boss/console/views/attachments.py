"""Files on tickets, and how many and how large the provider takes."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from boss.console.forms.attachments import FileLimitsForm
from boss.console.frame import actor_of, page, staff
from boss.core.handing_over import handed_over
from boss.core.problems import Problem
from ticketing import attachments, file_limits
from ticketing.services import attaching


@staff("ticketing.view_attachment")
@require_GET
def attachment(request: HttpRequest, public_id: str) -> HttpResponse:
    """The file itself. One that is not offered is said to be so by the page it stands on."""
    try:
        found = attachments.fetch(actor_of(request), public_id)
    except attachments.NotOffered as problem:
        return HttpResponse(str(problem), status=problem.status, content_type="text/plain; charset=utf-8")
    return handed_over(found.attachment.name, found.attachment.media_type, found.content)


@staff("ticketing.manage_categories")
@require_http_methods(["GET", "POST"])
def file_limits_page(request: HttpRequest) -> HttpResponse:
    """How many files, and how large, tickets take."""
    actor = actor_of(request)
    form = FileLimitsForm(request.POST or None, initial=file_limits.of_realm(actor.realm_id).to_json())
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                attaching.set_limits(actor=actor, **form.cleaned_data)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(request, _("Kept."))
                return redirect("console:file_limits")
    return page(request, "categories/files.html", {"form": form}, section="categories", status=status)
