"""Signing in by OAuth 2 for a mailbox that is read: set up, to the authorization server and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import structlog
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from boss.console.forms.mail_grants import MailGrantForm
from boss.console.frame import actor_of, page, refused, staff
from boss.core import clock
from boss.core.problems import Problem
from boss.tenancy import signing_in
from ticketing import mailroom
from ticketing.choices import GrantState
from ticketing.mail.oauth import PRESETS, Flow
from ticketing.services.mail import grants

log = structlog.get_logger(__name__)

FLOWS = "mail_grants"
MOST_FLOWS = 3
"""Begun in several tabs; the oldest is forgotten."""
FLOW_SECONDS = 15 * 60


@sensitive_post_parameters("client_secret")
@staff(grants.PERMISSION)
@require_http_methods(["GET", "POST"])
@never_cache
@signing_in.recently_proven
def mail_grant(request: HttpRequest, public_id: str) -> HttpResponse:
    """Where the right to read the mailbox is got, and how it stands."""
    actor = actor_of(request)
    box = mailroom.get_mailbox(actor, public_id)
    source = mailroom.find_source(box)
    if source is None or not source.by_oauth:
        messages.info(request, _("Say first which mail server this mailbox is at, and that it signs in with OAuth 2."))
        return redirect("console:mail_source", public_id)
    grant = mailroom.find_grant(source)
    preset = request.GET.get("preset", "")
    form = MailGrantForm(request.POST if request.method == "POST" else None, grant=grant, preset=preset)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                kept = grants.arrange(actor=actor, mailbox=box, **form.cleaned_data)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                told = {
                    GrantState.HELD: _("Kept. The mailbox is looked at within a minute."),
                    GrantState.MISSING: _("Kept. Now sign in for the mailbox."),
                    GrantState.LOST: _("Kept. Now sign in for the mailbox again."),
                }
                messages.success(request, told[kept.state])
                return redirect("console:mail_grant", public_id)
    context = {
        "box": box, "source": source, "grant": grant, "form": form, "presets": PRESETS,
        "redirect_uri": grants.redirect_uri(box),
    }  # fmt: skip
    return page(request, "mail/grant.html", context, section="tickets", status=status)


@staff(grants.PERMISSION)
@require_GET
@never_cache
@signing_in.recently_proven
def mail_grant_begin(request: HttpRequest, public_id: str) -> HttpResponse:
    """To the authorization server. A link and no form: the page's policy lets forms lead nowhere else.

    The server sends people back to the realm's canonical host, and the session the answer needs lives where it was
    begun: so the way begins there, too.
    """
    actor = actor_of(request)
    box = mailroom.get_mailbox(actor, public_id)
    realm = request.realm  # type: ignore[attr-defined]
    if request.get_host() != realm.canonical_host:
        return redirect(f"{realm.settings.get('scheme', 'https')}://{realm.canonical_host}{request.get_full_path()}")
    try:
        address, flow = grants.begin(actor=actor, mailbox=box)
    except Problem as problem:
        refused(request, problem)
        return redirect("console:mailbox", public_id)
    kept = {"mailbox": box.public_id, "flow": asdict(flow)}
    request.session[FLOWS] = [*request.session.get(FLOWS, []), kept][-MOST_FLOWS:]
    return redirect(address)


@staff(grants.PERMISSION)
@require_GET
@never_cache
@signing_in.recently_proven
def mail_grant_back(request: HttpRequest, public_id: str) -> HttpResponse:
    """From the authorization server, with a code for the tokens."""
    actor = actor_of(request)
    box = mailroom.get_mailbox(actor, public_id)
    flow = _take_flow(request, box.public_id)
    if flow is None:
        messages.info(request, _("That took too long, or was begun in another browser. Please try again."))
        return redirect("console:mailbox", public_id)
    try:
        grants.finish(actor=actor, mailbox=box, flow=flow, answer=request.GET.dict())
    except Problem as problem:
        log.warning("mail_grant_refused", mailbox=box.public_id, code=problem.code)
        refused(request, problem)
        return redirect("console:mailbox", public_id)
    messages.success(request, _("Signed in. The mailbox is looked at within a minute."))
    return redirect("console:mailbox", public_id)


def _take_flow(request: HttpRequest, mailbox: str) -> Flow | None:
    """What was begun in this browser and comes back now; each is good for one answer."""
    flows: list[dict[str, Any]] = request.session.get(FLOWS, [])
    state = request.GET.get("state", "")
    mine = [each for each in flows if each["flow"]["state"] == state and each["mailbox"] == mailbox]
    if not mine:
        return None
    request.session[FLOWS] = [each for each in flows if each not in mine]
    late = clock.now().timestamp() - mine[0]["flow"]["at"] > FLOW_SECONDS
    return None if late else Flow(**mine[0]["flow"])
