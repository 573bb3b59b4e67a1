"""My requests: the list, one conversation, a new one."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from boss.core import schema
from boss.core.problems import Problem
from boss.core.views import requires
from boss.look import once, pages
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
    context = {
        "ticket": found,
        "mark": words.TICKET.get(found.state, words.UNKNOWN),
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
    """Open a request. Choosing a topic brings the topic's own questions (by a button where there is no script)."""
    topics = {category.key: category for category in selectors.list_portal_categories() if is_topic(category)}
    asked = request.POST.get("category") or request.GET.get("category", "")
    form = _form(request, topics, topics.get(asked))
    if request.method == "POST" and "choose" not in request.POST and form.is_valid():
        if not once.first_time(request.actor, request.POST.get("form_key", "")):  # type: ignore[attr-defined]
            return redirect("selfhelp:tickets")
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
    status = 422 if form.is_bound and form.errors else 200
    context = {"form": form, "topics": topics, "form_key": once.new_key(), "here": "tickets"}
    return render(request, template, context, status=status)


def is_topic(category: Category) -> bool:
    """What customers ask about; leads come from the sign-up portal."""
    return bool(category.kind != CategoryKind.LEAD)


def _form(request: HttpRequest, topics: dict[str, Category], category: Category | None) -> TicketForm:
    choices = [(key, topic.name) for key, topic in topics.items()]
    published = selectors.find_schema(category) if category is not None else None
    questions = schema.for_customers(published.fields()) if published else []
    made: dict[str, forms.Field] = schema.form_fields(questions)
    if request.method != "POST":
        return TicketForm(topics=choices, questions=made, initial=request.GET.dict())
    if "choose" in request.POST:  # the topic was changed: show its questions, keep what was typed, judge nothing
        return TicketForm(topics=choices, questions=made, initial=request.POST.dict())
    return TicketForm(request.POST, topics=choices, questions=made)
