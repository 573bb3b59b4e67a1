"""What every request goes through before anybody asks who it is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict, UnreadablePostError

from boss.core import origin
from boss.core.api import refusals
from boss.core.problems import Malformed
from boss.core.proxies import TrustedProxies, address

GetResponse = Callable[[HttpRequest], HttpResponse]


class ClientAddressMiddleware:
    """Behind proxies ``REMOTE_ADDR`` becomes the client's address, for throttles, sign-in limits, audit and the log.

    Which part of ``X-Forwarded-For`` is known and which a claim is decided by ``settings.BOSS_TRUSTED_PROXIES``.
    Without a trusted proxy the whole header is a claim and is not looked at, and so is ``X-Forwarded-Proto``.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        trusted: TrustedProxies = settings.BOSS_TRUSTED_PROXIES
        peer = request.META.get("REMOTE_ADDR", "")
        if not trusted.trusts(peer):
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        request.META["REMOTE_ADDR"] = trusted.client(peer, request.META.get("HTTP_X_FORWARDED_FOR", ""))
        with origin.coming_from(address(request.META["REMOTE_ADDR"])):
            return self.get_response(request)


class StorableTextMiddleware:
    """NUL is the one character Postgres cannot hold; nobody types it. No view should have to think of it.

    In a path or a form it is bad input (400). In a query string, where it comes from scanners and broken links and
    decides over nothing but what is shown, it is dropped; so is a cookie that holds one. JSON has its own parser.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path:
            if refusals.concerns(request):
                return refusals.answer(request, Malformed())
            raise BadRequest("NUL in the path")
        if "%00" in request.META.get("QUERY_STRING", "") or "\x00" in request.META.get("QUERY_STRING", ""):
            _drop_from_query(request)
        for name in [name for name, value in request.COOKIES.items() if "\x00" in name + value]:
            del request.COOKIES[name]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        # The API reads JSON alone and refuses forms by itself.
        if request.method == "POST" and not refusals.concerns(request):
            try:
                fields = request.POST
            except UnreadablePostError as error:  # the sender has gone: nobody is there for the answer
                raise BadRequest("The body ended early") from error
            if any("\x00" in text for name, values in fields.lists() for text in (name, *values)):
                raise BadRequest("NUL in a form")
        return None


def _drop_from_query(request: HttpRequest) -> None:
    cleaned = QueryDict(mutable=True)
    for name, values in request.GET.lists():
        cleaned.setlist(name.replace("\x00", ""), [value.replace("\x00", "") for value in values])
    request.META["QUERY_STRING"] = cleaned.urlencode()
    cleaned._mutable = False
    request.GET = cleaned  # type: ignore[misc, assignment]


KEPT_BY_BROWSER = '"cache", "storage"'
"""What ``Clear-Site-Data`` tells a browser to throw away at the end of a session."""


class SafeAnswersMiddleware:
    """What every answer says to a browser beyond Django's own headers, and the method that only echoes.

    Nothing of a page stays on the device unless the view said how long it may: pages show people's data, and devices
    are shared. When the session's cookie is taken back (signing out, an ended session), what the browser keeps of the
    site goes with it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in ("TRACE", "TRACK", "CONNECT"):
            response: HttpResponse = HttpResponseNotAllowed(_METHODS)
        else:
            response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", _NO_DEVICES)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Cache-Control", "no-store")
        taken_back = response.cookies.get(settings.SESSION_COOKIE_NAME)
        if taken_back is not None and not taken_back.value:
            response.headers["Clear-Site-Data"] = KEPT_BY_BROWSER
        return response


_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_NO_DEVICES = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), display-capture=()"
