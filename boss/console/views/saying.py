"""Answers and notes on a ticket: who it goes to is asked, and an answer can be taken back for a while."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from boss.console.forms.tickets import MessageForm
from boss.console.frame import actor_of, staff
from boss.console.presenters import tickets as present
from boss.console.views.tickets import ticket_again, ticket_page
from boss.core.actors import Actor
from boss.core.problems import Problem
from boss.look import kept_files, once
from ticketing import desk, selectors
from ticketing.models import Ticket
from ticketing.services import answers as answers_sent
from ticketing.services import drafts_of_text, reach, tickets


@staff("ticketing.add_message")
@require_POST
def say(request: HttpRequest, public_id: str) -> HttpResponse:
    """A reply or a note; the same form sent twice writes one."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    form = MessageForm(request.POST, request.FILES, may_note=actor.holds("ticketing.add_internal_message"))
    kept_files.bring(form, request, f"say:{public_id}")
    if form.is_valid():
        body, kind = form.cleaned_data["body"], form.cleaned_data["kind"]
        is_answer = kind == "public"
        if is_answer and (outside := _unconfirmed(request, actor, found)):
            form.add_error(None, _("This goes to somebody who is not on the ticket. Say below that it shall."))
            _keep_typed(actor, found, kind, body)
            return ticket_page(request, found, status=422, message_form=_renewed(form, request), outside=outside)
        if not once.first_time(actor, form.cleaned_data["once"]):
            return redirect(present.url_of(found))
        # A note disturbs nobody who was quicker; an answer may say what was said already.
        seen = form.cleaned_data["version"] if is_answer else None
        given: dict[str, Any] = {"body": body, "files": form.cleaned_data["files"], "expected_version": seen}
        waits = is_answer and answers_sent.can_be_taken_back()
        try:
            if waits:
                answers_sent.send(actor=actor, ticket=found, **given)
            else:
                tickets.add_message(actor=actor, ticket=found, kind=kind, **given)
        except Problem as problem:
            form.add_problem(problem)
            _keep_typed(actor, found, kind, body)
            return ticket_again(request, found, problem, message_form=_renewed(form, request))
        kept_files.sent(form, request)
        if not waits:  # of one that waits the page tells
            messages.success(request, _("Sent.") if is_answer else _("Note kept."))
        return redirect(f"{present.url_of(found)}#say")
    return ticket_page(request, found, status=422, message_form=_renewed(form, request))


def _unconfirmed(request: HttpRequest, actor: Actor, found: Ticket) -> list[str]:
    """Addresses outside the ticket that an answer would reach, unless it was said of each that it shall."""
    outside = list(reach.of_answer(found, user_id=actor.user_id).outside)
    return [] if set(outside) <= set(request.POST.getlist("outside")) else outside


def _keep_typed(actor: Actor, found: Ticket, kind: str, body: str) -> None:
    if actor.holds(desk.KEEP):
        drafts_of_text.keep(actor=actor, ticket=found, kind=kind, body=body)


def _renewed(form: MessageForm, request: HttpRequest) -> MessageForm:
    """The refused form again with a fresh key: the old one is used up."""
    kept_files.keep(form, request)
    form.data = {**form.data.dict(), "once": once.new_key()}  # type: ignore[attr-defined]
    return form
