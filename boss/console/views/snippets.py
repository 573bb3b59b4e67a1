"""Texts to insert: listed, written, changed, taken away."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms.desk import OWN, SnippetForm
from boss.console.frame import actor_of, page, refused, staff
from boss.core import permissions
from boss.core.actors import Actor
from boss.core.problems import Problem
from ticketing import desk, placeholders, selectors
from ticketing.models import Snippet
from ticketing.services import snippets

WRITE = "ticketing.add_internal_message"


@staff(WRITE)
@require_GET
def snippet_list(request: HttpRequest) -> HttpResponse:
    """Those the person may insert."""
    actor = actor_of(request)
    context = {"rows": desk.list_snippets(actor), "may_manage": permissions.may(actor, desk.MANAGE)}
    return page(request, "snippets/list.html", context, section="tickets")


@staff(WRITE)
@require_http_methods(["GET", "POST"])
def snippet_new(request: HttpRequest) -> HttpResponse:
    return _edit(request, None)


@staff(WRITE)
@require_http_methods(["GET", "POST"])
def snippet(request: HttpRequest, public_id: str) -> HttpResponse:
    """One text in each language of the provider."""
    return _edit(request, desk.get_snippet(actor_of(request), public_id))


@staff(WRITE)
@require_POST
def snippet_archive(request: HttpRequest, public_id: str) -> HttpResponse:
    found = desk.get_snippet(actor_of(request), public_id)
    try:
        snippets.archive(actor=actor_of(request), snippet=found)
    except Problem as problem:
        refused(request, problem)
        return redirect("console:snippet", public_id)
    messages.success(request, _("%(name)s is offered no more.") % {"name": found.name})
    return redirect("console:snippets")


def _edit(request: HttpRequest, found: Snippet | None) -> HttpResponse:
    actor = actor_of(request)
    told: tuple[Any, ...] = (request.POST,) if request.method == "POST" else ()
    form = SnippetForm(
        *told, languages=desk.languages_of(actor.realm_id), homes=[] if found else _homes(actor),
        texts=found.texts if found else None,
        initial={"name": found.name, "revision": found.revision} if found else None,
    )  # fmt: skip
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                _keep(actor, found, form)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(request, _("Kept."))
                return redirect("console:snippets")
    mine = found is not None and found.owner_id == actor.user_id
    context = {
        "snippet": found, "form": form, "known": placeholders.KNOWN.items(),
        "may_change": found is None or mine or permissions.may(actor, desk.MANAGE),
    }  # fmt: skip
    return page(request, "snippets/edit.html", context, section="tickets", status=status)


def _homes(actor: Actor) -> list[tuple[str, Any]]:
    own = [(OWN, _("Me alone"))]
    if not permissions.may(actor, desk.MANAGE):
        return own
    return [("", _("All staff")), *own, *selectors.names_of_all_pools()]


def _keep(actor: Actor, found: Snippet | None, form: SnippetForm) -> None:
    name = form.cleaned_data["name"]
    if found is not None:
        revision = form.cleaned_data["revision"]
        snippets.change(actor=actor, snippet=found, name=name, texts=form.texts, revision=revision)
        return
    home = form.cleaned_data["home"]
    pool = selectors.get_pool(home) if home not in ("", OWN) else None
    snippets.create(actor=actor, name=name, texts=form.texts, pool=pool, is_own=home == OWN)
