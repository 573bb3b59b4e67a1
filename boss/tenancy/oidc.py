"""OpenID Connect with somebody else's provider: the authorization code flow with PKCE, and nothing of a database.

Sources: OpenID Connect Core 1.0 (3.1, checks of the ID token in 3.1.3.7), Discovery 1.0, RFC 6749, RFC 7636 (PKCE),
RFC 9207 (``iss`` in the answer, against mix-ups), RFC 9700 (best current practice). Signatures and claims are checked
by authlib and joserfc, read when the first person comes (that takes a third of a second); every request goes through
:mod:`boss.core.outbound`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import structlog

from boss.core import clock, oauth, outbound
from boss.tenancy.errors import ProviderRefused

log = structlog.get_logger(__name__)

SCOPE = "openid email profile"
SECONDS = 10.0
"""For all requests of one step together."""
LEEWAY_SECONDS = 60
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Only signatures with a public key: with HS256 whoever knows the client's secret could write tokens."""
_SECOND_FACTORS = frozenset(("mfa", "otp", "hwk", "swk", "fpt", "face", "iris", "sms", "tel"))
_WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Client:
    """BOSS at one provider. ``policy`` says which networks may be reached for it."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    policy: outbound.Policy


@dataclass(frozen=True, slots=True)
class Metadata:
    """What of a provider's own description is used (Discovery 1.0, 3)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    secret_in_body: bool
    names_itself: bool


@dataclass(frozen=True, slots=True)
class Flow:
    """What must come back with the person, kept in his session meanwhile. ``at``: seconds since the epoch; ``fresh``:
    the provider was to ask him anew, whatever session he has there."""

    state: str
    nonce: str
    verifier: str
    at: float
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says it is. ``second``: it says that it asked for more than a password."""

    subject: str
    email: str
    email_verified: bool
    name: str
    second: bool


def discover(client: Client) -> Metadata:
    """The provider's description of itself. Raises :class:`ProviderRefused`, with words for whoever sets it up."""
    return _discover(client, time.monotonic() + SECONDS)


def begin(client: Client, redirect_uri: str, *, fresh: bool = False) -> tuple[str, Flow]:
    """Where to send the browser, and what to keep for :func:`finish`. Raises :class:`ProviderRefused`."""
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    told = discover(client)
    flow = Flow(
        state=secrets.token_urlsafe(24),
        nonce=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(48),
        at=clock.now().timestamp(),
        fresh=fresh,
    )
    anew = {"prompt": "login", "max_age": "0"} if fresh else {}
    address = prepare_grant_uri(
        told.authorization_endpoint, client.client_id, "code", redirect_uri=redirect_uri, scope=SCOPE,
        state=flow.state, nonce=flow.nonce, code_challenge=create_s256_code_challenge(flow.verifier),
        code_challenge_method="S256", **anew,
    )  # fmt: skip
    return str(address), flow


def finish(client: Client, flow: Flow, answer: Mapping[str, str], redirect_uri: str) -> Identity:
    """Who has come back. ``answer`` is the query of the redirect. Raises :class:`ProviderRefused`."""
    until = time.monotonic() + SECONDS
    if not secrets.compare_digest(answer.get("state", ""), flow.state):
        raise ProviderRefused(reason="state")
    if answer.get("error"):
        raise ProviderRefused(reason=answer["error"][:80], declined=answer["error"] == "access_denied")
    told = _discover(client, until)
    issuer = answer.get("iss", "" if told.names_itself else client.issuer)
    if issuer != client.issuer or not answer.get("code"):
        raise ProviderRefused(reason="iss" if issuer != client.issuer else "no code")
    form = {
        "grant_type": "authorization_code", "code": answer["code"], "redirect_uri": redirect_uri,
        "code_verifier": flow.verifier,
    }  # fmt: skip
    tokens = _exchanged(client, told, form, until)
    keys = _ask(client, "GET", told.jwks_uri, until)
    return _checked(client, flow, tokens.get("id_token"), keys)


def _checked(client: Client, flow: Flow, token: Any, keys: dict[str, Any]) -> Identity:
    """The ID token, once its signature and every claim of it hold."""
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    try:
        read = jwt.decode(token if isinstance(token, str) else "", KeySet.import_key_set(keys), list(ALGORITHMS))  # type: ignore[arg-type]
        claims = CodeIDToken(
            read.claims, read.header,
            options={
                "iss": {"essential": True, "value": client.issuer},
                "aud": {"essential": True, "value": client.client_id},
                "sub": {"essential": True, "allow_blank": False},
            },
            params={"nonce": flow.nonce, "client_id": client.client_id},
        )  # fmt: skip
        claims.validate(now=int(clock.now().timestamp()), leeway=LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ProviderRefused(reason=f"ID token: {error}"[:200]) from error
    subject, email, name = (claims.get(claim, "") for claim in ("sub", "email", "name"))
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or "\x00" in subject:
        raise ProviderRefused(reason="ID token: sub")
    asked_at = claims.get("auth_time")
    if flow.fresh and not (isinstance(asked_at, int | float) and asked_at >= flow.at - LEEWAY_SECONDS):
        raise ProviderRefused(reason="it did not ask the person anew (auth_time)")
    ways = claims.get("amr") or []
    return Identity(
        subject=subject,
        email=email if isinstance(email, str) and len(email) <= 254 else "",
        email_verified=claims.get("email_verified") is True,
        name=name[:150] if isinstance(name, str) else "",
        second=any(way in _SECOND_FACTORS for way in ways),
    )


def _discover(client: Client, until: float) -> Metadata:
    told = _ask(client, "GET", client.issuer.rstrip("/") + _WELL_KNOWN, until)
    if told.get("issuer") != client.issuer:
        # Discovery 1.0, 4.3: else one provider could speak in another's name.
        raise ProviderRefused(reason=f"it calls itself {str(told.get('issuer'))[:120]}")
    places = {name: told.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    if not all(isinstance(place, str) and _fits(client, place) for place in places.values()):
        raise ProviderRefused(reason="its description names no usable addresses")
    methods = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Metadata(
        authorization_endpoint=str(places["authorization_endpoint"]),
        token_endpoint=str(places["token_endpoint"]),
        jwks_uri=str(places["jwks_uri"]),
        secret_in_body="client_secret_basic" not in methods,
        names_itself=told.get("authorization_response_iss_parameter_supported") is True,
    )


def _fits(client: Client, address: str) -> bool:
    """Whether an address is of the web, and not less protected than the issuer's own."""
    parts = urlsplit(address)
    weaker = parts.scheme == "http" and not client.issuer.startswith("http://")
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not weaker


def _ask(client: Client, method: str, address: str, until: float) -> dict[str, Any]:
    """One JSON object from the provider."""
    try:
        return oauth.ask(method, address, client.policy, until)
    except oauth.NotGranted as refusal:
        raise ProviderRefused(reason=str(refusal)) from refusal


def _exchanged(client: Client, told: Metadata, form: Mapping[str, str], until: float) -> dict[str, Any]:
    """What the provider gives for a code."""
    endpoint = oauth.TokenEndpoint(
        told.token_endpoint, client.client_id, client.client_secret, told.secret_in_body, client.policy
    )
    try:
        return oauth.exchange(endpoint, form, until)
    except oauth.NotGranted as refusal:
        raise ProviderRefused(reason=str(refusal)) from refusal
