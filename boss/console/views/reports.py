"""Reports about tickets: numbers and pictures, the tickets behind each, files, and reports that are kept and mailed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms.reports import FilterForm, KeepForm
from boss.console.frame import actor_of, page, refused, staff
from boss.console.presenters import reports as present
from boss.console.presenters import tickets as tickets_present
from boss.core import exports
from boss.core.actors import Actor
from boss.core.problems import InvalidInput, Problem
from boss.look.pages import newest_first
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Site
from boss.tenancy.selectors import list_staff
from ticketing import by_values, saved_reports, selectors
from ticketing.models import SavedReport
from ticketing.reports.asking import Wanted, filters_in, today_of
from ticketing.reports.contracts import Report
from ticketing.reports.running import VIEW, get_report, list_reports, run, tickets_behind
from ticketing.services import reports

MOST_OFFERED = 200


@staff(VIEW)
@require_GET
def report_list(request: HttpRequest) -> HttpResponse:
    """What one may ask, and what was kept."""
    actor = actor_of(request)
    known = list_reports(actor)
    titles = {each.key: each.title for each in known}
    context = {
        "reports": known,
        "saved": [present.kept(each, titles, actor.user_id) for each in saved_reports.list_saved(actor)],
    }
    return page(request, "tickets/reports/list.html", context, section="tickets")


@staff(VIEW)
@require_GET
@never_cache
def report(request: HttpRequest, key: str) -> HttpResponse:
    """One report: filters, findings, pictures and tables."""
    actor = actor_of(request)
    found = get_report(actor, key)
    form = _filters(actor, found, request.GET)
    form.is_valid()
    context: dict[str, Any] = {"report": found, "form": form, "may_keep": actor.user_id is not None}
    try:
        wanted = Wanted.of(request.GET, today=today_of(actor))
        ran = run(actor, key, wanted)
    except InvalidInput as problem:
        form.add_problem(problem)
        return page(request, "tickets/reports/report.html", context, section="tickets", status=422)
    past = ran.question.before()
    context |= {
        "ran": ran,
        "tables": present.shown(ran),
        "query": urlencode(wanted.named()),
        "zone": ran.question.zone.key,
        "days": {"since": ran.question.first, "until": ran.question.last},
        "days_before": {"since": past.first, "until": past.last},
    }
    return page(request, "tickets/reports/report.html", context, section="tickets")


def _filters(actor: Actor, found: Report, given: Mapping[str, str]) -> FilterForm:
    organizations = list(tenancy.list_organizations(actor)[:MOST_OFFERED])
    sites: list[Site] = []
    if organization := next((each for each in organizations if each.public_id == given.get("organization")), None):
        sites = list(tenancy.list_sites(actor).filter(organization=organization)[:MOST_OFFERED])
    if given.get("site") and not any(each.public_id == given["site"] for each in sites):
        sites += list(tenancy.list_sites(actor).filter(public_id=given["site"]))
    categories = list(selectors.list_categories(actor))
    chosen = next((each for each in categories if each.key == given.get("category")), None)
    return FilterForm(
        {"days": "30", **{name: given.get(name, "") for name in given}},
        categories=categories,
        pools=list(selectors.list_pools(actor)),
        organizations=organizations,
        sites=sites,
        fields=by_values.reportable_fields(actor, chosen) if chosen else [],
        report=found,
    )


@staff(VIEW)
@require_GET
@never_cache
def behind(request: HttpRequest, key: str) -> HttpResponse:
    """The tickets that one number was made of."""
    actor = actor_of(request)
    found = get_report(actor, key)
    cell = request.GET.get("cell", "")
    try:
        wanted = Wanted.of(request.GET, today=today_of(actor))
        rows = tickets_behind(actor, key, wanted, cell)
    except InvalidInput as problem:
        refused(request, problem)
        return redirect("console:report", key)
    shown = newest_first(rows, request.GET.get("after", ""))
    context = {
        "report": found,
        "page": shown.map(lambda ticket: tickets_present.row(ticket, actor.user_id)),
        "query": urlencode({**wanted.named(), "cell": cell}),
        "back": present.report_url(key, wanted),
        "count": None if shown.older or not shown.is_first else len(shown),
    }
    return page(request, "tickets/reports/tickets.html", context, section="tickets")


@staff(VIEW)
@require_GET
@never_cache
def file(request: HttpRequest, key: str) -> HttpResponse:
    """One table of a report as CSV; on record."""
    actor, table = actor_of(request), request.GET.get("table", "")
    try:
        wanted = Wanted.of(request.GET, today=today_of(actor))
        text = reports.export(actor=actor, report=key, wanted=wanted, table=table)
    except InvalidInput as problem:
        refused(request, problem)
        return redirect("console:report", key)
    return exports.as_download(f"{key}-{table}-{today_of(actor)}.csv", "text/csv; charset=utf-8", text.encode())


@staff(VIEW)
@require_GET
@never_cache
def pdf(request: HttpRequest, key: str) -> HttpResponse:
    """All of a report as PDF; on record."""
    actor = actor_of(request)
    try:
        wanted = Wanted.of(request.GET, today=today_of(actor))
        content = reports.export_pdf(actor=actor, report=key, wanted=wanted)
    except InvalidInput as problem:
        refused(request, problem)
        return redirect("console:report", key)
    return exports.as_download(f"{key}-{today_of(actor)}.pdf", reports.PDF, content)


@staff(VIEW)
@require_http_methods(["GET", "POST"])
def keep(request: HttpRequest, key: str) -> HttpResponse:
    """Keep a report with the filters in the address."""
    actor = actor_of(request)
    found = get_report(actor, key)
    given = request.POST if request.method == "POST" else request.GET
    return _keep(request, found, filters_in(given), None)


@staff(VIEW)
@require_http_methods(["GET", "POST"])
def saved(request: HttpRequest, public_id: str) -> HttpResponse:
    """Change one's own kept report: its name, who finds it, when it is mailed to whom."""
    actor = actor_of(request)
    found = saved_reports.get_saved(actor, public_id)
    if found.owner_id != actor.user_id:
        return redirect(f"{present.kept(found, {}, actor.user_id).url}")
    return _keep(request, get_report(actor, found.report), found.filters, found)


def _keep(request: HttpRequest, found: Report, filters: Mapping[str, Any], kept: SavedReport | None) -> HttpResponse:
    actor = actor_of(request)
    people = {each.public_id: each for each in list_staff(actor, MOST_OFFERED)}
    if request.method == "POST":
        form = KeepForm(request.POST, people=list(people.values()))
        if form.is_valid():
            typed = form.cleaned_data
            chosen = [people[public_id] for public_id in typed.pop("recipients")]
            try:
                reports.save(
                    actor=actor, report=found.key, filters=filters, recipients=chosen, saved=kept, **typed
                )  # fmt: skip
            except Problem as problem:
                form.add_problem(problem)
            else:
                messages.success(request, _("“%(name)s” is kept.") % {"name": typed["name"]})
                return redirect("console:reports")
    else:
        form = KeepForm(people=list(people.values()), initial=_as_kept(kept))
    context = {"report": found, "form": form, "kept": kept, "filters": filters}
    status = 422 if request.method == "POST" else 200
    return page(request, "tickets/reports/keep.html", context, section="tickets", status=status)


def _as_kept(kept: SavedReport | None) -> dict[str, Any]:
    if kept is None:
        return {"at": "07:00", "weekday": 1, "monthday": 1}
    return {
        "name": kept.name,
        "is_shared": kept.is_shared,
        "cadence": kept.cadence,
        "weekday": kept.weekday,
        "monthday": kept.monthday,
        "at": kept.at or "07:00",
        "recipients": [each.public_id for each in saved_reports.recipients_of(kept)],
    }


@staff(VIEW)
@require_POST
def remove(request: HttpRequest, public_id: str) -> HttpResponse:
    """Keep it no longer."""
    actor = actor_of(request)
    found = saved_reports.get_saved(actor, public_id)
    try:
        reports.delete(actor=actor, saved=found)
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("“%(name)s” is kept no longer.") % {"name": found.name})
    return redirect("console:reports")
