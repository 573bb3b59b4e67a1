"""My work: one simple task after the other. What I took, and what waits in my pools."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from boss.console.frame import actor_of, page, staff
from boss.console.presenters import tickets as present
from boss.core.actors import Actor
from boss.core.problems import Problem
from ticketing import selectors
from ticketing.models import Ticket
from ticketing.services import tickets

SHOWN = 100


def _mine(actor: Actor) -> list[Ticket]:
    return list(selectors.list_inbox(actor)[: SHOWN + 1])


@staff("ticketing.claim_ticket")
@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """My tickets and the unclaimed ones of my pools, due first."""
    actor = actor_of(request)
    found = _mine(actor)
    rows = [present.row(ticket, actor.user_id) for ticket in found[:SHOWN]]
    context = {
        "mine": [row for row in rows if row.is_mine],
        "free": [row for row in rows if not row.is_mine],
        "more": len(found) > SHOWN,
    }
    return page(request, "inbox.html", context, section="inbox")


@staff("ticketing.claim_ticket")
@require_http_methods(["GET", "POST"])
def next_task(request: HttpRequest) -> HttpResponse:
    """Open the next piece of work. POST takes it, too; one that somebody else just took is passed over."""
    actor = actor_of(request)
    for ticket in selectors.list_inbox(actor)[:10]:
        if request.method == "POST" and ticket.assignee_id is None:
            try:
                tickets.claim(actor=actor, ticket=ticket)
            except Problem:
                continue
        return redirect(f"{present.url_of(ticket)}?from=inbox")
    messages.success(request, _("Nothing is waiting for you."))
    return redirect("console:inbox")
