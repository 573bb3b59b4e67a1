"""Beside a ticket: who would be told, what stands in the way of its end; and what one is told oneself."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.frame import actor_of, page, refused, staff
from boss.console.presenters import tickets as of_tickets
from boss.console.presenters import told as present
from boss.core.problems import Problem
from ticketing import desk, selectors
from ticketing.services import notices, watching


@staff("ticketing.view_internal_message")
@require_GET
def told(request: HttpRequest, public_id: str) -> HttpResponse:
    """The part of the ticket's page that looks at people: fetched after the rest."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    return render(request, "console/tickets/told.html", {"ticket": found, **present.of(actor, found)})


@staff("ticketing.view_ticket")
@require_POST
def watch(request: HttpRequest, public_id: str) -> HttpResponse:
    """Hear of it, or (``stop``) hear of it no more."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    try:
        if "stop" in request.POST:
            watching.unwatch(actor=actor, ticket=found)
        else:
            watching.watch(actor=actor, ticket=found)
    except Problem as problem:
        refused(request, problem)
    return redirect(of_tickets.url_of(found))


@staff("ticketing.view_ticket")
@require_http_methods(["GET", "POST"])
def notice_list(request: HttpRequest) -> HttpResponse:
    """What the desk has told this person, newest first. Sending the form says that it was read."""
    actor = actor_of(request)
    if request.method == "POST":
        try:
            notices.mark_seen(actor=actor)
        except Problem as problem:
            refused(request, problem)
        return redirect("console:notices")
    rows = list(desk.list_notices(actor)[:100])
    return page(request, "tickets/notices.html", {"rows": rows, "new": any(not row.seen_at for row in rows)},
                section="inbox")  # fmt: skip
