"""The second step of signing in, the proof that it is still the same person, and passkeys for both."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from boss.core.problems import Problem
from boss.core.views import public, signed_in
from boss.look.forms import BossForm
from boss.portals.selfhelp import doors
from boss.portals.selfhelp.forms import AgainForm, CodeForm
from boss.tenancy import devices, selectors, signing_in
from boss.tenancy.errors import BadPasskey, SignInElsewhere, WrongCode
from boss.tenancy.limits import Purpose
from boss.tenancy.models import SignInIdentity, User
from boss.tenancy.services import factors, passkeys

CEREMONY = "passkey"
LONGEST_ANSWER = 20_000


@sensitive_post_parameters("code")
@public
@never_cache
def second_step(request: HttpRequest) -> HttpResponse:
    """The code of the app, a recovery code, or a passkey, from somebody whose password was right."""
    user = signing_in.find_pending(request)
    target = signing_in.safe_target(request)
    if user is None:
        return redirect("login")
    form = CodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        how, status = _code(request, user, form)
        if how:
            signing_in.finish(request, user, how=how)
            if how == "recovery":
                left = factors.codes_left(user)
                messages.warning(request, _("You used a recovery code; %(left)d are left.") % {"left": left})
            return doors.let_in(request, user, target)
        return _page(request, "second_step", form, user, target, status)
    return _page(request, "second_step", form, user, target)


@sensitive_post_parameters("password", "code")
@signed_in
@signing_in.during_sign_in
@never_cache
def prove_again(request: HttpRequest) -> HttpResponse:
    """It is still you: by the second factor of whoever has one, else by the password."""
    user: User = request.user  # type: ignore[assignment]
    target = signing_in.safe_target(request)
    by_code = factors.has_second(user)
    form: BossForm = (CodeForm if by_code else AgainForm)(request.POST if request.method == "POST" else None)
    status = 422
    if request.method == "POST" and form.is_valid():
        if by_code:
            how, status = _code(request, user, form)
            proven = bool(how)
        else:
            proven, status = _password(request, user, form)
        if proven:
            signing_in.prove_again(request, second=by_code)
            return redirect(target or "account:home")
    return _page(request, "prove_again", form, user, target, status)


@require_POST
@public
@never_cache
def passkey_options(request: HttpRequest) -> JsonResponse:
    """What the browser asks the passkey: any of this host, or one of whoever is to prove himself."""
    realm = request.realm  # type: ignore[attr-defined]
    options, state = passkeys.begin_authentication(realm, request.get_host(), _expected(request))
    request.session[CEREMONY] = state
    return JsonResponse(options)


@require_POST
@public
@never_cache
def passkey(request: HttpRequest) -> JsonResponse:
    """The passkey's answer: signs in, finishes a sign-in, or proves again, and says where to go."""
    state = request.session.pop(CEREMONY, None)  # good for one answer
    answer = read_answer(request)
    expected = _expected(request)
    tried = signing_in.attempt(request, Purpose.FACTOR, expected.email_norm if expected else "", expected)
    try:
        tried.refuse_floods()
    except Problem as problem:
        return JsonResponse({"detail": str(problem)}, status=problem.status)
    realm = request.realm  # type: ignore[attr-defined]
    user = passkeys.authenticate(realm, request.get_host(), state, answer, expected) if state and answer else None
    if user is None:
        signing_in.refused(tried, expected)
        return JsonResponse({"detail": str(BadPasskey.title)}, status=422)
    target = signing_in.safe_target(request)
    if request.user.is_authenticated:
        signing_in.prove_again(request, second=True)
        return JsonResponse({"next": target or "/account/"})
    if expected is not None:
        signing_in.finish(request, user, how="passkey")
    else:
        try:
            signing_in.begin(request, user, second=True, how="passkey")
        except SignInElsewhere as elsewhere:
            return JsonResponse({"detail": str(elsewhere)}, status=elsewhere.status)
    response = JsonResponse({"next": target or doors.home_of(realm, user)})
    devices.remember(request, response, user)
    return response


def read_answer(request: HttpRequest) -> dict[str, Any]:
    """The JSON a browser sends of a ceremony; {} for anything else."""
    text = request.POST.get("answer", "")
    if len(text) > LONGEST_ANSWER:
        return {}
    try:
        answer = json.loads(text)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _expected(request: HttpRequest) -> User | None:
    """Whose passkey it must be; None when it is the passkey that says who."""
    if request.user.is_authenticated:
        return request.user  # type: ignore[return-value]
    return signing_in.find_pending(request)


def _connected(request: HttpRequest, user: User) -> list[SignInIdentity]:
    """Where somebody signed in can prove himself by single sign-on: what counts as his second step, or all when he
    has none here."""
    if not request.user.is_authenticated:
        return []
    found = [each for each in selectors.list_connected_accounts(user) if each.provider.is_active]
    return [each for each in found if each.provider.counts_as_second or not factors.has_second(user)]


def _code(request: HttpRequest, user: User, form: BossForm) -> tuple[str, int]:
    try:
        how = signing_in.check_code(request, user, form.cleaned_data["code"])
    except Problem as problem:  # too many attempts
        form.add_error(None, str(problem))
        return "", problem.status
    if not how:
        form.add_error("code", str(WrongCode.title))
    return how, 422


def _password(request: HttpRequest, user: User, form: BossForm) -> tuple[bool, int]:
    try:
        found = authenticate(request, email=user.email, password=form.cleaned_data["password"])
    except Problem as problem:
        form.add_error(None, str(problem))
        return False, problem.status
    if found != user:
        form.add_error("password", _("This is not your password."))
    return found == user, 422


def _page(request: HttpRequest, name: str, form: BossForm, user: User, target: str, status: int = 422) -> HttpResponse:
    context = {
        "form": form,
        "person": user,
        "target": target,
        "has_app": selectors.find_app(user) is not None,
        "has_passkey": bool(selectors.list_passkeys(user)),
        "has_password": user.has_usable_password(),
        "accounts": _connected(request, user),
    }
    refused = form.is_bound and bool(form.errors)
    return render(request, f"portals/selfhelp/{name}.html", context, status=status if refused else 200)
