"""Who waits at a ticket to take part in it by mail."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from boss.console.frame import actor_of, refused, staff
from boss.core.problems import Problem
from ticketing import mailroom, selectors
from ticketing.services.mail import letting_in


@staff(letting_in.PERMISSION)
@require_POST
def ticket_person(request: HttpRequest, public_id: str, person_id: str) -> HttpResponse:
    """Let one take part who was held, or do not write to him."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    person = mailroom.get_participant(actor, found, person_id)
    deed = {"let_in": letting_in.let_in, "keep_out": letting_in.keep_out}.get(request.POST.get("deed", ""))
    if deed is None:
        messages.error(request, _("Choose what to do."))
        return redirect("console:ticket", public_id)
    try:
        settled = deed(actor=actor, participant=person)
    except Problem as problem:
        refused(request, problem)
    else:
        told = (
            _("%(who)s takes part now. Nothing was sent yet.")
            if deed is letting_in.let_in
            else _("%(who)s is not written to.")
        )
        messages.success(request, told % {"who": settled.email})
    return redirect("console:ticket", public_id)
