"""My requests: the list, one conversation, a new one."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.problems import Problem
from boss.core.views import requires
from boss.look import kept_files, once, pages
from boss.look.marks import Mark
from boss.portals import answering, asking
from boss.portals.selfhelp import words
from boss.portals.selfhelp.forms import ReplyForm, TicketForm
from boss.tenancy.selectors import caretaker_of
from ipservices import outages
from ticketing import links, selectors, sharing
from ticketing.models import Ticket
from ticketing.services import tickets as desk

PAGE = 20


@dataclass(frozen=True, slots=True)
class Row:
    ticket: Ticket
    mark: Mark

    @staticmethod
    def of(ticket: Ticket) -> Row:
        return Row(ticket, words.TICKET.get(ticket.state, words.UNKNOWN))


@requires("ticketing.view_ticket", customers=True)
@never_cache
def tickets(request: HttpRequest) -> HttpResponse:
    own = selectors.list_for_requester(request.actor)  # type: ignore[attr-defined]
    page = pages.newest_first(own, request.GET.get("after", ""), PAGE).map(Row.of)
    out = outages.known_to(request.actor)  # type: ignore[attr-defined]
    return render(request, "portals/selfhelp/tickets.html", {"page": page, "outages": out, "here": "tickets"})


@requires("ticketing.view_ticket", customers=True)
@never_cache
def ticket(request: HttpRequest, public_id: str) -> HttpResponse:
    """The conversation. Only public messages are ever asked for."""
    found = selectors.get_ticket(request.actor, public_id)  # type: ignore[attr-defined]
    goes_on = links.find_survivor(request.actor, found)  # type: ignore[attr-defined]
    if goes_on is not None and request.method != "POST":
        return redirect("selfhelp:ticket", public_id=goes_on.public_id)
    form = ReplyForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    kept_files.bring(form, request, f"say:{public_id}")
    if request.method == "POST" and form.is_valid():
        if not once.first_time(request.actor, request.POST.get("form_key", "")):  # type: ignore[attr-defined]
            return redirect("selfhelp:ticket", public_id=public_id)
        try:
            desk.add_message(
                actor=request.actor, ticket=found, body=form.cleaned_data["body"],  # type: ignore[attr-defined]
                files=form.cleaned_data["files"],
            )  # fmt: skip
        except Problem as problem:
            form.add_problem(problem)
        else:
            kept_files.sent(form, request)
            messages.success(request, _("Your message is sent."))
            return redirect("selfhelp:ticket", public_id=public_id)
    if form.errors:
        kept_files.keep(form, request)
    thread = asking.thread(request, found, "selfhelp")
    told = asking.told(request, found, "selfhelp")
    context = {
        "ticket": found,
        "mark": told.mark,
        "told": told.values,
        "thread": thread,
        "form": form,
        "form_key": once.new_key(),
        **answering.of(request, found).context(),
        "sharing": _sharing(request, found),
        "here": "tickets",
    }
    return render(request, "portals/selfhelp/ticket.html", context, status=422 if form.errors else 200)


@requires("ticketing.view_attachment", customers=True)
@require_GET
@never_cache
def file(request: HttpRequest, public_id: str) -> HttpResponse:
    """A file of one of my requests."""
    return asking.file(request, public_id)


@requires("ticketing.view_ticket", customers=True)
@require_POST
def share(request: HttpRequest, public_id: str) -> HttpResponse:
    """Let the people of the building see it, or no longer."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = selectors.get_ticket(actor, public_id)
    try:
        if "stop" in request.POST:
            desk.stop_sharing(actor=actor, ticket=found)
            messages.success(request, _("They do not see this request any more."))
        else:
            desk.share(actor=actor, ticket=found)
            messages.success(request, _("They see this request now, and can answer."))
    except Problem as problem:
        messages.error(request, str(problem))
    return redirect("selfhelp:ticket", public_id=public_id)


@dataclass(frozen=True, slots=True)
class Sharing:
    """Whom a request may be shared with, and whether it is."""

    name: str
    on: bool


def _sharing(request: HttpRequest, ticket: Ticket) -> Sharing | None:
    with scoping.as_application():  # whose the place is stands in no table that its residents read
        organization = sharing.looks_after(ticket)
        if organization is None or not sharing.may_share(request.actor, ticket):  # type: ignore[attr-defined]
            return None
        return Sharing(organization.name, sharing.is_shared(ticket))


def _looks_after(request: HttpRequest) -> str:
    """Who looks after the place the asker lives at; nothing where nobody does."""
    with scoping.as_application():
        organization = caretaker_of(request.actor)  # type: ignore[attr-defined]
        return organization.name if organization is not None else ""


@requires("ticketing.add_ticket", customers=True)
@never_cache
def new(request: HttpRequest) -> HttpResponse:
    """Open a request. Whom an outage concerns is told of it first, and gets the form when his trouble is another."""
    out = outages.known_to(request.actor)  # type: ignore[attr-defined]
    if out and request.method != "POST" and "other" not in request.GET and "category" not in request.GET:
        return render(request, "portals/selfhelp/outage_known.html", {"outages": out, "here": "tickets"})
    asked = asking.ask(request, TicketForm, shares_with=_looks_after(request))
    if asked.sent:
        if not once.first_time(request.actor, request.POST.get("form_key", "")):  # type: ignore[attr-defined]
            return redirect("selfhelp:tickets")
        opened = asking.open_asked(request, asked.form)
        if opened is not None:
            if asked.form.cleaned_data.get("share"):
                desk.share(actor=request.actor, ticket=opened)  # type: ignore[attr-defined]
            messages.success(request, _("We have your request %(number)s.") % {"number": opened.number})
            return redirect("selfhelp:ticket", public_id=opened.public_id)
    context = {**asked.context(), "outages": out, "here": "tickets"}
    return render(request, "portals/selfhelp/ticket_new.html", context, status=asked.status)
