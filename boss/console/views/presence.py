"""Where I am: the switch in the head of every page. Opening a page is the sign of life."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from boss.console.forms.pools import PresenceForm
from boss.console.frame import actor_of, back_to, fragment, refused, staff
from boss.console.presenters import pools as present
from boss.core import clock
from boss.core.problems import Problem
from ticketing import staffing
from ticketing.services import presence

CLAIM = "ticketing.claim_ticket"


@staff(CLAIM)
@require_POST
def presence_seen(request: HttpRequest) -> HttpResponse:
    """Asked for by every page that was opened: where I am by now. Nothing for who is in no pool."""
    actor = actor_of(request)
    row = presence.seen(actor=actor)
    if row is None and not staffing.is_member(actor.user_id):
        return HttpResponse("")
    shown = urlsplit(request.headers.get("HX-Current-URL", ""))
    context = {
        "mark": present.presence(staffing.state_of(row, clock.now())),
        "place": row,
        "form": PresenceForm(),
        "then": f"{shown.path}?{shown.query}" if shown.query else shown.path,
    }
    return fragment(request, "pools/presence.html", context)


@staff(CLAIM)
@require_POST
def presence_set(request: HttpRequest) -> HttpResponse:
    """Say where I am, why and for how long, and go on where I was."""
    home = reverse("console:inbox")
    form = PresenceForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose where you are."))
        return back_to(request, home)
    given = form.cleaned_data
    until = clock.now() + dt.timedelta(minutes=int(given["minutes"])) if given["minutes"] else None
    try:
        row = presence.set_presence(actor=actor_of(request), state=given["state"], reason=given["reason"], until=until)
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, str(present.presence(row.state).word))
    return back_to(request, home)
