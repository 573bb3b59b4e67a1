"""Fetching an existing mailbox's mail by IMAP: set up, and what went wrong."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from boss.console.forms.mail_sources import MailSourceForm
from boss.console.frame import actor_of, page, staff
from boss.core.problems import Problem
from boss.tenancy import signing_in
from ticketing import mailroom
from ticketing.choices import GrantState
from ticketing.mail.oauth import PRESETS
from ticketing.services.mail import sources


@staff("ticketing.manage_mailboxes")
@require_http_methods(["GET", "POST"])
@signing_in.recently_proven
def mail_source(request: HttpRequest, public_id: str) -> HttpResponse:
    """Where a mailbox's mail is fetched, and how the last look went."""
    actor = actor_of(request)
    box = mailroom.get_mailbox(actor, public_id)
    source = mailroom.find_source(box)
    preset = request.GET.get("preset", "")
    form = MailSourceForm(request.POST if request.method == "POST" else None, source=source, preset=preset)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                kept = sources.define(actor=actor, mailbox=box, **form.cleaned_data)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                grant = mailroom.find_grant(kept) if kept.by_oauth else None
                if kept.by_oauth and (grant is None or grant.state != GrantState.HELD):
                    messages.success(request, _("Kept. Now say how BOSS signs in there."))
                    place = reverse("console:mail_grant", args=[public_id])
                    return redirect(f"{place}?preset={preset}" if grant is None and preset in PRESETS else place)
                messages.success(request, _("Kept. It is looked at within a minute."))
                return redirect("console:mailbox", public_id)
    context = {"box": box, "source": source, "form": form, "presets": PRESETS}
    return page(request, "mail/source.html", context, section="tickets", status=status)


@staff("ticketing.manage_mailboxes")
@require_POST
@signing_in.recently_proven
def mail_source_end(request: HttpRequest, public_id: str) -> HttpResponse:
    """Fetch it no more."""
    actor = actor_of(request)
    sources.remove(actor=actor, mailbox=mailroom.get_mailbox(actor, public_id))
    messages.success(request, _("It is fetched no more. What was fetched stays."))
    return redirect("console:mailbox", public_id)
