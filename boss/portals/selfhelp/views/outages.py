"""Outages as those concerned see them: asked to be told, and "is your service back?"."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from boss.core.problems import Problem
from boss.core.views import public, requires
from ipservices.errors import BadAnswerLink, OutageIsOver
from ipservices.services import outages
from ipservices.services.outages import answering

NOT_INDEXED = "noindex, nofollow"


@requires("core.use_selfhelp", customers=True)
@require_POST
def tell_me(request: HttpRequest, public_id: str) -> HttpResponse:
    """He wants to be told when it is back. Of an outage that does not concern him there is nothing here (404)."""
    try:
        outages.ask_to_be_told(actor=request.actor, public_id=public_id)  # type: ignore[attr-defined]
    except OutageIsOver as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("We write to you as soon as it is back."))
    return redirect("selfhelp:home")


@public
@never_cache
@require_http_methods(["GET", "POST"])
def is_it_back(request: HttpRequest, token: str) -> HttpResponse:
    """The question, for whoever has the link. Looking at it answers nothing: programs that check mail look, too."""
    try:
        member = outages.get_asked(token)
    except BadAnswerLink as problem:
        return _show(request, {"problem": str(problem)}, status=404)
    status = 200
    context: dict[str, object] = {}
    if request.method == "POST":
        said = request.POST.get("back", "")
        if said not in ("yes", "no"):
            status = 422
            context["problem"] = _("Please choose one of the two answers.")
        else:
            try:
                member = outages.answer(presented=token, is_back=said == "yes")
            except Problem as problem:
                status = problem.status
                context["problem"] = str(problem)
    context |= {
        "answer": member.answer if member.answer in ("yes", "no") else "",
        "may_answer": answering.may_answer(member),
        "text": member.outage.public_text,
    }
    return _show(request, context, status=status)


def _show(request: HttpRequest, context: dict[str, object], *, status: int) -> HttpResponse:
    response = render(request, "portals/selfhelp/is_it_back.html", context, status=status)
    response["X-Robots-Tag"] = NOT_INDEXED
    return response
