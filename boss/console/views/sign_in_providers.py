"""Single sign-on, for the realm's administrator: the providers through which staff may sign in."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from boss.console.forms.sign_in_providers import SignInProviderForm
from boss.console.frame import actor_of, page, refused, staff
from boss.core.problems import NotFound, Problem
from boss.tenancy import selectors, signing_in
from boss.tenancy.models import SignInProvider
from boss.tenancy.services import single_sign_on

PERMISSION = "tenancy.change_realm"


@staff(PERMISSION)
@require_GET
@never_cache
def provider_list(request: HttpRequest) -> HttpResponse:
    return page(request, "sign_in/providers.html", {"providers": selectors.list_sign_in_providers()}, section="")


@sensitive_post_parameters("client_secret")
@staff(PERMISSION)
@never_cache
@signing_in.recently_proven
def new_provider(request: HttpRequest) -> HttpResponse:
    form = SignInProviderForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            provider = single_sign_on.add(
                actor=actor_of(request), given=form.given(), client_secret=form.cleaned_data["client_secret"]
            )
        except Problem as problem:
            form.add_problem(problem)
        else:
            messages.success(request, _("It is set up. Now tell the provider where to send people back to."))
            return redirect("console:sign_in_provider", provider.public_id)
    return page(request, "sign_in/provider.html", {"form": form}, section="", status=422 if form.errors else 200)


@sensitive_post_parameters("client_secret")
@staff(PERMISSION)
@never_cache
def provider(request: HttpRequest, public_id: str) -> HttpResponse:
    return _provider(request, _find(public_id))


@signing_in.recently_proven
def _provider(request: HttpRequest, row: SignInProvider) -> HttpResponse:
    if request.method == "POST":
        form = SignInProviderForm(request.POST, stands=True)
        if form.is_valid():
            try:
                single_sign_on.change(
                    actor=actor_of(request), provider=row, given=form.given(),
                    client_secret=form.cleaned_data["client_secret"],
                )  # fmt: skip
            except Problem as problem:
                form.add_problem(problem)
            else:
                messages.success(request, _("Saved. It holds from the next sign-in on."))
                return redirect("console:sign_in_providers")
    else:
        form = SignInProviderForm(initial={name: getattr(row, name) for name in _shown()}, stands=True)
    context = {
        "form": form,
        "provider": row,
        "redirect_uri": single_sign_on.redirect_uri(row),
        "connected": selectors.count_connected_accounts(row),
    }
    return page(request, "sign_in/provider.html", context, section="", status=422 if form.errors else 200)


@staff(PERMISSION)
@require_POST
def remove_provider(request: HttpRequest, public_id: str) -> HttpResponse:
    return _remove(request, _find(public_id))


@signing_in.recently_proven
def _remove(request: HttpRequest, row: SignInProvider) -> HttpResponse:
    try:
        single_sign_on.remove(actor=actor_of(request), provider=row)
    except Problem as problem:
        refused(request, problem)
        return redirect("console:sign_in_provider", row.public_id)
    messages.success(request, _("%(name)s is removed; nobody signs in through it any more.") % {"name": row.name})
    return redirect("console:sign_in_providers")


def _shown() -> tuple[str, ...]:
    """What of a provider is shown again; its secret never is."""
    return ("name", "issuer", "client_id", *single_sign_on.FLAGS)


def _find(public_id: str) -> SignInProvider:
    row = selectors.find_sign_in_provider(public_id)
    if row is None:
        raise NotFound
    return row
