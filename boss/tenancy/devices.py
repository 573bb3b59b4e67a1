"""The browser a person has signed in with before: it may go on where strangers' attempts have paused the account.

A signed cookie, no table: it names realm, person and a random number, and is bound to the password, so that a new
password makes every device a stranger again. It lets nobody in, it only takes the attempt out of the strangers' count.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from boss.tenancy.models import User

_SALT = "boss.tenancy.device"
_DAYS = 365


def cookie_name() -> str:
    """``__Host-`` wherever cookies travel over TLS alone: no sister host can then plant one."""
    return "__Host-boss-device" if settings.SESSION_COOKIE_SECURE else "boss-device"


def known(request: HttpRequest, user: User | None) -> str:
    """The device's random name when it belongs to ``user``, else ""."""
    presented = request.COOKIES.get(cookie_name(), "")
    if user is None or not presented:
        return ""
    try:
        realm_id, public_id, name, bound = signing.loads(presented, salt=_SALT, max_age=_DAYS * 24 * 3600)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    owner = realm_id == user.realm_id and public_id == user.public_id
    return str(name) if owner and constant_time_compare(bound, _bound(user)) else ""


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """After a whole sign-in: next time this browser is known."""
    name = known(request, user) or secrets.token_hex(16)
    response.set_cookie(
        cookie_name(),
        signing.dumps([user.realm_id, user.public_id, name, _bound(user)], salt=_SALT),
        max_age=_DAYS * 24 * 3600,
        secure=bool(settings.SESSION_COOKIE_SECURE),
        httponly=True,
        samesite="Lax",
    )


def _bound(user: User) -> str:
    return salted_hmac(_SALT, user.password).hexdigest()[:16]
