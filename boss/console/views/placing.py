"""Another priority, another pool, another category: each a page of its own with what it means, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from boss.console.forms.placing import CategoryForm, PoolForm, PriorityForm
from boss.console.frame import actor_of, page, staff
from boss.console.presenters import tickets as present
from boss.console.presenters.words import plain
from boss.core.problems import Problem
from boss.look.forms import BossForm
from boss.look.values import in_words
from ticketing import selectors
from ticketing.errors import TicketChanged
from ticketing.models import Ticket
from ticketing.services import tickets
from ticketing.services.tickets import previewing


@staff("ticketing.change_ticket")
@require_http_methods(["GET", "POST"])
def priority(request: HttpRequest, public_id: str) -> HttpResponse:
    """Its promises get the terms of the new priority; what has passed stays as it was counted."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    form = PriorityForm(request.POST or None, initial={"priority": found.priority, "version": found.version})

    def place(typed: dict[str, Any]) -> None:
        tickets.prioritize(
            actor=actor, ticket=found, priority=typed["priority"], reason=typed["reason"],
            expected_version=typed["version"],
        )  # fmt: skip

    return _placed(request, found, form, _("Priority"), place)


@staff("ticketing.assign_ticket")
@require_http_methods(["GET", "POST"])
def pool(request: HttpRequest, public_id: str) -> HttpResponse:
    """It waits there for somebody to take it; its promises go on."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    initial = {"pool": found.pool.key if found.pool else "", "version": found.version}
    form = PoolForm(request.POST or None, pools=selectors.names_of_all_pools(), initial=initial)

    def place(typed: dict[str, Any]) -> None:
        tickets.send_to_pool(
            actor=actor, ticket=found, pool=selectors.get_pool(typed["pool"]), reason=typed["reason"],
            expected_version=typed["version"],
        )  # fmt: skip

    return _placed(request, found, form, _("Talent pool"), place)


@staff("ticketing.change_ticket")
@require_http_methods(["GET", "POST"])
def category(request: HttpRequest, public_id: str) -> HttpResponse:
    """Another category, with what happens to the ticket's fields shown before anything is done."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    offered = [
        (each.key, each.name)
        for each in selectors.list_categories(actor)
        if each.pk != found.category_id and not each.is_archived
    ]
    asked = request.POST if request.method == "POST" else request.GET if request.GET else None
    form = CategoryForm(asked, categories=offered, initial={"version": found.version})
    told: dict[str, Any] = {}
    if asked is not None and form.is_valid():
        chosen = selectors.find_category(form.cleaned_data["category"])
        assert chosen is not None  # one of those offered
        try:
            if request.method == "POST" and "do" in request.POST:
                tickets.recategorise(
                    actor=actor, ticket=found, category=chosen, expected_version=form.cleaned_data["version"]
                )
                messages.success(
                    request,
                    _("%(number)s is now: %(name)s.") % {"number": found.number, "name": chosen.name},
                )
                return redirect(present.url_of(found))
            home = previewing.preview_recategorise(actor=actor, ticket=found, category=chosen)
            told = {
                "home": home,
                "taken": [(field.title, in_words(field, value, field.labels)) for field, value in home.taken],
                "apart": [(label, plain(value)) for label, value in home.apart],
                "version": found.version,
            }
        except Problem as problem:
            return _again(request, found, form, problem, _("Category"))
    status = 422 if asked is not None and form.errors else 200
    return _page(request, found, form, _("Category"), status=status, **told)


def _placed(
    request: HttpRequest, found: Ticket, form: BossForm, title: str, place: Callable[[dict[str, Any]], None]
) -> HttpResponse:
    """The page, or what was typed done and back to the ticket."""
    if request.method == "POST" and form.is_valid():
        try:
            place(form.cleaned_data)
        except Problem as problem:
            return _again(request, found, form, problem, title)
        return redirect(present.url_of(found))
    return _page(request, found, form, title, status=200 if request.method == "GET" else 422)


def _page(
    request: HttpRequest, found: Ticket, form: BossForm, title: str, *, status: int = 200, **told: Any
) -> HttpResponse:
    context = {"ticket": found, "form": form, "title": title, "is_category": isinstance(form, CategoryForm), **told}
    return page(request, "tickets/place.html", context, section="tickets", status=status)


def _again(request: HttpRequest, found: Ticket, form: BossForm, problem: Problem, title: str) -> HttpResponse:
    """What was typed, on the ticket as it is now: sending it once more is a decision taken on what is shown."""
    form.add_problem(problem)
    fresh = selectors.get_ticket(actor_of(request), found.public_id)
    if isinstance(problem, TicketChanged):
        form.data = {**form.data.dict(), "version": str(fresh.version)}  # type: ignore[attr-defined]
    return _page(request, fresh, form, title, status=problem.status)
