"""A person's accounts at the realm's sign-in providers: connected after he has seen which one it is, and ended."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from boss.core import clock
from boss.core.actors import Actor
from boss.core.problems import Problem
from boss.portals.account.views import own
from boss.portals.selfhelp.views import single_sign_on as door
from boss.tenancy import oidc
from boss.tenancy.models import User
from boss.tenancy.services import single_sign_on


@own
@require_GET
def add(request: HttpRequest, provider: str) -> HttpResponse:
    """To the provider, to come back with an account there."""
    return door.begin_at(request, door.find(provider), "connect", "account:home")


@own
def confirm(request: HttpRequest) -> HttpResponse:
    """A button of our own in between: else another site could connect its account while the person is signed in."""
    found = request.session.get(door.FOUND)
    if not isinstance(found, dict) or clock.now().timestamp() - found["at"] > door.FLOW_SECONDS:
        request.session.pop(door.FOUND, None)
        return redirect("account:home")
    row, identity = door.find(found["provider"]), oidc.Identity(**found["identity"])
    if request.method != "POST":
        return render(request, "portals/account/connect.html", {"provider": row, "identity": identity})
    del request.session[door.FOUND]
    try:
        single_sign_on.connect(actor=_actor(request), user=_user(request), provider=row, identity=identity)
    except Problem as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("You can sign in with %(name)s from now on.") % {"name": row.name})
    return redirect("account:home")


@require_POST
@own
def remove(request: HttpRequest, provider: str) -> HttpResponse:
    try:
        single_sign_on.disconnect(actor=_actor(request), user=_user(request), provider=door.find(provider))
    except Problem as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("It is disconnected and lets you in no more."))
    return redirect("account:home")


def _actor(request: HttpRequest) -> Actor:
    return request.actor  # type: ignore[attr-defined, no-any-return]


def _user(request: HttpRequest) -> User:
    return request.user  # type: ignore[return-value]
