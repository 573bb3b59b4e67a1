"""Every page says who may open it: ``@requires("app.codename")`` or ``@public``. A test walks the URL map."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from boss.core import scoping
from boss.core.permissions import PermissionDenied
from boss.core.problems import NotFound

View = TypeVar("View", bound=Callable[..., HttpResponse])


def public(view: View) -> View:
    """Anyone may open this page, signed in or not."""
    view.public = True  # type: ignore[attr-defined]
    return _with_not_found(view)


def requires(permission: str, *, customers: bool = False) -> Callable[[View], View]:
    """Only people who hold ``permission`` somewhere may open the page; which rows they see is ``visible_to``'s.

    ``customers``: a page of theirs, which is read as the database role that sees nothing but a customer's own.

    A visitor is sent to sign in (htmx requests too, by a full-page redirect); others get 403.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            if not request.actor.holds(permission):  # type: ignore[attr-defined]
                return render(request, "errors/403.html", {"permission": permission}, status=403)
            reads = customers and request.method in ("GET", "HEAD")
            with scoping.as_customer(request.actor) if reads else nullcontext():  # type: ignore[attr-defined]
                return view(request, *args, **kwargs)

        guarded.customers = customers  # type: ignore[attr-defined]
        guarded.permission = permission  # type: ignore[attr-defined]
        return _with_not_found(guarded)  # type: ignore[return-value]

    return decorate


SIGNED_IN = "signed in"
"""What a page declares that is everybody's own, whatever roles he has."""


def signed_in(view: View) -> View:
    """Everybody who is signed in may open this page: it is about himself. A visitor is sent to sign in."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        return view(request, *args, **kwargs)

    guarded.permission = SIGNED_IN  # type: ignore[attr-defined]
    return _with_not_found(guarded)  # type: ignore[return-value]


def _with_not_found(view: View) -> View:
    @functools.wraps(view)
    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NotFound as error:
            raise Http404(str(error)) from error
        except PermissionDenied:
            return render(request, "errors/403.html", status=403)

    return run  # type: ignore[return-value]


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    target = f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': _came_from(request)})}"
    if request.headers.get("HX-Request"):
        response = HttpResponse(status=401)
        response["HX-Redirect"] = target
        return response
    return HttpResponseRedirect(target)


def _came_from(request: HttpRequest) -> str:
    """Where to go after signing in: the page asked for, or the one a form was sent from (its own takes forms only)."""
    if request.method not in ("GET", "HEAD"):
        referer = request.headers.get("Referer", "")
        if url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure()):
            parts = urlsplit(referer)
            return parts.path + (f"?{parts.query}" if parts.query else "")
    return request.get_full_path()


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was too old or came from elsewhere: say so, and that nothing was done."""
    context = {"message": _("This form has expired. Nothing was changed; please go back, reload and send it again.")}
    return render(request, "errors/403.html", context, status=403)
