"""My requests: the list, one conversation, a new one."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from boss.core.problems import Problem
from boss.core.views import requires
from boss.look import once, pages
from boss.look.marks import Mark
from boss.portals import asking
from boss.portals.selfhelp import words
from boss.portals.selfhelp.forms import ReplyForm, TicketForm
from ticketing import links, selectors
from ticketing.models import Ticket
from ticketing.services import tickets as desk

PAGE = 20
OVER = ("closed", "cancelled", "merged")


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
    return render(request, "portals/selfhelp/tickets.html", {"page": page, "here": "tickets"})


@requires("ticketing.view_ticket", customers=True)
@never_cache
def ticket(request: HttpRequest, public_id: str) -> HttpResponse:
    """The conversation. Only public messages are ever asked for."""
    found = selectors.get_ticket(request.actor, public_id)  # type: ignore[attr-defined]
    goes_on = links.find_survivor(request.actor, found)  # type: ignore[attr-defined]
    if goes_on is not None and request.method != "POST":
        return redirect("selfhelp:ticket", public_id=goes_on.public_id)
    form = ReplyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        if not once.first_time(request.actor, request.POST.get("form_key", "")):  # type: ignore[attr-defined]
            return redirect("selfhelp:ticket", public_id=public_id)
        try:
            desk.add_message(actor=request.actor, ticket=found, body=form.cleaned_data["body"])  # type: ignore[attr-defined]
        except Problem as problem:
            form.add_problem(problem)
        else:
            messages.success(request, _("Your message is sent."))
            return redirect("selfhelp:ticket", public_id=public_id)
    thread = selectors.list_messages(request.actor, found).filter(kind="public")  # type: ignore[attr-defined]
    told = asking.told(request, found)
    context = {
        "ticket": found,
        "mark": told.mark,
        "told": told.values,
        "thread": thread,
        "form": form,
        "form_key": once.new_key(),
        "can_reply": found.state not in OVER,
        "here": "tickets",
    }
    return render(request, "portals/selfhelp/ticket.html", context, status=422 if form.errors else 200)


@requires("ticketing.add_ticket", customers=True)
@never_cache
def new(request: HttpRequest) -> HttpResponse:
    """Open a request."""
    asked = asking.ask(request, TicketForm)
    if asked.sent:
        if not once.first_time(request.actor, request.POST.get("form_key", "")):  # type: ignore[attr-defined]
            return redirect("selfhelp:tickets")
        opened = asking.open_asked(request, asked.form)
        if opened is not None:
            messages.success(request, _("We have your request %(number)s.") % {"number": opened.number})
            return redirect("selfhelp:ticket", public_id=opened.public_id)
    context = {**asked.context(), "here": "tickets"}
    return render(request, "portals/selfhelp/ticket_new.html", context, status=asked.status)
