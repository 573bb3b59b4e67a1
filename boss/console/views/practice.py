"""The realm's servers and their health; simulated ones can be made to fail, for practice."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from boss.console.forms.practice import FaultsForm
from boss.console.frame import actor_of, page, refused, staff
from boss.console.presenters import findings as present_findings
from boss.console.presenters import services as present
from boss.core.problems import Problem
from ipservices import selectors
from ipservices.services import simulator

CALLS_SHOWN = 25


@staff("ipservices.view_binding")
@require_GET
def practice(request: HttpRequest) -> HttpResponse:
    return _practice_page(request)


def _practice_page(request: HttpRequest, *, status: int = 200, refused_form: Any = None) -> HttpResponse:
    actor = actor_of(request)
    may_set = actor.holds("ipservices.set_fault")
    servers = []
    compared = present_findings.of_servers(actor)
    for binding in selectors.list_bindings(actor):
        faults = simulator.faults_of(actor=actor, binding=binding)
        form = None
        if faults is not None and may_set:
            form = FaultsForm(faults=faults, prefix=binding.public_id)
            if refused_form is not None and refused_form.prefix == binding.public_id:
                form = refused_form
        servers.append(
            {
                "row": present.server_row(binding),
                "faults": faults,
                "form": form,
                "compared": compared.get(binding.public_id),
            }
        )
    calls = list(selectors.list_driver_calls(actor)[:CALLS_SHOWN]) if actor.holds("ipservices.view_drivercall") else []
    context = {
        "may_manage": actor.holds("ipservices.manage_bindings"),
        "may_compare": actor.holds("ipservices.observe_service"),
        "sees_findings": actor.holds("ipservices.view_finding"),
        "sees_migrations": actor.holds("ipservices.view_migration"),
        "servers": servers,
        "calls": present.call_rows(actor, calls),
    }
    return page(request, "services/practice.html", context, section="practice", status=status)


@staff("ipservices.set_fault")
@require_POST
def set_faults(request: HttpRequest, public_id: str) -> HttpResponse:
    """Move the sliders that changed, all or none."""
    actor = actor_of(request)
    binding = selectors.get_binding(actor, public_id)
    if "clear" in request.POST:
        try:
            simulator.clear_faults(actor=actor, binding=binding)
        except Problem as problem:
            refused(request, problem)
        else:
            messages.success(request, _("%(server)s works normally again.") % {"server": binding.name})
        return redirect("console:practice")
    form = FaultsForm(request.POST, prefix=binding.public_id)
    if not form.is_valid():
        return _practice_page(request, status=422, refused_form=form)
    now = simulator.faults_of(actor=actor, binding=binding) or {}
    try:
        for key, value in form.cleaned_data.items():
            if (value or None) != (now.get(key) or None):
                simulator.set_fault(actor=actor, binding=binding, fault=key, value=value)
    except Problem as problem:
        form.add_problem(problem)
        return _practice_page(request, status=problem.status, refused_form=form)
    messages.success(request, _("The sliders of %(server)s are set.") % {"server": binding.name})
    return redirect("console:practice")
