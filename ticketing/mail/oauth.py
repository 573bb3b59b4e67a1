"""OAuth 2 for mailboxes that are read by IMAP: how BOSS comes by access tokens, and nothing of a database.

Sources: RFC 6749, RFC 7636 (PKCE), RFC 9700 (best current practice); the presets are from Microsoft's "Authenticate an
IMAP, POP or SMTP connection using OAuth" and Google's "OAuth 2.0 mechanism". Addresses are put together by authlib,
read when somebody signs in; every request goes through :mod:`boss.core.oauth`.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from boss.core import clock, oauth

SECONDS = 15.0
"""Longest wait for an authorization server."""
UNSAID_SECONDS = 300
"""How long a token is used whose server does not say how long it holds."""
LONGEST_TOKEN = 16_000
NO_TENANT = "TENANT"
"""Stands in a preset's addresses where the provider's own directory belongs."""

# What the server says when the person has to do something: withdrawn, run out, or asked for anew by its rules.
_LOST = frozenset(("invalid_grant", "interaction_required", "login_required", "consent_required"))
_CLIENT_UNKNOWN = frozenset(("invalid_client", "unauthorized_client"))
_BEARER = re.compile(r"[\x21-\x7e]+")


class NoToken(Exception):
    """There is no access token; the text is for people. ``lost``: somebody has to sign in again."""

    def __init__(self, words: str, *, lost: bool = False) -> None:
        super().__init__(words)
        self.lost = lost


@dataclass(frozen=True, slots=True)
class Preset:
    """What a big provider of mailboxes expects. ``own_scope`` is for signing in without a person."""

    name: str
    host: str
    authorization_endpoint: str
    token_endpoint: str
    scope: str
    own_scope: str


PRESETS: Mapping[str, Preset] = {
    "microsoft": Preset(
        "Microsoft 365", "outlook.office365.com",
        f"https://login.microsoftonline.com/{NO_TENANT}/oauth2/v2.0/authorize?prompt=select_account",
        f"https://login.microsoftonline.com/{NO_TENANT}/oauth2/v2.0/token",
        "https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
        "https://outlook.office365.com/.default",
    ),
    # Google gives a refresh token only when it is asked like this.
    "google": Preset(
        "Google Workspace", "imap.gmail.com",
        "https://accounts.google.com/o/oauth2/v2/auth?access_type=offline&prompt=consent",
        "https://oauth2.googleapis.com/token",
        "https://mail.google.com/", "",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Registration:
    """BOSS as a client of one authorization server."""

    authorization_endpoint: str
    endpoint: oauth.TokenEndpoint
    scope: str


@dataclass(frozen=True, slots=True)
class Flow:
    """What must come back with the person, kept in the session meanwhile. ``at``: seconds since the epoch;
    ``token_endpoint``: where the code is going to be taken, and nowhere else."""

    state: str
    verifier: str
    at: float
    token_endpoint: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What was given. ``refresh`` is "" where the server gave none (then the one before stays)."""

    access: str = field(repr=False)
    seconds: int
    refresh: str = field(repr=False)


def begin(registration: Registration, redirect_uri: str, *, who: str) -> tuple[str, Flow]:
    """Where to send the browser, and what to keep for :func:`finish`. ``who``: whose mailbox, as a hint to the page."""
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    flow = Flow(
        state=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(48),
        at=clock.now().timestamp(),
        token_endpoint=registration.endpoint.address,
    )
    address = prepare_grant_uri(
        registration.authorization_endpoint, registration.endpoint.client_id, "code", redirect_uri=redirect_uri,
        scope=registration.scope, state=flow.state, code_challenge=create_s256_code_challenge(flow.verifier),
        code_challenge_method="S256", login_hint=who,
    )  # fmt: skip
    return str(address), flow


def finish(registration: Registration, flow: Flow, answer: Mapping[str, str], redirect_uri: str) -> Tokens:
    """The tokens for somebody who has come back. ``answer`` is the query of the redirect. Raises :class:`NoToken`."""
    if not secrets.compare_digest(answer.get("state", ""), flow.state):
        raise NoToken(_("The answer does not belong to what was begun here. Please try again."))
    if registration.endpoint.address != flow.token_endpoint:
        raise NoToken(_("The settings were changed meanwhile. Please sign in again."))
    if answer.get("error") == "access_denied":
        raise NoToken(_("Access to the mailbox was not given."))
    if answer.get("error") or not answer.get("code"):
        raise NoToken(
            _("The authorization server refuses: %(error)s.") % {"error": _clean(answer.get("error") or "no code")}
        )
    told = _ask(
        registration, "authorization_code", code=answer["code"], redirect_uri=redirect_uri, code_verifier=flow.verifier
    )
    if not told.refresh:
        raise NoToken(
            _(
                "The authorization server gave no refresh token, so reading would end within the hour."
                " Ask for offline access in the scope or in the authorization address."
            )
        )
    return told


def refresh(registration: Registration, refresh_token: str) -> Tokens:
    """A new access token for somebody who has signed in before. Raises :class:`NoToken`."""
    return _ask(registration, "refresh_token", refresh_token=refresh_token)


def of_its_own(registration: Registration) -> Tokens:
    """An access token by the client's own right (client credentials). Raises :class:`NoToken`."""
    return _ask(registration, "client_credentials", scope=registration.scope)


def _ask(registration: Registration, grant_type: str, **given: str) -> Tokens:
    form = {"grant_type": grant_type} | {name: text for name, text in given.items() if text}
    try:
        told = oauth.exchange(registration.endpoint, form, time.monotonic() + SECONDS)
    except oauth.NotGranted as refusal:
        hidden = [registration.endpoint.client_secret, *(given.get(name, "") for name in _SECRETS)]
        raise _refused(refusal, hidden, by_person=grant_type != "client_credentials") from None
    return _read(told)


_SECRETS = ("refresh_token", "code", "code_verifier")


def _refused(refusal: oauth.NotGranted, hidden: list[str], *, by_person: bool) -> NoToken:
    """In words for whoever looks after the mailbox; what a server repeats of our secrets is taken out."""
    error, detail, words = (_clean(text, hidden) for text in (refusal.error, refusal.detail, str(refusal)))
    said = f"{error}: {detail}" if detail else error
    if refusal.error in _LOST and by_person:
        return NoToken(
            _("Access to the mailbox was withdrawn or has run out. Sign in again. (%(said)s)") % {"said": said},
            lost=True,
        )
    if refusal.error in _CLIENT_UNKNOWN:
        return NoToken(
            _("The authorization server does not take the client or its secret; a secret may have run out. (%(said)s)")
            % {"said": said}
        )
    if refusal.error:
        return NoToken(_("The authorization server refuses: %(error)s.") % {"error": said})
    return NoToken(_("The authorization server gives no token: %(why)s.") % {"why": words})


def _read(told: Mapping[str, Any]) -> Tokens:
    access, kind, fresh = (told.get(name) for name in ("access_token", "token_type", "refresh_token"))
    if not isinstance(kind, str) or kind.lower() != "bearer" or not _is_token(access):
        raise NoToken(_("The authorization server gave no bearer token."))
    try:
        seconds = int(float(told.get("expires_in") or UNSAID_SECONDS))
    except (TypeError, ValueError, OverflowError):
        seconds = UNSAID_SECONDS
    return Tokens(str(access), max(0, min(seconds, 86_400)), str(fresh) if _is_token(fresh) else "")


def _is_token(text: Any) -> bool:
    """Whether it can stand in one line of IMAP and of HTTP."""
    return isinstance(text, str) and len(text) <= LONGEST_TOKEN and _BEARER.fullmatch(text) is not None


def _clean(text: str, hidden: list[str] | None = None) -> str:
    for secret in hidden or []:
        if secret:
            text = text.replace(secret, "•••")
    return " ".join(text.split())[:200]
