"""Answers that were sent and have not gone yet: shown until they have, and taken back by who has sent them."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from boss.console.frame import actor_of, fragment, refused, staff
from boss.console.presenters import answers as present
from boss.console.presenters import tickets as of_tickets
from boss.console.presenters.conversation import of_ticket
from boss.core.problems import Problem
from boss.look import kept_files
from ticketing import selectors
from ticketing.services import answers


@staff("ticketing.add_message")
@require_GET
def waiting(request: HttpRequest, public_id: str) -> HttpResponse:
    """Asked for once by a page that shows an answer about to go, when it must have gone: what became of it, and the
    conversation as it is now."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    context = {
        "ticket": found,
        "leaving": present.of(actor, found),
        "given_back": answers.why_given_back(actor, request.GET.get("answer", "")),
        "seen_version": present.seen_version(actor, found, request.GET.get("version", "")),
        "said": of_ticket(actor, found).said,
        "is_part": True,
    }
    return fragment(request, "tickets/leaving.html", context)


@staff("ticketing.add_message")
@require_POST
def take_back(request: HttpRequest, public_id: str, answer_id: str) -> HttpResponse:
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    try:
        kept, lost = answers.take_back(actor=actor, ticket=found, public_id=answer_id, form=f"say:{public_id}")
    except Problem as problem:
        refused(request, problem)
    else:
        told = _("Taken back. What you wrote stands in your text again.")
        if lost:
            told += " " + _("Choose its files again: %(names)s") % {"names": ", ".join(lost)}
        messages.success(request, told)
        if kept:
            asked = urlencode({kept_files.BOX: [each.public_id for each in kept]}, doseq=True)
            return redirect(f"{of_tickets.url_of(found)}?{asked}#say")
    return redirect(f"{of_tickets.url_of(found)}#say")
