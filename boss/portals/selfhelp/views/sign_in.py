"""The doors: sign in, sign out, set a first or forgotten password. The brand is the host's."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import authenticate, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from boss.core.actors import Actor
from boss.core.middleware import KEPT_BY_BROWSER
from boss.core.problems import Problem
from boss.core.views import public
from boss.portals.selfhelp import doors
from boss.portals.selfhelp.forms import LinkForm, PasswordForm, SignInForm
from boss.tenancy import selectors, signing_in
from boss.tenancy.errors import BadInvitation, SignInElsewhere
from boss.tenancy.services import email_addresses, invitations


@public
def landing(request: HttpRequest) -> HttpResponse:
    """The host's own address: everybody goes where he belongs."""
    return redirect(_home_of(request, request.user))


def _home_of(request: HttpRequest, user: Any) -> str:
    return doors.home_of(request.realm, user)  # type: ignore[attr-defined]


@sensitive_post_parameters("password")
@public
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    target = signing_in.safe_target(request)
    if request.method != "POST":
        if request.user.is_authenticated:
            return redirect(target or _home_of(request, request.user))
        return _form_page(request, "sign_in", SignInForm(), target=target)
    form = SignInForm(request.POST)
    status = 422
    if form.is_valid():
        try:
            user = authenticate(request, **form.cleaned_data)
        except Problem as problem:  # too many attempts
            form.add_error(None, str(problem))
            status = problem.status
        else:
            if user is not None:
                return _enter(request, user, target, form)
            # The same words whether the person exists or not.
            form.add_error(None, _("E-mail or password is not right. Please check both and try again."))
    return _form_page(request, "sign_in", form, status=status, target=target)


def _enter(request: HttpRequest, user: Any, target: str, form: SignInForm) -> HttpResponse:
    """The password is right."""
    try:
        if signing_in.begin(request, user):
            return doors.let_in(request, user, target)
    except SignInElsewhere as problem:
        form.add_error(None, str(problem))
        return _form_page(request, "sign_in", form, status=problem.status, target=target)
    return redirect(doors.second_step(target))


@require_POST
@public
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    messages.success(request, _("You are signed out."))
    answer = redirect("login")
    # The message lies in a new session, so the cookie is replaced and not taken back: said here.
    answer["Clear-Site-Data"] = KEPT_BY_BROWSER
    return answer


@public
@never_cache
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for a link by mail. The answer never tells whether the address is known."""
    form = LinkForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            doors.send_link(request, form.cleaned_data["email"])
        except Problem as problem:  # too many from one network
            form.add_error(None, str(problem))
            return _form_page(request, "forgotten", form, status=problem.status)
        return render(request, "portals/selfhelp/link_sent.html", {"email": form.cleaned_data["email"]})
    return _form_page(request, "forgotten", form)


@sensitive_post_parameters("password")
@public
@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Set the password a link was made for, and go straight in."""
    try:
        person = invitations.get_invited(token)
        form = PasswordForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            try:
                user = invitations.accept(presented=token, password=form.cleaned_data["password"])
            except BadInvitation:
                raise
            except Problem as problem:
                form.add_problem(problem)
            else:
                if request.user.is_authenticated:  # somebody else's browser, or one's own old session
                    logout(request)
                try:
                    whole = signing_in.begin(request, user, how="link")
                except SignInElsewhere as elsewhere:
                    messages.info(request, str(elsewhere))
                    return redirect("login")
                if not whole:
                    messages.success(request, _("Your password is set. Now the second step."))
                    return redirect(doors.second_step(""))
                messages.success(request, _("Your password is set and you are signed in."))
                return doors.let_in(request, user, "")
    except BadInvitation as problem:
        return render(request, "portals/selfhelp/bad_link.html", {"problem": problem}, status=problem.status)
    return _form_page(request, "invitation", form, person=person)


@public
@never_cache
def new_email(request: HttpRequest, token: str) -> HttpResponse:
    """The link sent to a new address. A button, because mail programs open links by themselves."""
    try:
        person, email = email_addresses.get_change(token)
        if request.method == "POST":
            actor = Actor(person.realm_id, "user", person.full_name, person.pk)
            email_addresses.change(actor=actor, presented=token)
            messages.success(request, _("You sign in with %(email)s from now on.") % {"email": email})
            return redirect("account:home")
    except BadInvitation as problem:
        return render(request, "portals/selfhelp/bad_link.html", {"problem": problem}, status=problem.status)
    return render(request, "portals/account/email_confirm.html", {"person": person, "email": email})


def _form_page(
    request: HttpRequest, name: str, form: SignInForm | LinkForm | PasswordForm, status: int = 422, **context: object
) -> HttpResponse:
    refused = form.is_bound and bool(form.errors)
    context |= {"form": form}
    if name == "sign_in":
        context["providers"] = selectors.list_sign_in_providers(active=True)
    return render(request, f"portals/selfhelp/{name}.html", context, status=status if refused else 200)
