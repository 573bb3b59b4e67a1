"""In what servers differ from what is wanted and sold, and what people do about it."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from boss.console.frame import actor_of, fragment, page, picked, refused, staff
from boss.console.presenters import findings as present
from boss.console.presenters import services as present_services
from boss.console.presenters.marks import FINDING
from boss.core.problems import Problem
from boss.look.pages import newest_first
from ipservices import selectors
from ipservices.choices import FindingWay
from ipservices.services import comparing, findings

_VERBS = {
    FindingWay.REPAIR: findings.repair,
    FindingWay.ADOPT: findings.adopt,
    FindingWay.PUT_BACK: findings.put_back,
}


@staff("ipservices.view_finding")
@require_GET
def finding_list(request: HttpRequest) -> HttpResponse:
    """What stands open, newest first, by kind and server; what is resolved on request."""
    actor = actor_of(request)
    servers = {binding.public_id: binding for binding in selectors.list_bindings(actor)}
    wanted = {
        "kind": picked(request, "kind", FINDING),
        "server": picked(request, "server", servers),
        "state": picked(request, "state", ("resolved",)),
    }
    rows = selectors.list_findings(actor).filter(resolved_at__isnull=wanted["state"] != "resolved")
    if wanted["kind"]:
        rows = rows.filter(kind=wanted["kind"])
    if wanted["server"]:
        rows = rows.filter(binding=servers[wanted["server"]])
    counted = selectors.count_open_findings(actor)
    chosen = servers[wanted["server"]].pk if wanted["server"] else None
    counts = {
        kind: sum(n for (binding, its), n in counted.items() if its == kind and chosen in (None, binding))
        for kind in FINDING
    }
    context = {
        "page": newest_first(rows, request.GET.get("after", "")).map(present.row),
        "wanted": wanted,
        "query": urlencode(wanted),
        "kinds": [(key, known.word, counts[key]) for key, known in FINDING.items()],
        "servers": [(key, binding.name) for key, binding in servers.items()],
        "server": servers.get(wanted["server"]),
        "total": sum(counts.values()),
        "is_filtered": any(wanted.values()),
    }
    return page(request, "services/findings.html", context, section="practice")


@staff("ipservices.view_finding")
@require_GET
def finding(request: HttpRequest, public_id: str) -> HttpResponse:
    """Both values side by side, and the buttons. While a run is at it the page asks for itself."""
    actor = actor_of(request)
    found = selectors.get_finding(actor, public_id)
    calls = []
    if found.run_public_id and actor.holds("ipservices.view_drivercall"):
        calls = list(selectors.list_driver_calls(actor).filter(run_public_id=found.run_public_id)[:10])
    context = {
        "finding": found,
        "row": present.row(found),
        "lines": present.differences(found.differences),
        "buttons": present.buttons(found) if actor.holds("ipservices.change_service") else [],
        "why_not": present.why_not(found),
        "service_url": present.service_url(found),
        "server_url": present.server_url(found.binding),
        "sees_run": actor.holds("workflow.view_run"),
        "calls": present_services.call_rows(actor, calls),
    }
    if "live" in request.GET:
        if found.is_being_resolved:
            return HttpResponse(status=204)
        return fragment(request, "services/finding_live.html", context)
    return page(request, "services/finding.html", context, section="practice")


@staff("ipservices.change_service")
@require_POST
def resolve(request: HttpRequest, public_id: str) -> HttpResponse:
    """One of the buttons: a run begins."""
    actor = actor_of(request)
    found = selectors.get_finding(actor, public_id)
    verb = _VERBS.get(FindingWay(request.POST["way"])) if request.POST.get("way") in FindingWay.values else None
    if verb is None:
        messages.error(request, _("Choose what is to be done."))
        return redirect("console:finding", public_id=public_id)
    try:
        verb(actor=actor, finding=found)
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("Under way; you may leave this page."))
    return redirect("console:finding", public_id=public_id)


@staff("ipservices.observe_service")
@require_POST
def compare(request: HttpRequest, public_id: str) -> HttpResponse:
    """Compare a server now."""
    actor = actor_of(request)
    binding = selectors.get_binding(actor, public_id)
    try:
        comparing.start(actor=actor, binding=binding)
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("%(server)s is being compared.") % {"server": binding.name})
    return redirect(present.server_url(binding))
