"""The realm's rules for signing in, for its administrator."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from boss.console.forms.sign_in_rules import SignInRulesForm
from boss.console.frame import actor_of, page, staff
from boss.core.problems import Problem
from boss.tenancy import selectors, signing_in
from boss.tenancy.services import sign_in_policy


@staff("tenancy.change_realm")
@never_cache
@signing_in.recently_proven
def sign_in_rules(request: HttpRequest) -> HttpResponse:
    """Which roles need a second step, and how soon sessions end."""
    roles = selectors.list_roles_of_staff()
    if request.method == "POST":
        form = SignInRulesForm(request.POST, roles=roles)
        if form.is_valid():
            try:
                sign_in_policy.change(
                    actor=actor_of(request),
                    second_factor_roles=form.cleaned_data["second_factor_roles"],
                    minutes=form.minutes(),
                )
            except Problem as problem:
                form.add_problem(problem)
            else:
                messages.success(request, _("The rules are saved and hold at once."))
                return redirect("console:sign_in_rules")
    else:
        form = SignInRulesForm(initial=_initial(request), roles=roles)
    return page(request, "sign_in_rules.html", {"form": form}, section="", status=422 if form.errors else 200)


def _initial(request: HttpRequest) -> dict[str, Any]:
    rules = selectors.get_realm(actor_of(request).realm_id).settings.get("sign_in", {})
    limits = {
        f"{kind}_{limit}": given for kind, own in rules.get("minutes", {}).items() for limit, given in own.items()
    }
    return {"second_factor_roles": rules.get("second_factor_roles", []), **limits}
