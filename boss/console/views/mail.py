"""Held mail and quarantine (C10), and the mailboxes that mail comes in by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms.mail import MailboxForm
from boss.console.frame import actor_of, page, picked, refused, staff
from boss.core.permissions import may
from boss.core.problems import Problem
from boss.look.pages import newest_first
from ticketing import mailroom, selectors
from ticketing.choices import UNSETTLED_STATES, InboundState
from ticketing.models import InboundMail, Mailbox
from ticketing.services.mail import mailboxes, settling, tracing

RAW_SHOWN = 200_000
"""Bytes of a raw mail that are shown, as text."""

_DEEDS: dict[str, tuple[Callable[..., Any], Any]] = {
    "accept": (settling.accept, gettext_lazy("It is on the ticket now.")),
    "accept_participant": (
        lambda **given: settling.accept(as_participant=True, **given),
        gettext_lazy("It is on the ticket now, and its sender takes part."),
    ),
    "split": (settling.split, gettext_lazy("It is a ticket of its own now.")),
    "block": (settling.block, gettext_lazy("Mail of this sender goes to quarantine from now on.")),
    "discard": (settling.discard, gettext_lazy("It is set aside.")),
}


@staff("ticketing.view_inboundmail")
@require_GET
def mail_list(request: HttpRequest) -> HttpResponse:
    """What waits for somebody's decision, newest first; or all mail of one state."""
    actor = actor_of(request)
    wanted = picked(request, "state", InboundState.values, first="waiting", whole="all")
    rows = mailroom.list_inbound_mail(actor)
    if wanted == "waiting":
        rows = rows.filter(state__in=UNSETTLED_STATES)
    elif wanted != "all":
        rows = rows.filter(state=wanted)
    context = {
        "page": newest_first(rows, request.GET.get("after", "")).map(_row),
        "wanted": wanted,
        "query": f"state={wanted}",
        "states": [("waiting", _("Held and quarantine")), ("all", _("All mail")), *InboundState.choices],
        "blocked": list(mailroom.list_blocked_senders(actor)),
        "may_settle": may(actor, settling.SETTLE),
        "may_boxes": actor.holds("ticketing.manage_mailboxes"),
    }
    return page(request, "mail/list.html", context, section="tickets")


@staff("ticketing.view_inboundmail")
@require_GET
def mail(request: HttpRequest, public_id: str) -> HttpResponse:
    """One mail: why it is here, what may be done, and the mail as it came, as text."""
    actor = actor_of(request)
    found = mailroom.get_inbound_mail(actor, public_id)
    raw = mailroom.raw_of(found)
    waits = found.state in UNSETTLED_STATES
    context = {
        **_row(found),
        "why": [(row.get("rule"), tracing.in_words(row)) for row in found.trace],
        "raw": raw[:RAW_SHOWN].decode("utf-8", "replace").replace("\x00", "\ufffd"),
        "is_cut": len(raw) > RAW_SHOWN,
        "may_settle": waits and may(actor, settling.SETTLE),
        "target": found.ticket or found.hint,
    }
    return page(request, "mail/mail.html", context, section="tickets")


@staff(settling.SETTLE)
@require_POST
def mail_settle(request: HttpRequest, public_id: str) -> HttpResponse:
    """Let it in, split it, block its sender or set it aside."""
    found = mailroom.get_inbound_mail(actor_of(request), public_id)
    deed, words = _DEEDS.get(request.POST.get("deed", ""), (None, ""))
    if deed is None:
        messages.error(request, _("Choose what to do."))
        return redirect("console:mail", public_id)
    try:
        deed(actor=actor_of(request), mail=found)
    except Problem as problem:
        refused(request, problem)
        return redirect("console:mail", public_id)
    messages.success(request, str(words))
    return redirect("console:mails")


@staff(settling.SETTLE)
@require_POST
def sender_unblock(request: HttpRequest) -> HttpResponse:
    """Take mail of a blocked sender again."""
    settling.unblock(actor=actor_of(request), address=request.POST.get("address", ""))
    messages.success(request, _("Mail of this sender is taken again."))
    return redirect("console:mails")


@staff("ticketing.manage_mailboxes")
@require_GET
def mailbox_list(request: HttpRequest) -> HttpResponse:
    """The addresses that mail comes in by."""
    return page(request, "mail/boxes.html", {"boxes": mailroom.list_mailboxes(actor_of(request))}, section="tickets")


@staff("ticketing.manage_mailboxes")
@require_http_methods(["GET", "POST"])
def mailbox_new(request: HttpRequest) -> HttpResponse:
    return _edit(request, None)


@staff("ticketing.manage_mailboxes")
@require_http_methods(["GET", "POST"])
def mailbox(request: HttpRequest, public_id: str) -> HttpResponse:
    return _edit(request, mailroom.get_mailbox(actor_of(request), public_id))


def _edit(request: HttpRequest, found: Mailbox | None) -> HttpResponse:
    actor = actor_of(request)
    given = request.POST if request.method == "POST" else None
    form = MailboxForm(given, categories=list(selectors.list_categories(actor)), mailbox=found)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                mailboxes.define(actor=actor, mailbox=found, **form.values)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(request, _("Kept."))
                return redirect("console:mailboxes")
    source = mailroom.find_source(found) if found else None
    grant = mailroom.find_grant(source) if source and source.by_oauth else None
    context = {"box": found, "form": form, "source": source, "grant": grant}
    return page(request, "mail/box.html", context, section="tickets", status=status)


_TONES = {
    InboundState.HELD: ("warn", "clock"),
    InboundState.QUARANTINED: ("bad", "alert-triangle"),
    InboundState.APPLIED: ("ok", "circle-check"),
}


def _row(found: InboundMail) -> dict[str, Any]:
    tone, icon = _TONES.get(InboundState(found.state), ("idle", "mail"))
    # The last thing that was decided is why it is here.
    return {
        "mail": found,
        "tone": tone,
        "icon_name": icon,
        "reason": tracing.in_words(found.trace[-1]) if found.trace else "",
    }
