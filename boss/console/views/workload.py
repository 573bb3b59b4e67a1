"""How a pool stands now, and the buttons by which its supervisor takes work off somebody."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from boss.console.forms.pools import PassOnForm
from boss.console.frame import actor_of, fragment, page, refused, staff
from boss.console.presenters import pools as present
from boss.core.problems import NotFound, Problem
from ticketing import workload
from ticketing.services import relieving

VIEW = "ticketing.view_talentpool"


@staff(VIEW)
@require_GET
def pool_workload(request: HttpRequest, key: str) -> HttpResponse:
    """The board. It refreshes by itself unless it was told to stand still (``?paused=1``)."""
    context = {**_board(request, key), "paused": "paused" in request.GET}
    return page(request, "pools/workload.html", context, section="pools")


@staff(VIEW)
@require_GET
def pool_workload_live(request: HttpRequest, key: str) -> HttpResponse:
    """Its numbers and people, anew."""
    return fragment(request, "pools/workload_live.html", _board(request, key))


@staff(VIEW)
@require_POST
def pool_pass_on(request: HttpRequest, key: str, public_id: str) -> HttpResponse:
    """Take tickets off somebody: to a named member, or back into the pool."""
    actor = actor_of(request)
    found = workload.of_pool(actor, key)
    people = {each.user.public_id: each.user for each in found.people}
    user = people.pop(public_id, None)
    if user is None:
        raise NotFound(member=public_id)
    form = PassOnForm(request.POST, people=people.values())
    if not form.is_valid():
        for texts in form.errors.values():
            messages.error(request, " ".join(str(text) for text in texts))
        return redirect("console:pool_workload", key)
    try:
        gone = relieving.pass_on(
            actor=actor, pool=found.pool, user=user, count=form.cleaned_data["count"], to=form.person
        )
    except Problem as problem:
        refused(request, problem)
    else:
        told = ngettext("%(n)d ticket of %(name)s went on.", "%(n)d tickets of %(name)s went on.", gone)
        told = told % {"n": gone, "name": user.full_name}
        messages.success(request, told if gone else _("There was nothing to pass on."))
    return redirect("console:pool_workload", key)


def _board(request: HttpRequest, key: str) -> dict[str, Any]:
    found = workload.of_pool(actor_of(request), key)
    return {"load": found, "people": [present.person(each) for each in found.people], "pool": found.pool}
