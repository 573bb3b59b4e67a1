"""The audit trail: who did what, whether anybody changed it since, and files of it."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from kombu.exceptions import OperationalError

from boss.console.frame import actor_of, page, refused, staff
from boss.console.presenters import audit as present
from boss.core import audit_trail, exports, reads, tasks
from boss.core.audit_trail import VIEW, Wanted
from boss.core.models import AuditEntry
from boss.core.problems import Problem
from boss.look.pages import newest_first
from boss.tenancy import selectors as tenancy

CHECKS_EVERY = 60
"""Seconds between two checks that people ask for: comparing a whole trail is work."""


@staff(VIEW)
@require_GET
@never_cache
def trail(request: HttpRequest) -> HttpResponse:
    """Entries, newest first, by person, action, subject, address and day."""
    actor, wanted = actor_of(request), Wanted.of(request.GET)
    reads.note(actor=actor, read="audit.read", subject=AuditEntry, after=wanted.named())
    rows = newest_first(audit_trail.find(actor, wanted), request.GET.get("after", ""))
    context = {
        "page": rows.map_all(lambda entries: present.lines(actor, entries)),
        "wanted": wanted,
        "query": urlencode(wanted.named()),
        "chain": audit_trail.chain(actor),
        "may_see_retention": actor.holds("privacy.view_retention"),
        "files": list(exports.list_exports(actor)[:5]),
    }
    return page(request, "audit/trail.html", context, section="audit")


@staff(VIEW)
@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """Have the trail compared with its seals now."""
    actor = actor_of(request)
    if cache.add(f"r{actor.realm_id}:audit-check", 1, CHECKS_EVERY):
        try:
            tasks.check_audit.apply_async((tenancy.get_realm(actor.realm_id).key,), queue="slow")
        except OperationalError:
            messages.error(request, _("The check could not be started. Please try again later."))
            return redirect("console:audit")
    messages.success(request, _("The check is under way. Reload the page in a moment."))
    return redirect("console:audit")


@staff(VIEW)
@require_POST
def export(request: HttpRequest) -> HttpResponse:
    """Have the filtered list written to a file."""
    wanted = Wanted.of(request.POST)
    form = request.POST.get("format", "")
    try:
        exports.ask(actor=actor_of(request), wanted=wanted, format=form if form in exports.FORMATS else "csv")
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("The file is being made. It appears under Files; reload the page in a moment."))
    return redirect(f"{reverse('console:audit')}?{urlencode(wanted.named())}")


@staff(VIEW)
@require_GET
@never_cache
def fetch(request: HttpRequest, public_id: str) -> HttpResponse:
    """One ready file."""
    try:
        found, data = exports.content(actor_of(request), public_id)
    except exports.NotReady as problem:
        refused(request, problem)
        return redirect("console:audit")
    return exports.download(found, data)
