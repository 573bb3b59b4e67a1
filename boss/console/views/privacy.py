"""What is held of an account's person: a copy of it, and its end."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from boss.console.frame import actor_of, page, refused, staff
from boss.console.presenters import accounts as present_accounts
from boss.core import exports, permissions
from boss.core.problems import Problem
from boss.look.forms import BossForm
from boss.privacy.services import copies, erasures, retaining
from subscribers import selectors as subscribers


class ConfirmForm(BossForm):
    number = forms.CharField(
        label=gettext_lazy("Number of the account"),
        help_text=gettext_lazy("Typed by hand, so that it is meant."),
        max_length=20,
    )


@staff(copies.EXPORT)
@require_http_methods(["GET", "POST"])
@never_cache
def privacy(request: HttpRequest, public_id: str) -> HttpResponse:
    """Copies made, and the erasure with what it left. POST ``do``: ``copy``, ``erase``, ``confirm``,
    ``hold`` or ``release``."""
    actor = actor_of(request)
    account = subscribers.get_account(actor, public_id)
    may_erase = permissions.may(actor, erasures.ERASE)
    erasure = erasures.find_last(account) if may_erase else None
    form = ConfirmForm(request.POST if request.POST.get("do") == "confirm" else None)
    if request.method == "POST":
        try:
            if request.POST.get("do") == "copy":
                copies.ask(actor=actor, account=account)
                messages.success(request, _("The copy is being made. Its owner is told by mail when it is ready."))
            elif request.POST.get("do") == "erase":
                erasures.ask(actor=actor, account=account)
            elif request.POST.get("do") == "hold":
                retaining.hold(actor=actor, account=account, case=request.POST.get("case", ""))
            elif request.POST.get("do") == "release":
                for standing in retaining.list_holds(account):
                    if standing.public_id == request.POST.get("hold", ""):
                        retaining.release(actor=actor, hold=standing)
            elif erasure is not None and form.is_valid():
                erasures.confirm(actor=actor, erasure=erasure, number=form.cleaned_data["number"])
                messages.success(request, _("It is being erased. What is kept is listed here afterwards."))
        except Problem as problem:
            if not form.is_bound:
                refused(request, problem)
            else:
                form.add_problem(problem)
        if not form.errors:
            return redirect("console:account_privacy", public_id=public_id)
    context = {
        "account": account,
        "account_url": present_accounts.url_of(account),
        "copies": list(copies.list_for(actor, account)[:10]),
        "erasure": erasure,
        "holds": list(retaining.list_holds(account)),
        "may_hold": permissions.may(actor, retaining.HOLD),
        "may_erase": may_erase,
        "form": form,
    }
    return page(request, "privacy/account.html", context, section="accounts", status=422 if form.errors else 200)


@staff(copies.EXPORT)
@require_GET
@never_cache
def fetch(request: HttpRequest, public_id: str) -> HttpResponse:
    """One ready copy."""
    try:
        return exports.download(*copies.fetch(actor=actor_of(request), public_id=public_id))
    except exports.NotReady as problem:
        refused(request, problem)
        return redirect("console:accounts")
