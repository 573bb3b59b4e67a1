"""Files for a ticket by the link in a mail: for whoever has the link, signed in or not."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from boss.core.file_types import clean_name
from boss.core.problems import Problem
from boss.core.views import public
from boss.look import once
from boss.portals.selfhelp.forms import UploadForm
from boss.portals.selfhelp.views.outages import NOT_INDEXED
from ticketing.errors import BadUploadLink
from ticketing.services import tickets
from ticketing.services.mail import uploading


@public
@never_cache
@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest, token: str) -> HttpResponse:
    """The form, and what became of it. Looking at it does nothing: programs that check mail look, too."""
    try:
        invited = uploading.get_invited(token)
    except BadUploadLink as problem:
        return _show(request, {"problem": str(problem)}, status=404)
    context: dict[str, object] = {"ticket": invited.ticket, "is_final": tickets.is_final(invited.ticket)}
    form = UploadForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    if form.is_bound and form.is_valid():
        if once.first_time(request.actor, request.POST.get("form_key", "")):  # type: ignore[attr-defined]
            try:
                uploading.upload(presented=token, files=form.cleaned_data["files"], body=form.cleaned_data["body"])
            except Problem as problem:
                form.add_problem(problem)
            else:
                context["kept"] = [clean_name(each.name or "") for each in form.cleaned_data["files"]]
        else:
            context["kept"] = ()  # the same form once more: they are there
        if "kept" in context:
            form = UploadForm()
    context |= {"form": form, "form_key": once.new_key()}
    return _show(request, context, status=422 if form.errors else 200)


def _show(request: HttpRequest, context: dict[str, object], *, status: int) -> HttpResponse:
    response = render(request, "portals/selfhelp/upload.html", context, status=status)
    response["X-Robots-Tag"] = NOT_INDEXED
    # The link stays on this host. Not "no-referrer": the POST would come without an origin and be refused.
    response["Referrer-Policy"] = "same-origin"
    return response
