"""Saved views of tickets: keeping one, renaming and sharing it, putting them in order."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms.ticket_list import ViewForm
from boss.console.frame import actor_of, page, refused, staff
from boss.console.presenters.ticket_list import url_of_view
from boss.core.actors import Actor
from boss.core.permissions import may
from boss.core.problems import InvalidInput, Problem
from ticketing import lists, saved_views, selectors, staffing
from ticketing.models import TalentPool
from ticketing.services import views


@staff("ticketing.view_savedview")
@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """The list as it is shown, under a name; or (``view``) in a view that there is already."""
    actor = actor_of(request)
    given = QueryDict(request.POST.get("found", ""))
    shown: dict[str, Any] = {
        "filters": lists.read(given.dict()).as_texts(),
        "columns": given.getlist("col"),
        "is_board": given.get("shape") == "board",
    }
    try:
        if request.POST.get("view"):
            view = saved_views.get_view(actor, request.POST["view"])
            view = views.change(actor=actor, view=view, **shown)
        else:
            view = views.create(actor=actor, name=request.POST.get("name", ""), **shown)
    except InvalidInput as problem:
        messages.error(request, " ".join(text for texts in problem.fields.values() for text in texts))
        return redirect(f"/console/tickets/?{given.urlencode()}")
    messages.success(request, _("Kept as “%(name)s”.") % {"name": view.name})
    return redirect(url_of_view(view))


@staff("ticketing.view_savedview")
@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """My views in my order: what can be done with each."""
    actor = actor_of(request)
    kept, first = saved_views.arranged(actor)
    lines = [(view, url_of_view(view), saved_views.may_change(actor, view), view == first) for view in kept]
    return page(request, "tickets/views_mine.html", {"lines": lines, "has_first": first is not None}, section="tickets")


@staff("ticketing.view_savedview")
@require_POST
def arrange(request: HttpRequest) -> HttpResponse:
    """Move one view up or down in my order, or begin my list with it (``default``, "" for none)."""
    actor = actor_of(request)
    kept, _first = saved_views.arranged(actor)
    order = [view.public_id for view in kept]
    moved, by = request.POST.get("move", ""), {"up": -1, "down": 1}.get(request.POST.get("by", ""), 0)
    if moved in order:
        place = order.index(moved)
        order.insert(max(0, place + by), order.pop(place))
    try:
        views.arrange(actor=actor, views=order, default=request.POST.get("default"))
    except Problem as problem:
        refused(request, problem)
    return redirect("console:ticket_views_mine")


@staff("ticketing.view_savedview")
@require_http_methods(["GET", "POST"])
def view(request: HttpRequest, public_id: str) -> HttpResponse:
    """One view: its name, who has it, throwing it away."""
    actor = actor_of(request)
    found = saved_views.get_view(actor, public_id)
    pools = _pools(actor, found.pool)
    initial = {"name": found.name, "shared_with": found.shared_with, "pool": found.pool.key if found.pool else ""}
    typed_in = request.POST if request.method == "POST" else None
    form = ViewForm(typed_in, pools=pools, may_share=may(actor, saved_views.SHARE), initial=initial)
    status = 200
    if request.method == "POST":
        status = 422
        try:
            if "delete" in request.POST:
                views.delete(actor=actor, view=found)
                messages.success(request, _("“%(name)s” is thrown away.") % {"name": found.name})
                return redirect("console:ticket_views_mine")
            if form.is_valid():
                typed = form.cleaned_data
                pool = next((pool for pool in pools if pool.key == typed.get("pool")), None)
                views.change(
                    actor=actor, view=found, name=typed["name"], shared_with=typed["shared_with"],
                    pool=pool if typed["shared_with"] == "pool" else None,
                )  # fmt: skip
                return redirect("console:ticket_views_mine")
        except Problem as problem:
            form.add_problem(problem)
            status = problem.status
    context = {"view": found, "url": url_of_view(found), "form": form, "may": saved_views.may_change(actor, found)}
    return page(request, "tickets/view.html", context, section="tickets", status=status)


def _pools(actor: Actor, present: TalentPool | None) -> list[TalentPool]:
    """The pools this person may share a view with, and the one it is shared with."""
    every = list(selectors.list_pools(actor))
    if may(actor, saved_views.SHARE):
        return every
    own = staffing.pools_of(actor.user_id)
    return [pool for pool in every if pool.pk in own or pool == present]
