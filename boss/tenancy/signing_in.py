"""Signing in by stages: a first proof (password, passkey, the realm's single sign-on), then a second one where needed.

Every door ends in :func:`begin`. It signs in at once, or keeps in the session who has given the first proof until
:func:`finish`. A passkey with user verification is both proofs.

Somebody signed in may still have to take a step before anything else opens (:func:`missing_step`): his role demands a
second factor he has not set up, or not proven in this session. Until then he holds no right at all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from boss.core import audit, clock, events
from boss.core.actors import Actor
from boss.core.views import View
from boss.tenancy import devices, held_forms, selectors, sign_in_rules
from boss.tenancy.errors import ReauthenticationNeeded, SignInElsewhere
from boss.tenancy.events import SignInPaused
from boss.tenancy.limits import Attempt, Purpose
from boss.tenancy.models import RoleGrant, SignInFailure, User
from boss.tenancy.services import factors, single_sign_on
from boss.tenancy.sessions import ABOUT, about

BACKEND = "boss.tenancy.backends.RealmBackend"
PENDING = "sign_in"
PENDING_SECONDS = 15 * 60
SINGLE_SIGN_ON = "single sign-on"
Step = Literal["", "set_up", "prove"]
Action = TypeVar("Action", bound=Callable[..., Any])


def begin(request: HttpRequest, user: User, *, second: bool = False, how: str = "password") -> bool:
    """The first proof is given. True: signed in. False: the second step is to come, at the page ``second_step``.

    ``second`` says that this proof counts as both. ``how`` goes into the audit trail; all but :data:`SINGLE_SIGN_ON`
    is refused to somebody whose company has another only way (:class:`SignInElsewhere`).
    """
    if how != SINGLE_SIGN_ON and single_sign_on.only_way_of(user) is not None:
        audit.record(actor=_actor(user), action="sign_in.refused", subject=user, after={"how": how})
        raise SignInElsewhere
    if not second and factors.has_second(user):
        request.session.cycle_key()
        # Bound to the password: a new one set elsewhere meanwhile makes this half of a sign-in worthless.
        request.session[PENDING] = {
            "user": user.pk, "at": clock.now().timestamp(), "how": how, "bound": user.get_session_auth_hash(),
        }  # fmt: skip
        return False
    _complete(request, user, second=second, how=how)
    return True


def find_pending(request: HttpRequest) -> User | None:
    """Who has given the first proof in this browser and owes the second; None when it is too long ago."""
    kept = request.session.get(PENDING)
    if not isinstance(kept, dict) or clock.now().timestamp() - kept["at"] > PENDING_SECONDS:
        return None
    user: User | None = User.objects.filter(realm_id=_realm_id(request), pk=kept["user"], is_active=True).first()
    return user if user is not None and user.get_session_auth_hash() == kept["bound"] else None


def finish(request: HttpRequest, user: User, *, how: str) -> None:
    """The second proof is given, too."""
    first = request.session.get(PENDING, {}).get("how", "")
    _complete(request, user, second=True, how=f"{first}+{how}" if first else how)


def prove_again(request: HttpRequest, *, second: bool) -> None:
    """Somebody signed in has just shown again that it is he: for ten minutes the touchy things open."""
    request.session.cycle_key()
    told = dict(request.session[ABOUT])
    told |= {"proven": clock.now().timestamp(), "second": bool(told["second"] or second)}
    request.session[ABOUT] = told
    audit.record(actor=_actor(request.user), action="sign_in.proven_again", subject=request.user)  # type: ignore[arg-type]


def note_second(request: HttpRequest) -> None:
    """A second factor was set up in this session: it has proven it thereby."""
    request.session[ABOUT] = dict(request.session[ABOUT]) | {"second": True}
    request._missing_step = None  # type: ignore[attr-defined]


def is_recent(request: HttpRequest) -> bool:
    """Whether the person has proven in the last ten minutes that it is he."""
    proven = (request.session.get(ABOUT) or {}).get("proven", 0)
    return bool(clock.now().timestamp() - proven < sign_in_rules.REAUTHENTICATION.total_seconds())


def require_recent(request: HttpRequest) -> None:
    """For API actions of people about sign-in, rights, keys and money. Raises :class:`ReauthenticationNeeded`.

    A program's key is its own proof: it has no session to be left open on a desk.
    """
    if request.actor.kind == "user" and not is_recent(request):  # type: ignore[attr-defined]
        raise ReauthenticationNeeded


def recent_on_api(action: Action) -> Action:
    """Decorator of a viewset's actions: :func:`require_recent` before anything of the body is read."""

    @functools.wraps(action)
    def guarded(viewset: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        require_recent(request._request)
        return action(viewset, request, *args, **kwargs)

    return guarded  # type: ignore[return-value]


def recently_proven(view: View) -> View:
    """Decorator of pages: the person has proven in the last ten minutes that it is he, or does so now.

    Stands inside ``@requires(...)``. A GET comes back by itself; what a form sent waits at the page ``go_on`` for its
    button to be pressed again. A form with secrets in it does not wait: the page it stands on is shown again.
    """

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_recent(request):
            if request.method == "POST":
                held_forms.forget(request)
            return view(request, *args, **kwargs)
        target = request.get_full_path()
        if request.method != "GET":
            came_from = urlsplit(request.headers.get("Referer", ""))
            page = came_from.path if came_from.netloc == request.get_host() else ""
            if held_forms.hold(request, page):
                target = reverse("account:go_on")
            else:
                target = page or "/"
                messages.info(request, _("Confirm that it is you, then press the button again."))
        where = f"{reverse('prove_again')}?{urlencode({'next': target})}"
        if request.headers.get("HX-Request"):
            response = HttpResponse(status=401)
            response["HX-Redirect"] = where
            return response
        return HttpResponseRedirect(where)

    return guarded  # type: ignore[return-value]


def missing_step(request: HttpRequest) -> Step:
    """What somebody signed in must do before anything else: nothing, set a second factor up, or prove it.

    Asks the database only in realms that demand second factors, and only until one is proven.
    """
    kept: Step | None = getattr(request, "_missing_step", None)
    if kept is None:
        kept = _missing_step(request)
        request._missing_step = kept  # type: ignore[attr-defined]
    return kept


def _missing_step(request: HttpRequest) -> Step:
    user: Any = request.user
    if not user.is_authenticated or user.kind != User.Kind.STAFF:
        return ""
    roles = sign_in_rules.roles_with_second_factor(user.realm_id)
    if not roles or (request.session.get(ABOUT) or {}).get("second"):
        return ""
    if not must_have_second(user):
        return ""
    return "prove" if factors.has_second(user) else "set_up"


def must_have_second(user: User) -> bool:
    """Whether a role of the person demands a second factor in his realm."""
    roles = sign_in_rules.roles_with_second_factor(user.realm_id)
    if not roles or user.kind != User.Kind.STAFF:
        return False
    if selectors.is_platform(user.realm_id):
        return sign_in_rules.PLATFORM_OPERATOR in roles
    return bool(RoleGrant.objects.filter(user=user, role__key__in=roles).exists())


def attempt(request: HttpRequest, purpose: SignInFailure.Purpose, account_norm: str, user: User | None) -> Attempt:
    """An attempt of this request's browser, to be refused or counted."""
    address = request.META.get("REMOTE_ADDR", "")
    return Attempt(_realm_id(request), purpose, account_norm, address, devices.known(request, user))


def check_code(request: HttpRequest, user: User, typed: str) -> str:
    """:func:`factors.check_code` under the limits. Raises :class:`SignInPaused` of ``errors``."""
    tried = attempt(request, Purpose.FACTOR, user.email_norm, user)
    tried.refuse_floods()
    how = factors.check_code(user, typed)
    if not how:
        refused(tried, user)
    return how


def refused(tried: Attempt, user: User | None) -> None:
    """Count a failure; when it makes strangers wait, the owner hears of it (once a day, by mail)."""
    if tried.count() and user is not None and not tried.device:
        audit.record(actor=Actor.system(user.realm_id, "Sign-in"), action="sign_in.paused", subject=user,
                     after={"address": tried.address, "purpose": tried.purpose})  # fmt: skip
        events.publish(SignInPaused(user_id=user.pk))


def safe_target(request: HttpRequest) -> str:
    """Where the person wanted to go, if it is an address of ours; else ""."""
    target = request.POST.get("next") or request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if ours else ""


def _complete(request: HttpRequest, user: User, *, second: bool, how: str) -> None:
    login(request, user, backend=BACKEND)  # another key for the session
    request.session.pop(PENDING, None)
    address, agent = request.META.get("REMOTE_ADDR", ""), request.headers.get("User-Agent", "")
    request.session[ABOUT] = about(kind=user.kind, address=address, agent=agent, second=second, proven=True)
    request._missing_step = None  # type: ignore[attr-defined]
    audit.record(actor=_actor(user), action="sign_in.done", subject=user, after={"how": how, "address": address})


def _actor(user: Any) -> Actor:
    return Actor(realm_id=user.realm_id, kind="user", label=user.full_name, user_id=user.pk)


def _realm_id(request: HttpRequest) -> int:
    realm_id: int = request.realm.pk  # type: ignore[attr-defined]
    return realm_id


def during_sign_in(view: View) -> View:
    """This page is open to somebody who owes a step: it is where he takes it."""
    view.during_sign_in = True  # type: ignore[attr-defined]
    return view
