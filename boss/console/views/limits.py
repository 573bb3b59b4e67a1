"""Limits: what an operator allows a server or the whole provider, and how much of it is in use now."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from boss.console.forms.limits import LimitForm
from boss.console.frame import actor_of, page, refused, staff
from boss.console.presenters import limits as present
from boss.core.problems import NotFound, Problem
from workflow import selectors
from workflow.services import limits


@staff("workflow.view_limit")
@require_GET
def limit_list(request: HttpRequest) -> HttpResponse:
    """Every limit with what uses it and what waits for it; ``?key=`` fills one into the form."""
    return _limits_page(request)


def _limits_page(request: HttpRequest, *, status: int = 200, form: LimitForm | None = None) -> HttpResponse:
    actor = actor_of(request)
    found = list(selectors.list_limits(actor))
    names = present.names(actor, [limit.key for limit in found])
    if form is None and actor.holds("workflow.change_limit"):
        wanted = next((limit for limit in found if limit.key == request.GET.get("key")), None)
        initial = present.numbers(wanted) if wanted else {}
        form = LimitForm(keys=names.items(), initial=initial)
    context = {"rows": [present.row(limit, names) for limit in found], "form": form}
    return page(request, "limits/list.html", context, section="workflows", status=status)


@staff("workflow.change_limit")
@require_POST
def set_limit(request: HttpRequest) -> HttpResponse:
    """Set a limit, whether there was one or not."""
    actor = actor_of(request)
    known = [limit.key for limit in selectors.list_limits(actor)]
    form = LimitForm(request.POST, keys=present.names(actor, known).items())
    if not form.is_valid():
        return _limits_page(request, status=422, form=form)
    try:
        limits.set_limit(actor=actor, **form.cleaned_data)
    except Problem as problem:
        form.add_problem(problem)
        return _limits_page(request, status=problem.status, form=form)
    messages.success(request, _("The limit holds from the next task on."))
    return redirect("console:limits")


@staff("workflow.change_limit")
@require_POST
def lift_limit(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take a limit away."""
    actor = actor_of(request)
    limit = selectors.list_limits(actor).filter(public_id=public_id).first()
    if limit is None:
        raise NotFound
    try:
        limits.lift(actor=actor, limit=limit)
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("Lifted: what waited for it goes on."))
    return redirect("console:limits")
