"""Outages: the list, a new one, the page of one, and what is added to it from tickets and accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms.outages import FalseAlarmForm, NewsForm, OutageForm, RestoreForm, ScopeForm
from boss.console.frame import actor_of, back_to, fragment, page, refused, staff
from boss.console.presenters import outages as present
from boss.console.presenters import tickets as present_tickets
from boss.core.actors import Actor
from boss.core.permissions import may
from boss.core.problems import InvalidInput, Problem
from boss.look import once
from boss.look.forms import BossForm
from boss.look.pages import newest_first
from ipservices import outages as reads
from ipservices import selectors as ipservices
from ipservices.choices import OutageScopeKind
from ipservices.outages import Reach
from ipservices.services import outages
from ipservices.services.outages import opening
from subscribers import selectors as subscribers
from ticketing import selectors as ticketing
from ticketing.choices import CategoryKind

VIEW = "ipservices.view_outage"
MANAGE = "ipservices.manage_outages"
ADD = "ipservices.add_to_outage"
_BESIDE = {
    OutageScopeKind.NODE: "nodes",
    OutageScopeKind.SITE: "sites",
    OutageScopeKind.POSTAL_CODE: "postal_codes",
    OutageScopeKind.CITY: "cities",
    OutageScopeKind.ORGANIZATION: "organizations",
    OutageScopeKind.SERVER: "servers",
}
_Deed = tuple[Callable[..., Any], str]
"""What is done, and what is said then."""


@staff(VIEW)
@require_GET
def outage_list(request: HttpRequest) -> HttpResponse:
    """Those that are open first; below, everything that was."""
    actor = actor_of(request)
    over = newest_first(reads.list_outages(actor).exclude(ended_at=None), request.GET.get("after", ""))
    context = {
        "open_ones": [present.row(each) for each in reads.list_open(actor)],
        "page": over.map(present.row),
        "query": "",
        "may_manage": may(actor, MANAGE),
    }
    return page(request, "outages/list.html", context, section="tickets")


@staff(MANAGE)
@require_http_methods(["GET", "POST"])
def outage_new(request: HttpRequest) -> HttpResponse:
    """Say what is out and what those concerned shall read."""
    actor = actor_of(request)
    incidents, troubles = _categories(actor)
    form = OutageForm(
        *((request.POST,) if request.method == "POST" else ()),
        servers=_servers(actor), categories=incidents, troubles=troubles,
        initial={"nodes": request.GET.get("node", "")[:60]},
    )  # fmt: skip
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            if not once.first_time(actor, request.POST.get("form_key", "")):
                return redirect("console:outages")
            typed = form.cleaned_data
            try:
                made = outages.open(
                    actor=actor, category_key=typed["category"], title=typed["title"], text=typed["text"],
                    scopes=form.scopes(), eta_at=typed["eta_at"], by_mail=typed["by_mail"],
                    trouble_category_key=typed["trouble_category"], note=typed["note"],
                )  # fmt: skip
            except Problem as problem:
                _beside(form, problem)
                status = problem.status
            else:
                messages.success(request, _("The outage is open. Those it concerns are being told."))
                return redirect("console:outage", made.public_id)
    context = {"form": form, "form_key": once.new_key(), "nodes": reads.names_of_nodes(), "no_category": not incidents}
    return page(request, "outages/new.html", context, section="tickets", status=status)


@staff(MANAGE)
@require_POST
def outage_count(request: HttpRequest) -> HttpResponse:
    """How many accounts what was typed so far concerns; asked for while one types."""
    form = ScopeForm(request.POST, servers=_servers(actor_of(request)))
    count, unknown = None, []
    if form.is_valid() and (scopes := form.scopes()):
        try:
            count = reads.count_affected(Reach.of(opening.read_scopes(scopes)))
        except InvalidInput as problem:
            unknown = problem.fields.get("scopes", [])
    return fragment(request, "outages/count.html", {"count": count, "unknown": unknown})


@staff(VIEW)
@require_GET
def outage(request: HttpRequest, public_id: str) -> HttpResponse:
    """Whom it concerns, what they were told, what they answered."""
    return _page(request, public_id)


def _page(request: HttpRequest, public_id: str, *, status: int = 200, **forms: Any) -> HttpResponse:
    actor = actor_of(request)
    found = reads.get_outage(actor, public_id)
    members = newest_first(reads.list_members(found), request.GET.get("after", ""))
    may_manage = found.is_open and may(actor, MANAGE)
    context = {
        "outage": found,
        "state": present.state_of(found),
        "ticket_url": present_tickets.url_of(found.ticket) if found.ticket else "",
        "scopes": [(each.get_kind_display(), each.label) for each in reads.scopes_of(found)],
        "counts": reads.count(found, live=found.is_open),
        "updates": reads.list_updates(found),
        "page": members.map(present.member),
        "query": "",
        "news_form": NewsForm(initial={"text": found.public_text, "eta_at": found.eta_at}) if may_manage else None,
        "restore_form": RestoreForm() if may_manage else None,
        "false_form": FalseAlarmForm() if may_manage else None,
        "may_add": found.is_open and may(actor, ADD),
        "form_key": once.new_key(),
    }
    return page(request, "outages/outage.html", context | forms, section="tickets", status=status)


@staff(MANAGE)
@require_POST
def outage_tell(request: HttpRequest, public_id: str) -> HttpResponse:
    """Say what is new."""
    said = _("Said. Those it concerns are being told.")
    return _say(request, public_id, "news_form", NewsForm(request.POST), outages.update, said, is_once=True)


@staff(MANAGE)
@require_POST
def outage_restore(request: HttpRequest, public_id: str) -> HttpResponse:
    """Service is back: resolve its tickets, and ask everybody."""
    said = _("The outage is over. Everybody is being asked whether service is back.")
    return _say(request, public_id, "restore_form", RestoreForm(request.POST), outages.restore, said)


@staff(MANAGE)
@require_POST
def outage_call_off(request: HttpRequest, public_id: str) -> HttpResponse:
    """It was none: say so once, ask nobody, leave tickets open."""
    said = _("The outage was a false alarm. Its members are being told so.")
    return _say(request, public_id, "false_form", FalseAlarmForm(request.POST), outages.call_off, said)


def _say(
    request: HttpRequest, public_id: str, name: str, form: BossForm, do: Callable[..., Any], said: str,
    *, is_once: bool = False,
) -> HttpResponse:  # fmt: skip
    """Do what the form ``name`` of the page asks; with what was typed and why not, where it cannot be done.

    ``is_once``: sent twice by accident it is done once. What ends an outage cannot be done twice anyway.
    """
    actor = actor_of(request)
    found = reads.get_outage(actor, public_id)
    if not form.is_valid():
        return _page(request, public_id, status=422, **{name: form})
    if is_once and not once.first_time(actor, request.POST.get("form_key", "")):
        return redirect("console:outage", public_id)
    try:
        do(actor=actor, outage=found, **form.cleaned_data)
    except Problem as problem:
        form.add_problem(problem)
        return _page(request, public_id, status=problem.status, **{name: form})
    messages.success(request, said)
    return redirect("console:outage", public_id)


@staff(ADD)
@require_POST
def outage_add(request: HttpRequest, public_id: str) -> HttpResponse:
    """Add a ticket or an account, from its own page."""
    return _name(
        request, public_id,
        ticket=(outages.add_ticket, _("The ticket belongs to the outage now.")),
        account=(outages.add_account, _("The account belongs to the outage now.")),
    )  # fmt: skip


@staff(ADD)
@require_POST
def outage_take_out(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take a ticket or an account out again, from the outage's page or the ticket's own."""
    return _name(
        request, public_id,
        ticket=(outages.take_out_ticket, _("The ticket belongs to the outage no more.")),
        account=(outages.take_out_account, _("The account belongs to the outage no more.")),
    )  # fmt: skip


def _name(request: HttpRequest, public_id: str, *, ticket: _Deed, account: _Deed) -> HttpResponse:
    """Do one with the ticket that was named, or the other with the account, and go back to where it was asked."""
    actor = actor_of(request)
    found = reads.get_outage(actor, public_id)
    try:
        if request.POST.get("ticket"):
            do, said = ticket
            do(actor=actor, outage=found, ticket=ticketing.get_ticket(actor, request.POST["ticket"]))
        else:
            do, said = account
            named = subscribers.get_account(actor, request.POST.get("account", ""))
            do(actor=actor, outage=found, account=named)
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, said)
    return back_to(request, f"/console/outages/of/{found.public_id}/")


def _servers(actor: Actor) -> list[tuple[str, str]]:
    if not actor.holds("ipservices.view_binding"):
        return []
    return [(each.public_id, each.name) for each in ipservices.list_bindings(actor)]


def _categories(actor: Actor) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    every = [each for each in ticketing.list_categories(actor) if not each.is_archived]
    incidents = [(each.key, each.name) for each in every if each.kind == CategoryKind.INCIDENT]
    others = [(each.key, each.name) for each in every if each.kind == CategoryKind.SUPPORT]
    return incidents, [("", _("The first one offered to customers")), *others]


def _beside(form: OutageForm, problem: Problem) -> None:
    """What is not known in the scope stands beside the box it was typed into."""
    said = problem.fields.pop("scopes", [])
    labels = {str(OutageScopeKind(kind).label): field for kind, field in _BESIDE.items()}
    for line in said:
        field = labels.get(line.partition(":")[0], "nodes")
        form.add_error(field if field in form.fields else None, line)
    if problem.fields or not said:
        form.add_problem(problem)
