"""Signing in through somebody else: to the provider and back. ``begin_at`` and ``come_back`` serve connecting, too."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

import structlog
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from boss.core import clock
from boss.core.actors import Actor
from boss.core.problems import Problem
from boss.core.views import public
from boss.portals.selfhelp import doors
from boss.tenancy import oidc, selectors, signing_in
from boss.tenancy.errors import ProviderRefused
from boss.tenancy.models import SignInProvider
from boss.tenancy.services import single_sign_on

log = structlog.get_logger(__name__)

FLOWS = "single_sign_on"
FOUND = "single_sign_on_found"
MOST_FLOWS = 3
"""Begun in several tabs; the oldest is forgotten."""
FLOW_SECONDS = 15 * 60
Purpose = Literal["sign in", "prove", "connect"]


@require_GET
@public
@never_cache
def start(request: HttpRequest, provider: str) -> HttpResponse:
    """To the provider: to sign in, or, signed in, to prove that it is still the same person."""
    row = find(provider)
    purpose: Purpose = "prove" if request.user.is_authenticated else "sign in"
    return begin_at(request, row, purpose, "prove_again" if purpose == "prove" else "login")


@require_GET
@public
@never_cache
def back(request: HttpRequest, provider: str) -> HttpResponse:
    """From the provider: who is it, and what was it for?"""
    row = find(provider)
    kept = _take_flow(request, row)
    if kept is None:
        messages.info(request, _("That took too long, or was begun in another browser. Please try again."))
        return redirect("login")
    purpose, target = kept["purpose"], kept["next"]
    where = {"sign in": "login", "prove": "prove_again", "connect": "account:home"}[purpose]
    try:
        flow = oidc.Flow(**kept["flow"])
        identity = oidc.finish(
            single_sign_on.client_of(row), flow, request.GET.dict(), single_sign_on.redirect_uri(row)
        )
        if purpose == "connect":
            request.session[FOUND] = {"provider": row.public_id, "identity": asdict(identity), "at": flow.at}
            return redirect("account:connection_confirm")
        user = single_sign_on.recognise(actor=_house(request), provider=row, identity=identity)
    except Problem as problem:
        return _refused(request, row, problem, where)
    second = row.counts_as_second or identity.second
    if request.user.is_authenticated:
        if user != request.user:
            messages.error(request, _("That is somebody else's account."))
            return redirect(where)
        signing_in.prove_again(request, second=second)
        return redirect(target or "account:home")
    if not signing_in.begin(request, user, second=second, how=signing_in.SINGLE_SIGN_ON):
        return redirect(doors.second_step(target))
    return doors.let_in(request, user, target)


def begin_at(request: HttpRequest, row: SignInProvider, purpose: Purpose, otherwise: str) -> HttpResponse:
    """Send the browser to the provider; to the page ``otherwise`` with a message when it does not answer.

    The provider knows one address to send people back to, on the realm's canonical host, and the session it needs
    lives where it was begun: so the way begins there, too.
    """
    realm = request.realm  # type: ignore[attr-defined]
    if request.get_host() != realm.canonical_host:
        return redirect(f"{realm.settings.get('scheme', 'https')}://{realm.canonical_host}{request.get_full_path()}")
    try:
        client, fresh = single_sign_on.client_of(row), purpose == "prove"
        address, flow = oidc.begin(client, single_sign_on.redirect_uri(row), fresh=fresh)
    except ProviderRefused as problem:
        return _refused(request, row, problem, otherwise)
    kept = {
        "provider": row.public_id, "purpose": purpose, "next": signing_in.safe_target(request), "flow": asdict(flow),
    }  # fmt: skip
    request.session[FLOWS] = [*request.session.get(FLOWS, []), kept][-MOST_FLOWS:]
    return redirect(address)


def find(public_id: str) -> SignInProvider:
    row = selectors.find_sign_in_provider(public_id)
    if row is None or not row.is_active:
        raise Http404
    return row


def _take_flow(request: HttpRequest, row: SignInProvider) -> dict[str, Any] | None:
    """What was begun in this browser and comes back now; each is good for one answer."""
    flows = request.session.get(FLOWS, [])
    state = request.GET.get("state", "")
    mine = [each for each in flows if each["flow"]["state"] == state and each["provider"] == row.public_id]
    if not mine:
        return None
    request.session[FLOWS] = [each for each in flows if each not in mine]
    late = clock.now().timestamp() - mine[0]["flow"]["at"] > FLOW_SECONDS
    # Somebody signed in, or out, in between: what was meant then is not what would happen now.
    other = (mine[0]["purpose"] == "sign in") == request.user.is_authenticated
    return None if late or other else mine[0]


def _refused(request: HttpRequest, row: SignInProvider, problem: Problem, where: str) -> HttpResponse:
    if problem.data.get("declined"):
        messages.info(request, _("You did not sign in at %(name)s.") % {"name": row.name})
        return redirect(where)
    log.warning("single_sign_on_refused", provider=row.public_id, code=problem.code, reason=problem.data.get("reason"))
    messages.error(request, str(problem))
    return redirect(where)


def _house(request: HttpRequest) -> Actor:
    return Actor.system(request.realm.pk, "Sign-in")  # type: ignore[attr-defined]
