"""My requests: the list, one conversation, a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from boss.core import schema
from boss.core.problems import Problem
from boss.core.views import requires
from boss.look import pages
from boss.look.marks import Mark
from boss.portals.selfhelp import words
from boss.portals.selfhelp.forms import ReplyForm, TicketForm
from ticketing import selectors
from ticketing.choices import CategoryKind
from ticketing.models import Category, Ticket
from ticketing.services import tickets as desk

PAGE = 20
OVER = ("closed", "cancelled")


@dataclass(frozen=True, slots=True)
class Row:
    ticket: Ticket
    mark: Mark

    @staticmethod
    def of(ticket: Ticket) -> Row:
        return Row(ticket, words.TICKET.get(ticket.state, words.UNKNOWN))


@requires("ticketing.view_ticket")
@never_cache
def tickets(request: HttpRequest) -> HttpResponse:
    own = selectors.list_for_requester(request.actor)  # type: ignore[attr-defined]
    page = pages.newest_first(own, request.GET.get("after", ""), PAGE).map(Row.of)
    return render(request, "portals/selfhelp/tickets.html", {"page": page, "here": "tickets"})


@requires("ticketing.view_ticket")
@never_cache
def ticket(request: HttpRequest, public_id: str) -> HttpResponse:
    """The conversation. Only public messages are ever asked for."""
    found = selectors.get_ticket(request.actor, public_id)  # type: ignore[attr-defined]
    form = ReplyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            desk.add_message(actor=request.actor, ticket=found, body=form.cleaned_data["body"])  # type: ignore[attr-defined]
        except Problem as problem:
            form.add_problem(problem)
        else:
            messages.success(request, _("Your message is sent."))
            return redirect("selfhelp:ticket", public_id=public_id)
    thread = selectors.list_messages(request.actor, found).filter(kind="public")  # type: ignore[attr-defined]
    context = {
        "ticket": found,
        "mark": words.TICKET.get(found.state, words.UNKNOWN),
        "thread": thread,
        "form": form,
        "can_reply": found.state not in OVER,
        "here": "tickets",
    }
    return render(request, "portals/selfhelp/ticket.html", context, status=422 if form.errors else 200)


@requires("ticketing.add_ticket")
@never_cache
def new(request: HttpRequest) -> HttpResponse:
    """Open a request. Choosing a topic brings the topic's own questions (by a button where there is no script)."""
    topics = {category.key: category for category in selectors.list_portal_categories() if is_topic(category)}
    asked = request.POST.get("category") or request.GET.get("category", "")
    form = _form(request, topics, topics.get(asked))
    if request.method == "POST" and "choose" not in request.POST and form.is_valid():
        try:
            opened = desk.open(
                actor=request.actor,  # type: ignore[attr-defined]
                category_key=form.cleaned_data["category"],
                title=form.cleaned_data["title"],
                body=form.cleaned_data["body"],
                data=form.answers(),
            )
        except Problem as problem:
            form.add_problem(problem)
        else:
            messages.success(request, _("We have your request %(number)s.") % {"number": opened.number})
            return redirect("selfhelp:ticket", public_id=opened.public_id)
    template = "portals/selfhelp/ticket_new.html"
    refused = form.is_bound and bool(form.errors)
    return render(request, template, {"form": form, "topics": topics, "here": "tickets"}, status=422 if refused else 200)


def is_topic(category: Category) -> bool:
    """What customers ask about; leads come from the sign-up portal."""
    return bool(category.kind != CategoryKind.LEAD)


def _form(request: HttpRequest, topics: dict[str, Category], category: Category | None) -> TicketForm:
    choices = [(key, topic.name) for key, topic in topics.items()]
    published = selectors.find_schema(category) if category is not None else None
    questions: list[schema.Characteristic] = published.fields() if published else []
    made: dict[str, forms.Field] = schema.form_fields(questions)
    if request.method != "POST":
        typed: dict[str, Any] = {name: request.GET[name] for name in ("category", "title", "body") if name in request.GET}
        return TicketForm(topics=choices, questions=made, initial=typed)
    if "choose" in request.POST:  # the topic was changed: show its questions, keep what was typed, judge nothing
        return TicketForm(topics=choices, questions=made, initial=request.POST.dict())
    return TicketForm(request.POST, topics=choices, questions=made)

