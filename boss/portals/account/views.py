"""Everybody's own sign-in: what its pages' buttons do, for staff and subscribers alike.

The overview stands in the console and in self-help (``components/security.html``); the steps here have the plain
frame of the sign-in pages, because some of them come before anything else may be opened.
"""

from __future__ import annotations

import functools
from typing import Any

import segno
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_POST

from boss.core import crypto
from boss.core.actors import Actor
from boss.core.problems import Problem
from boss.core.views import View, signed_in
from boss.look import security
from boss.portals.account.forms import AppForm, NewEmailForm, NewPasswordForm
from boss.portals.selfhelp import doors
from boss.portals.selfhelp.views.steps import read_answer
from boss.tenancy import held_forms, signing_in
from boss.tenancy.models import User
from boss.tenancy.services import factors, passkeys, sessions, users
from boss.tenancy.sessions import ABOUT

CEREMONY = "passkey_registration"
FRESH_CODES = "fresh_codes"
JSON_OF_CODES_SEPARATOR = " "


def own(view: View) -> View:
    """A page of the signed-in person himself who proved lately that it is he."""
    return signed_in(never_cache(signing_in.recently_proven(view)))


@signed_in
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """The overview where the person is at home; those who have neither home see it here."""
    actor = _actor(request)
    if actor.holds("core.use_console"):
        return redirect(doors.CONSOLE_SIGN_IN)
    if actor.holds("core.use_selfhelp"):
        return redirect("selfhelp:security")
    return render(request, "portals/account/home.html", {"security": security.of_person(request)})


@signed_in
@signing_in.during_sign_in
@never_cache
def set_up(request: HttpRequest) -> HttpResponse:
    """The choice of a second factor; where a role demands one, the first page somebody sees."""
    context = {
        "security": security.of_person(request),
        "target": signing_in.safe_target(request),
        "owes": signing_in.missing_step(request) == "set_up",
    }
    return render(request, "portals/account/set_up.html", context)


@sensitive_variables("provisioning")
@signing_in.during_sign_in
@own
def app(request: HttpRequest) -> HttpResponse:
    """Set up an authenticator app: a QR code, the secret for typing, and the first code back."""
    user, target = _user(request), signing_in.safe_target(request)
    form = AppForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            plain = factors.confirm_totp(actor=_actor(request), user=user, code=form.cleaned_data["code"])
        except Problem as problem:
            form.add_problem(problem)
        else:
            signing_in.note_second(request)
            messages.success(request, _("Your app is set up. Its code is asked for at every sign-in from now on."))
            return _after_first(request, plain, target)
    provisioning = factors.begin_totp(actor=_actor(request), user=user)
    picture = segno.make(provisioning.uri, error="m").svg_inline(scale=5, border=3, dark="#000", light="#fff")
    context = {
        "form": form,
        "target": target,
        "picture": mark_safe(picture),  # noqa: S308 - drawn by us of our own text
        "secret": " ".join(provisioning.secret[i : i + 4] for i in range(0, len(provisioning.secret), 4)),
    }
    return render(request, "portals/account/app.html", context, status=422 if form.errors else 200)


@require_POST
@own
def app_remove(request: HttpRequest) -> HttpResponse:
    factors.remove_totp(actor=_actor(request), user=_user(request))
    messages.success(request, _("The app is removed. Its codes open nothing any more."))
    return redirect("account:home")


@signing_in.during_sign_in
@own
def codes(request: HttpRequest) -> HttpResponse:
    """The new recovery codes, this once."""
    sealed = request.session.pop(FRESH_CODES, None)
    user, target = _user(request), signing_in.safe_target(request)
    if sealed is None:
        return redirect(target or "account:home")
    plain = crypto.open_sealed(sealed, bound_to=_place(user)).split()
    return render(request, "portals/account/codes.html", {"codes": plain, "target": target, "person": user})


@require_POST
@own
def codes_renew(request: HttpRequest) -> HttpResponse:
    plain = factors.renew_recovery_codes(actor=_actor(request), user=_user(request))
    return _after_first(request, plain, "")


def _json(view: View) -> View:
    """A refusal as JSON with its words, for the script that asked."""

    @functools.wraps(view)
    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            signing_in.require_recent(request)
            return view(request, *args, **kwargs)
        except Problem as problem:
            said = [text for texts in problem.fields.values() for text in texts] or [str(problem)]
            return JsonResponse({"detail": " ".join(said)}, status=problem.status)

    return run  # type: ignore[return-value]


@require_POST
@signing_in.during_sign_in
@signed_in
@never_cache
@_json
def passkey_options(request: HttpRequest) -> HttpResponse:
    options, state = passkeys.begin_registration(actor=_actor(request), user=_user(request), host=request.get_host())
    request.session[CEREMONY] = state
    return JsonResponse(options)


@require_POST
@signing_in.during_sign_in
@signed_in
@never_cache
@_json
def passkey_add(request: HttpRequest) -> HttpResponse:
    """Keep what the browser made; says where to go, which is to the recovery codes after the first factor."""
    state = request.session.pop(CEREMONY, {})  # good for one answer
    _row, plain = passkeys.register(
        actor=_actor(request),
        user=_user(request),
        host=request.get_host(),
        name=request.POST.get("name", ""),
        state=state,
        answer=read_answer(request),
    )
    signing_in.note_second(request)
    messages.success(request, _("The passkey is saved. You can sign in with it from now on."))
    return JsonResponse({"next": _after_first(request, plain, signing_in.safe_target(request))["Location"]})


@require_POST
@own
def passkey_rename(request: HttpRequest, passkey: str) -> HttpResponse:
    try:
        passkeys.rename(
            actor=_actor(request), user=_user(request), public_id=passkey, name=request.POST.get("name", "")
        )
    except Problem as problem:
        if problem.status == 404:
            raise
        messages.error(request, " ".join(text for texts in problem.fields.values() for text in texts))
    return redirect("account:home")


@require_POST
@own
def passkey_remove(request: HttpRequest, passkey: str) -> HttpResponse:
    passkeys.remove(actor=_actor(request), user=_user(request), public_id=passkey)
    messages.success(request, _("The passkey is removed here. You may delete it on your device, too."))
    return redirect("account:home")


@require_POST
@signed_in
def session_end(request: HttpRequest, session: str) -> HttpResponse:
    """End one session. It takes no proof: whoever suspects a thief shall be quick."""
    sessions.end(actor=_actor(request), public_id=session)
    messages.success(request, _("That session is ended."))
    return redirect("account:home")


@require_POST
@signed_in
def sessions_end_others(request: HttpRequest) -> HttpResponse:
    sessions.end_all(actor=_actor(request), user=_user(request), but=_this_session(request))
    messages.success(request, _("You are signed out everywhere but here."))
    return redirect("account:home")


@sensitive_post_parameters("password")
@own
def password(request: HttpRequest) -> HttpResponse:
    """Another password. All other sessions end."""
    form = NewPasswordForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            user = users.set_password(
                actor=_actor(request),
                user=_user(request),
                password=form.cleaned_data["password"],
                keep_session=_this_session(request),
            )
        except Problem as problem:
            form.add_problem(problem)
        else:
            update_session_auth_hash(request, user)
            messages.success(request, _("Your password is changed. You are signed out everywhere but here."))
            return redirect("account:home")
    return _form(request, "password", form)


@own
def email(request: HttpRequest) -> HttpResponse:
    """Another e-mail address: it changes when the link sent there is opened."""
    form = NewEmailForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            doors.send_email_link(request, _user(request), form.cleaned_data["email"])
        except Problem as problem:
            form.add_problem(problem)
        else:
            return render(request, "portals/account/email_sent.html", {"email": form.cleaned_data["email"]})
    return _form(request, "email", form)


@own
@require_GET
def go_on(request: HttpRequest) -> HttpResponse:
    """What the person had sent when he was asked to prove himself, to be sent now. Nothing is done by looking."""
    held = held_forms.find(request)
    if held is None:
        messages.info(request, _("Nothing waits here any more. Nothing was changed."))
        return redirect("account:home")
    return render(request, "portals/account/go_on.html", {"held": held})


def _after_first(request: HttpRequest, plain: list[str], target: str) -> HttpResponse:
    """To the recovery codes when there are new ones, else where the person was going."""
    if not plain:
        return redirect(target or "account:home")
    request.session[FRESH_CODES] = crypto.seal(JSON_OF_CODES_SEPARATOR.join(plain), bound_to=_place(_user(request)))
    query = f"?next={target}" if target else ""
    return redirect(reverse("account:codes") + query)


def _place(user: User) -> str:
    return f"portals.account:{user.realm_id}:{user.pk}:codes"


def _this_session(request: HttpRequest) -> str:
    return str((request.session.get(ABOUT) or {}).get("id", ""))


def _form(request: HttpRequest, name: str, form: NewPasswordForm | NewEmailForm) -> HttpResponse:
    context = {"form": form, "person": request.user}
    return render(request, f"portals/account/{name}.html", context, status=422 if form.errors else 200)


def _user(request: HttpRequest) -> User:
    user: User = request.user  # type: ignore[assignment]
    return user


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
