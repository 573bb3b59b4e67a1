"""Times on pages are the realm's local times, and the desk speaks the language of whoever is answered."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation.trans_real import parse_accept_lang_header

from ticketing import languages


class RealmTimeMiddleware:
    """Activates the realm's time zone for the request. Stands inside ``RealmMiddleware``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(request.realm.time_zone):  # type: ignore[attr-defined]
            return self.get_response(request)


class DeskLanguageMiddleware:
    """Says the desk's words (:mod:`ticketing.languages`) in the person's language where the realm speaks it, else in
    one his browser asks for; programs ask by ``Accept-Language``. Stands inside ``ActorMiddleware``.

    A realm of one language asks nothing, so that pages for visitors read no session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        known: list[str] = request.realm.languages  # type: ignore[attr-defined]
        if len(known) < 2:
            return self.get_response(request)
        wanted = [tag for tag, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", "").lower())]
        own = str(getattr(request.user, "language", "") or "")
        asks_itself = request.path.startswith("/api/") and wanted
        with languages.speak(languages.fitting(known, wanted if asks_itself else [own, *wanted])):
            return self.get_response(request)
