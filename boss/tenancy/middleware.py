"""The door: the host names the realm, and one transaction of that realm surrounds the whole request."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import DisallowedHost
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from structlog.contextvars import bound_contextvars

from boss.core import scoping
from boss.core.actors import Actor, Operator
from boss.core.api import refusals
from boss.core.api.permissions import declared
from boss.core.problems import Malformed, NotFound
from boss.core.scoping import Scope
from boss.core.services import ReadOnlyActor
from boss.tenancy import components, selectors, signing_in
from boss.tenancy.errors import UnknownHost
from boss.tenancy.services import acting

GetResponse = Callable[[HttpRequest], HttpResponse]


class StreamedOutsideTransaction(RuntimeError):
    """A streaming response would run after the transaction, outside any realm. Let a task write a file instead."""


class RealmMiddleware:
    """Chooses the realm by host (unknown: 421) and opens its transaction around sessions, log-in and the view.

    A response of 500 and above rolls everything back. The platform's own host runs in system scope.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.id = _request_id(request)  # type: ignore[attr-defined]
        try:
            host = request.get_host()
        except DisallowedHost:  # not a host name at all
            if refusals.concerns(request):
                return refusals.answer(request, Malformed())
            raise
        host = host if host.endswith("]") else host.rsplit(":", 1)[0]
        realm_id = selectors.find_realm_id_by_host(host)
        if realm_id is None:
            if refusals.concerns(request):
                return refusals.answer(request, UnknownHost(host=host))
            return render(request, "errors/421.html", {"host": host}, status=421)
        with scoping.realm_transaction(realm_id):
            realm = selectors.get_realm(realm_id)
        scope = Scope(realm_id, f"request:{request.id}", system=realm.is_platform)  # type: ignore[attr-defined]
        with scoping.enter(scope), transaction.atomic(using=scoping.alias()):
            request.realm = realm  # type: ignore[attr-defined]
            with bound_contextvars(realm=realm.key, request_id=request.id):  # type: ignore[attr-defined]
                response = self.get_response(request)
            if response.streaming:
                raise StreamedOutsideTransaction(request.path)
            if response.status_code >= 500:
                transaction.set_rollback(True, using=scoping.alias())
        response["X-Request-ID"] = request.id  # type: ignore[attr-defined]
        return response


class ActorMiddleware:
    """Sets ``request.actor`` (lazily: pages for visitors ask nothing).

    While a member of staff looks on as a subscriber, everything but the console is the subscriber's, and read-only.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.acting = None  # type: ignore[attr-defined]
        request.actor = SimpleLazyObject(lambda: _actor(request))  # type: ignore[attr-defined]
        if not request.path.startswith(_OWN_PLACES) and acting.SESSION_KEY in request.session:
            refusal = self._stand_in(request)
            if refusal is not None:
                return refusal
        return self.get_response(request)

    def _stand_in(self, request: HttpRequest) -> HttpResponse | None:
        staff = request.user
        if not staff.is_authenticated:
            return None
        visit = acting.find_open(staff, str(request.session[acting.SESSION_KEY]))
        if visit is None:  # over: from here on everybody is himself again
            del request.session[acting.SESSION_KEY]
            return render(request, "errors/visit_over.html", status=403) if request.path.startswith("/my/") else None
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            if refusals.concerns(request):
                return refusals.answer(request, ReadOnlyActor())
            return render(request, "errors/403.html", {"message": ReadOnlyActor.title}, status=403)
        operator = Operator(visit.staff_id, staff.get_full_name())
        request.acting = visit  # type: ignore[attr-defined]
        request.operator = staff  # type: ignore[attr-defined]
        request.user = visit.subscriber
        request.actor = acting.standing_in(visit.subscriber, operator, request.id)  # type: ignore[attr-defined]
        return None


class ComponentMiddleware:
    """What a realm has switched off is not there: 404 for its pages and its routes of the API."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        switched_on: list[str] = request.realm.components  # type: ignore[attr-defined]
        match = request.resolver_match
        if match is None or not components.off(switched_on):
            return None
        route = re.match(r"api/v1/(\w+)/", match.route)
        room = route[1] if route else ""
        asked = _permissions_of(view, (request.method or "").lower())
        if not all(components.is_off(switched_on, each, match.namespaces, room) for each in asked):
            return None
        if refusals.concerns(request):
            return refusals.answer(request, NotFound())
        raise Http404


def _permissions_of(view: Any, method: str) -> list[str]:
    """What a page or a route of the API declares for this method; for a method it does not have, for all it has."""
    viewset = getattr(view, "cls", None)
    if viewset is None:
        return [getattr(view, "permission", "")]
    routed = type("Routed", (viewset,), getattr(view, "initkwargs", {}))
    actions: dict[str, str] = getattr(view, "actions", None) or {}
    names: list[str | None] = [actions[method]] if method in actions else [*actions.values()] or [None]
    return [declared(routed, name) for name in names]


# Where a member of staff stays himself while he looks on as a subscriber in another tab.
_OWN_PLACES = ("/console/", "/account/", "/logout/", "/brand/", "/admin/")


class SignInMiddleware:
    """Leads people to the step they still owe, and notes their visits.

    Pages only: the API's session authentication refuses by itself. What htmx fetches on its own does not count as a
    visit, or an open tab that follows a run would never be signed out.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        by_itself = request.method == "GET" and "HX-Request" in request.headers and "HX-Boosted" not in request.headers
        if request.session.accessed and not by_itself and response.status_code < 500:
            request.session.note_visit()  # type: ignore[attr-defined]
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        free = getattr(view, "public", False) or getattr(view, "during_sign_in", False)
        if free or refusals.concerns(request):
            return None
        step = signing_in.missing_step(request)
        if not step:
            return None
        where = f"{reverse('account:set_up' if step == 'set_up' else 'prove_again')}"
        where = f"{where}?{urlencode({'next': request.get_full_path() if request.method == 'GET' else '/'})}"
        if "HX-Request" in request.headers:
            refused = HttpResponse(status=401)
            refused["HX-Redirect"] = where
            return refused
        return HttpResponseRedirect(where)


def _actor(request: HttpRequest) -> Actor:
    user = request.user
    request_id: str = request.id  # type: ignore[attr-defined]
    if user.is_authenticated:
        if signing_in.missing_step(request):  # holds nothing until then, whoever asks
            return Actor(user.realm_id, "user", user.full_name, user.pk, (), None, request_id)  # type: ignore[union-attr]
        return selectors.actor_for_user(user, request_id)  # type: ignore[arg-type]
    return selectors.visitor(request.realm.pk, request_id)  # type: ignore[attr-defined]


def _request_id(request: HttpRequest) -> str:
    presented = request.headers.get("X-Request-ID", "")
    return presented if re.fullmatch(r"[A-Za-z0-9._-]{8,64}", presented) else uuid.uuid4().hex
