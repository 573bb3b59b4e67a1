"""Provisioned services, and what was done for each at which server, in sentences."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from boss.console.frame import actor_of, page, picked, staff
from boss.console.presenters import accounts as present_accounts
from boss.console.presenters import findings as present_findings
from boss.console.presenters import services as present
from boss.console.presenters.marks import SERVICE, mark
from boss.console.presenters.words import pairs
from boss.core import reads
from boss.look.pages import newest_first
from ipservices import selectors
from ipservices.families import families


@staff("ipservices.view_service")
@require_GET
def service_list(request: HttpRequest) -> HttpResponse:
    """Services, newest first, by family and state."""
    wanted = {"family": picked(request, "family", families), "state": picked(request, "state", SERVICE)}
    rows = selectors.list_services(actor_of(request))
    if wanted["family"]:
        rows = rows.filter(family=wanted["family"])
    if wanted["state"]:
        rows = rows.filter(state=wanted["state"])
    context = {
        "page": newest_first(rows, request.GET.get("after", "")).map(present.row),
        "wanted": wanted,
        "query": urlencode(wanted),
        "families": [(key, family.title) for key, family in families],
        "states": [(key, known.word) for key, known in SERVICE.items()],
    }
    return page(request, "services/list.html", context, section="services")


@staff("ipservices.view_service")
@require_GET
def service(request: HttpRequest, public_id: str) -> HttpResponse:
    """What is wanted, what the server was seen to hold, and every call made for it."""
    actor = actor_of(request)
    found = selectors.get_service(actor, public_id)
    if actor.holds("ipservices.view_drivercall"):
        reads.note(actor=actor, read="driver_call.read", subject=found)
    calls = newest_first(selectors.list_driver_calls(actor, found), request.GET.get("after", ""), size=25)
    context = {
        "service": found,
        "row": present.row(found),
        "state": mark(SERVICE, found.state),
        "family": present.family_title(found.family),
        "desired": pairs(found.desired),
        "observed": present.observed(found.observed),
        "drift": present_findings.differences(found.drift),
        "findings": present_findings.open_of_service(actor, found),
        "account_url": present_accounts.url_of(found.account),
        "page": calls.map_all(lambda rows: present.call_rows(actor, rows)),
        "query": "",
    }
    return page(request, "services/service.html", context, section="services")
