"""Programs come with an API key, people with their session. The realm is always that of the host."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from boss.tenancy import selectors, signing_in
from boss.tenancy.errors import SecondFactorNeeded
from boss.tenancy.models import ApiKey
from boss.tenancy.services import api_keys


class ApiKeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer boss_<id>_<secret>``. A key of another realm is unknown here, like a wrong one."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey] | None:
        scheme, _space, presented = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        django_request: Any = request._request
        found = selectors.find_actor_for_api_key(
            presented.decode("latin-1").strip(), django_request.id, address=django_request.META.get("REMOTE_ADDR")
        )
        if found is None:
            raise AuthenticationFailed(_("This API key is unknown, revoked or expired."))
        key, actor = found
        api_keys.note_use(key)
        # From here on the request is the key's, also when the browser sent a session along.
        django_request.actor = actor
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="BOSS"'


class PersonAuthentication(SessionAuthentication):
    """The browser's session. Refused while the person owes a step of signing in (a second factor of his role)."""

    def authenticate(self, request: Request) -> Any:
        found = super().authenticate(request)
        if found is not None and signing_in.missing_step(request._request):
            raise SecondFactorNeeded
        return found
