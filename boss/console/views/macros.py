"""Macros: listed, written, changed into the next version, taken away."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms.desk import MacroForm
from boss.console.frame import actor_of, page, refused, staff
from boss.core.actors import Actor
from boss.core.problems import Problem
from ticketing import desk, placeholders, selectors
from ticketing.models import Macro
from ticketing.services import macros


@staff(desk.MANAGE)
@require_GET
def macro_list(request: HttpRequest) -> HttpResponse:
    """Every macro with its steps in words."""
    actor = actor_of(request)
    words = macros.Words(actor)
    rows = [(macro, words.of(macro.current) if macro.current else []) for macro in desk.list_macros(actor)]
    return page(request, "macros/list.html", {"rows": rows}, section="tickets")


@staff(desk.MANAGE)
@require_http_methods(["GET", "POST"])
def macro_new(request: HttpRequest) -> HttpResponse:
    return _edit(request, None)


@staff(desk.MANAGE)
@require_http_methods(["GET", "POST"])
def macro(request: HttpRequest, public_id: str) -> HttpResponse:
    """What it does; keeping it makes the next version."""
    return _edit(request, desk.get_macro(actor_of(request), public_id))


@staff(desk.MANAGE)
@require_POST
def macro_archive(request: HttpRequest, public_id: str) -> HttpResponse:
    found = desk.get_macro(actor_of(request), public_id)
    try:
        macros.archive(actor=actor_of(request), macro=found)
    except Problem as problem:
        refused(request, problem)
        return redirect("console:macro", public_id)
    messages.success(request, _("%(name)s is offered no more.") % {"name": found.name})
    return redirect("console:macros")


def _edit(request: HttpRequest, found: Macro | None) -> HttpResponse:
    actor = actor_of(request)
    current = found.current if found else None
    told: tuple[Any, ...] = (request.POST,) if request.method == "POST" else ()
    initial = (
        {"name": found.name, "pool": found.pool.key if found.pool else "", "version": current.number}
        if found and current
        else None
    )
    form = MacroForm(
        *told, actor=actor, pools=selectors.names_of_all_pools(), steps=current.steps if current else (),
        is_new=found is None, initial=initial,
    )  # fmt: skip
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                kept = _keep(actor, found, form)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(request, _("Kept."))
                return redirect("console:macro", kept.public_id)
    words = macros.Words(actor)
    versions = [(one, words.of(one)) for one in desk.list_macro_versions(found)[:20]] if found else []
    context = {"macro": found, "form": form, "versions": versions, "known": placeholders.KNOWN.items()}
    return page(request, "macros/edit.html", context, section="tickets", status=status)


def _keep(actor: Actor, found: Macro | None, form: MacroForm) -> Macro:
    typed, steps = form.cleaned_data, form.steps
    pool = selectors.get_pool(typed["pool"]) if typed["pool"] else None
    if found is None:
        return macros.create(actor=actor, key=typed["key"], name=typed["name"], steps=steps, pool=pool)
    return macros.change(
        actor=actor, macro=found, name=typed["name"], steps=steps, pool=pool, note=typed["note"],
        version=typed["version"],
    )  # fmt: skip
