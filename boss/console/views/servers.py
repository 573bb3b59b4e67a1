"""One server: how it is set up and how it is, trying it, and what its driver was found to keep."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms.servers import DriverForm, ServerForm
from boss.console.frame import actor_of, page, refused, staff
from boss.console.presenters import servers as shown
from boss.console.presenters import services as present
from boss.core.problems import NotFound, Problem
from ipservices import selectors
from ipservices.models import Binding
from ipservices.registry import drivers
from ipservices.services import bindings, conforming

_SECTION = "practice"
CALLS_SHOWN = 15


@staff("ipservices.view_binding")
@require_GET
def server(request: HttpRequest, public_id: str) -> HttpResponse:
    actor = actor_of(request)
    binding = selectors.get_binding(actor, public_id)
    kind = drivers.find(binding.driver_key)
    may_see = actor.holds("ipservices.view_drivercall")
    calls = list(selectors.list_driver_calls(actor, binding=binding)[:CALLS_SHOWN]) if may_see else []
    report = selectors.list_conformance_reports(binding).first()
    health = selectors.latest_health(binding)
    context = {
        "server": present.server_row(binding),
        "binding": binding,
        "driver": kind.driver.title if kind else binding.driver_key,
        "settings": shown.settings_of(binding, kind),
        "nodes": selectors.list_nodes(binding),
        "health": health,
        "report": report,
        "badge": shown.badge(report),
        "checks": shown.table(report),
        "may_manage": actor.holds("ipservices.manage_bindings"),
        "calls": present.call_rows(actor, calls),
    }
    return page(request, "services/server.html", context, section=_SECTION)


@staff("ipservices.manage_bindings")
@require_http_methods(["GET", "POST"])
def new_server(request: HttpRequest) -> HttpResponse:
    """A server of the kind in ``?driver=`` ("dns_powerdns dns"); without one, the choice."""
    chosen = request.GET.get("driver", "")
    if not chosen and request.method == "GET":
        context = {"form": DriverForm(), "method": "get", "heading": _("New server"), "button": _("Go on")}
        return page(request, "services/server_form.html", context, section=_SECTION)
    key, _space, family = chosen.partition(" ")
    kind = drivers.find(key)
    if kind is None or family not in kind.capabilities.families:
        raise NotFound
    form = ServerForm(request.POST if request.method == "POST" else None, kind=kind)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = bindings.create(actor=actor_of(request), family=family, driver_key=key, **form.given())
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(request, _("%(server)s is set up. Try it before services go there.")
                                 % {"server": made.name})  # fmt: skip
                return redirect("console:server", made.public_id)
    heading = _("New server: %(kind)s") % {"kind": kind.driver.title}
    context = {"form": form, "method": "post", "heading": heading, "button": _("Set it up")}
    return page(request, "services/server_form.html", context, section=_SECTION, status=status)


@staff("ipservices.manage_bindings")
@require_http_methods(["GET", "POST"])
def edit_server(request: HttpRequest, public_id: str) -> HttpResponse:
    actor = actor_of(request)
    binding = selectors.get_binding(actor, public_id)
    kind = drivers.find(binding.driver_key)
    if kind is None:
        raise NotFound
    form: Any = ServerForm(request.POST if request.method == "POST" else None, kind=kind, binding=binding)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                bindings.change(actor=actor, binding=binding, **form.given())
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(request, _("%(server)s is changed.") % {"server": binding.name})
                return redirect("console:server", binding.public_id)
    context = {"form": form, "method": "post", "heading": binding.name, "button": _("Save"), "binding": binding}
    return page(request, "services/server_form.html", context, section=_SECTION, status=status)


@staff("ipservices.manage_bindings")
@require_POST
def test_server(request: HttpRequest, public_id: str) -> HttpResponse:
    """Look at it now, through the service itself too, and say in words what was found."""
    actor = actor_of(request)
    binding: Binding = selectors.get_binding(actor, public_id)
    try:
        bindings.test(actor=actor, binding=binding)
        found = bindings.look(binding=binding)
    except Problem as problem:
        refused(request, problem)
        return redirect("console:server", binding.public_id)
    if found.is_good:
        words = _("%(server)s answers, can be changed and serves (%(n)s ms).")
        messages.success(request, words % {"server": binding.name, "n": found.milliseconds})
    elif found.control:
        words = _("BOSS can change %(server)s, but it does not serve subscribers: %(why)s")
        messages.error(request, words % {"server": binding.name, "why": found.detail})
    else:
        words = _("BOSS cannot change %(server)s: %(why)s")
        messages.error(request, words % {"server": binding.name, "why": found.detail})
    return redirect("console:server", binding.public_id)


@staff("ipservices.manage_bindings")
@require_POST
def check_server(request: HttpRequest, public_id: str) -> HttpResponse:
    """Have a worker run the conformance kit on it."""
    actor = actor_of(request)
    binding = selectors.get_binding(actor, public_id)
    try:
        conforming.ask(actor=actor, binding=binding)
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("The trial has begun; its results appear here as they come."))
    return redirect("console:server", binding.public_id)
