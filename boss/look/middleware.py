"""Times on pages are the realm's local times."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone


class RealmTimeMiddleware:
    """Activates the realm's time zone for the request. Stands inside ``RealmMiddleware``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(request.realm.time_zone):  # type: ignore[attr-defined]
            return self.get_response(request)
