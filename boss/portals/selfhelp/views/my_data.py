"""A copy of what is held of me."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from boss.core import exports, scoping
from boss.core.problems import NotFound
from boss.core.views import requires
from boss.privacy.services import copies
from subscribers import selectors as subscribers


@requires("privacy.view_personalexport", customers=True)
@never_cache
def my_data(request: HttpRequest) -> HttpResponse:
    """The copies made, and a button for a new one."""
    actor = request.actor  # type: ignore[attr-defined]
    account = subscribers.find_my_account(actor)
    if account is None:
        raise NotFound
    if request.method == "POST":
        copies.ask(actor=actor, account=account)
        messages.success(request, _("We put it together and tell you by mail when it is ready."))
        return redirect("selfhelp:my_data")
    with scoping.as_application():  # list_for leaves out what is not his
        shown = list(copies.list_for(actor, account)[:10])
    context = {"copies": shown, "here": "data"}
    return render(request, "portals/selfhelp/my_data.html", context)


@requires("privacy.view_personalexport", customers=True)
@require_GET
@never_cache
def fetch(request: HttpRequest, public_id: str) -> HttpResponse:
    """One ready copy."""
    try:
        return exports.download(*copies.fetch(actor=request.actor, public_id=public_id))  # type: ignore[attr-defined]
    except exports.NotReady as problem:
        messages.error(request, str(problem))
        return redirect("selfhelp:my_data")
