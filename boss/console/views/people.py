"""People: who signs in here, with which roles, and what is done about them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms.people import ActAsForm, GrantForm, InviteForm, PersonForm, ResetFactorsForm
from boss.console.frame import actor_of, page, picked, refused, staff
from boss.console.presenters import audit as present_audit
from boss.console.presenters import people as present
from boss.core import audit
from boss.core.permissions import may
from boss.core.problems import NotFound, Problem
from boss.look.pages import newest_first
from boss.look.people import INVITED, button, mark_of
from boss.notify.services import inviting
from boss.tenancy import selectors, signing_in
from boss.tenancy.models import User
from boss.tenancy.services import acting, factors, roles, users

SECTION = "people"
SHOWN_HISTORY = 20


@staff("tenancy.view_user")
@require_GET
def people_list(request: HttpRequest) -> HttpResponse:
    """Everybody the actor may see, the newest first, by kind, state and the beginning of a name or address."""
    actor = actor_of(request)
    wanted = {
        "kind": picked(request, "kind", present.KINDS),
        "state": picked(request, "state", ("active", "inactive")),
        "q": request.GET.get("q", "").strip()[:120],
    }
    rows = selectors.list_people(actor).prefetch_related("role_grants__role")
    if wanted["kind"]:
        rows = rows.filter(kind=wanted["kind"])
    if wanted["state"]:
        rows = rows.filter(is_active=wanted["state"] == "active")
    if wanted["q"]:
        rows = rows.filter(selectors.people_called(wanted["q"]))
    context = {
        "page": newest_first(rows, request.GET.get("after", "")).map(present.row),
        "wanted": wanted,
        "query": urlencode(wanted),
        "kinds": [
            {"word": word, "key": key, "query": urlencode({**wanted, "kind": key})}
            for key, word in [("", _("Everybody")), *present.KINDS.items()]
        ],
        "may_invite": may(actor, "tenancy.add_user"),
        "tab": "people",
    }
    return page(request, "people/list.html", context, section=SECTION)


@staff("tenancy.add_user")
@require_http_methods(["GET", "POST"])
@signing_in.recently_proven
def invite(request: HttpRequest) -> HttpResponse:
    """Add somebody and mail him a link to set his password."""
    actor = actor_of(request)
    form = InviteForm(request.POST if request.method == "POST" else None, actor=actor)
    if form.is_bound and form.is_valid():
        try:
            made = inviting.invite(actor=actor, **form.given())
        except Problem as problem:
            form.add_problem(problem)
        else:
            messages.success(request, _("%(name)s is invited by mail.") % {"name": made.full_name})
            return redirect("console:person", made.public_id)
    context = {"form": form, "heading": _("Invite somebody"), "button": _("Invite")}
    return page(request, "people/form.html", context, section=SECTION, status=422 if form.errors else 200)


@staff("tenancy.view_user")
@require_GET
def person(request: HttpRequest, public_id: str) -> HttpResponse:
    return _person_page(request, _found(request, public_id))


@staff("tenancy.change_user")
@require_POST
@signing_in.recently_proven
def change(request: HttpRequest, public_id: str) -> HttpResponse:
    """Name, phone and e-mail in one form; the e-mail under its own, stricter rule."""
    user = _found(request, public_id)
    form = PersonForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            # The stricter one first: when it is refused, nothing was changed.
            users.change_email(actor=actor_of(request), user=user, email=given["email"])
            users.change(actor=actor_of(request), user=user, full_name=given["full_name"], phone=given["phone"])
        except Problem as problem:
            form.add_problem(problem)
        else:
            return _done(request, user, _("Saved."))
    return _person_page(request, _found(request, public_id), person_form=form, status=422)


@staff("tenancy.grant_role")
@require_POST
@signing_in.recently_proven
def grant(request: HttpRequest, public_id: str) -> HttpResponse:
    user = _found(request, public_id)
    form = GrantForm(request.POST, actor=actor_of(request), user=user)
    if form.is_valid():
        try:
            given = roles.grant(actor=actor_of(request), user=user, **form.given())
        except Problem as problem:
            form.add_problem(problem)
        else:
            return _done(request, user, _("%(role)s is given.") % {"role": given.role.name})
    return _person_page(request, user, grant_form=form, status=422)


@staff("tenancy.grant_role")
@require_POST
@signing_in.recently_proven
def revoke(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take one of a person's roles away: the form names which."""
    user = _found(request, public_id)
    wanted = request.POST.get("grant", "")
    is_number = wanted.isascii() and wanted.isdigit() and len(wanted) < 19
    given = selectors.find_grant(user, pk=int(wanted)) if is_number else None
    if given is None:
        raise NotFound
    try:
        roles.revoke(actor=actor_of(request), grant=given)
    except Problem as problem:
        refused(request, problem)
        return redirect("console:person", public_id)
    return _done(request, given.user, _("%(role)s is taken away.") % {"role": given.role.name})


@staff("tenancy.change_user")
@require_POST
@signing_in.recently_proven
def reset_factors(request: HttpRequest, public_id: str) -> HttpResponse:
    """The phone is lost: app, passkeys and recovery codes are taken away, and the person is told."""
    user = _found(request, public_id)
    form = ResetFactorsForm(request.POST)
    if form.is_valid():
        try:
            factors.reset(actor=actor_of(request), user=user)
        except Problem as problem:
            form.add_problem(problem)
        else:
            return _done(request, user, _("The second factors are gone. A mail tells the person."))
    return _person_page(request, user, factors_form=form, status=422)


@staff("tenancy.act_as")
@require_POST
def act_as(request: HttpRequest, public_id: str) -> HttpResponse:
    """Open self-help as this subscriber sees it."""
    user = _found(request, public_id)
    form = ActAsForm(request.POST)
    if form.is_valid():
        try:
            visit = acting.begin(actor=actor_of(request), subscriber=user, reason=form.cleaned_data["reason"])
        except Problem as problem:
            form.add_problem(problem)
        else:
            request.session[acting.SESSION_KEY] = visit.public_id
            return redirect("/my/")
    return _person_page(request, user, act_form=form, status=422)


@staff("core.use_console")
@require_POST
def stop_acting(request: HttpRequest) -> HttpResponse:
    """Close the visit and go back to the console."""
    visit = request.session.pop(acting.SESSION_KEY, "")
    acting.end(actor=actor_of(request), public_id=str(visit))
    messages.success(request, _("You are yourself again."))
    return redirect("console:home")


def _found(request: HttpRequest, public_id: str) -> User:
    user = selectors.list_people(actor_of(request)).filter(public_id=public_id).first()
    if user is None:
        raise NotFound
    return user


def _to_person(user: User) -> HttpResponse:
    return redirect("console:person", user.public_id)


deactivate = staff("tenancy.change_user")(button("deactivate", find=_found, back=_to_person))
reactivate = staff("tenancy.change_user")(button("reactivate", find=_found, back=_to_person))
invite_again = staff("tenancy.change_user")(button("invite_again", find=_found, back=_to_person))


def _done(request: HttpRequest, user: User, said: str) -> HttpResponse:
    """Back to the person. Whoever changed his own rights or address stays signed in here; elsewhere he does not."""
    if request.user.pk == user.pk:
        update_session_auth_hash(request, user)
    messages.success(request, said)
    return redirect("console:person", user.public_id)


def _person_page(request: HttpRequest, user: User, *, status: int = 200, **forms: Any) -> HttpResponse:
    actor = actor_of(request)
    may_change = may(actor, "tenancy.change_user")
    may_grant = may(actor, "tenancy.grant_role") and actor.holds("tenancy.view_role")
    has_factors = may_change and user.pk != actor.user_id and factors.has_second(user)
    acts = user.kind == User.Kind.SUBSCRIBER and user.is_active and may(actor, "tenancy.act_as")
    initial = {"full_name": user.full_name, "email": user.email, "phone": user.phone}
    seen = audit.list_for(user)[:SHOWN_HISTORY] if actor.holds("core.view_auditentry") else []
    context = {
        "person": user,
        "mark": mark_of(user),
        "grants": present.grant_lines(actor, selectors.last_grants(user)),
        "may_change": may_change,
        "may_grant": may_grant,
        "is_self": user.pk == actor.user_id,
        "is_invited": mark_of(user) == INVITED,
        "person_form": PersonForm(initial=initial) if may_change else None,
        "grant_form": GrantForm(actor=actor, user=user) if may_grant else None,
        "factors_form": ResetFactorsForm() if has_factors else None,
        "act_form": ActAsForm() if acts else None,
        "history": present_audit.lines(actor, list(seen)),
        **forms,
    }
    return page(request, "people/person.html", context, section=SECTION, status=status)
