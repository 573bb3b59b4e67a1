"""What every request goes through before anybody asks who it is for."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]


class ClientAddressMiddleware:
    """Behind a proxy ``REMOTE_ADDR`` becomes the client's address, for throttles, sign-in limits and the log.

    The last address of ``X-Forwarded-For`` is the one our own proxy saw; those before it are what somebody claims.
    Without a proxy (``BOSS_BEHIND_PROXY`` off) the whole header is a claim and is not looked at.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.BOSS_BEHIND_PROXY:
            seen = _address(request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2])
            if seen is not None:
                request.META["REMOTE_ADDR"] = seen
        return self.get_response(request)


def _address(text: str) -> str | None:
    """One spelling for each address; None for what is none. An IPv6 zone is of no use beyond its own machine."""
    try:
        return str(ipaddress.ip_address(text.strip().partition("%")[0]))
    except ValueError:
        return None
