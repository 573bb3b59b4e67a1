"""Roles, API keys and the switches of components: what people and programs may do here."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms.people import KeyForm, RoleForm
from boss.console.frame import actor_of, page, refused, staff
from boss.console.presenters import people as present
from boss.core.permissions import may
from boss.core.problems import NotFound, Problem
from boss.look import once
from boss.look.pages import newest_first
from boss.tenancy import components, policies, selectors, signing_in, vocabulary
from boss.tenancy.models import ApiKey, Role
from boss.tenancy.reach import reaches
from boss.tenancy.services import api_keys, realms, roles

SECTION = "people"
SHOWN_HOLDERS = 100


@staff("tenancy.view_role")
@require_GET
def role_list(request: HttpRequest) -> HttpResponse:
    """Built-in roles and the realm's own."""
    actor = actor_of(request)
    found = list(selectors.list_roles(actor))
    context = {
        "own": [role for role in found if not role.built_in],
        "built_in": [(role, len(role.effective_permissions())) for role in found if role.built_in],
        "may_manage": may(actor, "tenancy.manage_roles"),
        "tab": "roles",
    }
    return page(request, "people/roles.html", context, section=SECTION)


@staff("tenancy.manage_roles")
@require_http_methods(["GET", "POST"])
@signing_in.recently_proven
def new_role(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    offered = [each for each in policies.every_permission() if reaches(actor, each)]
    form = RoleForm(request.POST if request.method == "POST" else None, offered=offered)
    if form.is_bound and form.is_valid():
        try:
            made = roles.create(actor=actor, **form.cleaned_data)
        except Problem as problem:
            form.add_problem(problem)
        else:
            messages.success(request, _("The role is there and can be given."))
            return redirect("console:role", made.key)
    context = {"form": form, "heading": _("New role"), "button": _("Make the role")}
    return page(request, "people/role_form.html", context, section=SECTION, status=422 if form.errors else 200)


@staff("tenancy.view_role")
@require_GET
def role(request: HttpRequest, key: str) -> HttpResponse:
    """What a role gives, in words, and who holds it."""
    actor = actor_of(request)
    found = selectors.get_role(actor, key)
    holders = list(selectors.list_holders(found)[: SHOWN_HOLDERS + 1])
    context = {
        "role": found,
        "groups": vocabulary.grouped(found.effective_permissions()),
        "holders": [(each, present.place_of(each)) for each in holders[:SHOWN_HOLDERS]],
        "more": len(holders) > SHOWN_HOLDERS,
        "may_manage": may(actor, "tenancy.manage_roles") and not found.built_in and found.archived_at is None,
    }
    return page(request, "people/role.html", context, section=SECTION)


@staff("tenancy.manage_roles")
@require_http_methods(["GET", "POST"])
@signing_in.recently_proven
def edit_role(request: HttpRequest, key: str) -> HttpResponse:
    actor = actor_of(request)
    found = selectors.get_role(actor, key)
    if found.built_in:
        raise NotFound
    offered = {each for each in policies.every_permission() if reaches(actor, each)} | found.effective_permissions()
    if found.is_for == Role.Audience.ORGANIZATION:
        offered &= policies.of_audience("organization")
    initial = {"name": found.name, "description": found.description, "permissions": found.permissions}
    form = RoleForm(
        request.POST if request.method == "POST" else None, offered=offered, fixed_audience=True, initial=initial
    )
    if form.is_bound and form.is_valid():
        try:
            roles.edit(actor=actor, role=found, **form.cleaned_data)
        except Problem as problem:
            form.add_problem(problem)
        else:
            messages.success(request, _("Saved. Those who hold the role sign in again."))
            return redirect("console:role", found.key)
    context = {"form": form, "heading": found.name, "button": _("Save"), "role": found}
    return page(request, "people/role_form.html", context, section=SECTION, status=422 if form.errors else 200)


@staff("tenancy.manage_roles")
@require_POST
@signing_in.recently_proven
def archive_role(request: HttpRequest, key: str) -> HttpResponse:
    found = selectors.get_role(actor_of(request), key)
    try:
        roles.archive(actor=actor_of(request), role=found)
    except Problem as problem:
        refused(request, problem)
        return redirect("console:role", key)
    messages.success(request, _("The role is archived."))
    return redirect("console:roles")


@staff("tenancy.view_apikey")
@require_GET
def key_list(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    context = {
        "page": newest_first(selectors.list_api_keys(actor), request.GET.get("after", "")).map(present.key_row),
        "query": "",
        "form_key": once.new_key(),
        "may_make": may(actor, "tenancy.add_apikey") and actor.holds("tenancy.view_role"),
        "may_revoke": may(actor, "tenancy.revoke_apikey"),
        "tab": "keys",
    }
    return page(request, "people/keys.html", context, section=SECTION)


@staff("tenancy.add_apikey")
@never_cache
@require_http_methods(["GET", "POST"])
@signing_in.recently_proven
def new_key(request: HttpRequest) -> HttpResponse:
    """Make a key; the answer shows it, this once."""
    actor = actor_of(request)
    form = KeyForm(request.POST if request.method == "POST" else None, actor=actor)
    if form.is_bound and form.is_valid():
        if not once.first_time(actor, request.POST.get("form_key", "")):
            return redirect("console:keys")
        try:
            key, plain = api_keys.create(actor=actor, **form.given())
        except Problem as problem:
            form.add_problem(problem)
        else:
            return _shown_once(request, key, plain)
    context = {"form": form, "form_key": once.new_key()}
    return page(request, "people/key_form.html", context, section=SECTION, status=422 if form.errors else 200)


@staff("tenancy.add_apikey")
@never_cache
@require_POST
@signing_in.recently_proven
def rotate_key(request: HttpRequest, public_id: str) -> HttpResponse:
    """Make a key's successor; the old one goes on for the hours chosen."""
    actor, key = actor_of(request), _key(request, public_id)
    typed = request.POST.get("overlap_hours", "24")
    if not once.first_time(actor, request.POST.get("form_key", "")):
        return redirect("console:keys")
    try:
        hours = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 5 else -1
        successor, plain = api_keys.rotate(actor=actor, key=key, overlap_hours=hours)
    except Problem as problem:
        refused(request, problem)
        return redirect("console:keys")
    return _shown_once(request, successor, plain, old=key)


@staff("tenancy.revoke_apikey")
@require_POST
def revoke_key(request: HttpRequest, public_id: str) -> HttpResponse:
    key = _key(request, public_id)
    try:
        api_keys.revoke(actor=actor_of(request), key=key)
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("The key has ended."))
    return redirect("console:keys")


def _key(request: HttpRequest, public_id: str) -> ApiKey:
    key = selectors.list_api_keys(actor_of(request)).filter(public_id=public_id).first()
    if key is None:
        raise NotFound
    return key


def _shown_once(request: HttpRequest, key: ApiKey, plain: str, old: ApiKey | None = None) -> HttpResponse:
    if old is not None:
        old.refresh_from_db()
    return page(request, "people/key_shown.html", {"key": key, "plain": plain, "old": old}, section=SECTION)


@staff("tenancy.manage_components")
@require_http_methods(["GET", "POST"])
def switches(request: HttpRequest) -> HttpResponse:
    """The parts of BOSS this provider uses."""
    actor = actor_of(request)
    if request.method == "POST":
        on = request.POST.get("on") == "yes"
        realms.switch(actor=actor, component=request.POST.get("component", ""), on=on)
        messages.success(request, _("Switched on.") if on else _("Switched off. Nothing of its data is lost."))
        return redirect("console:components")
    switched_on = set(selectors.get_realm(actor.realm_id).components)
    context = {
        "switches": [(key, component, key in switched_on) for key, component in components.COMPONENTS.items()],
        "tab": "components",
    }
    return page(request, "people/components.html", context, section=SECTION)
