"""The right to read a mailbox by OAuth 2: set up, got by somebody's signing in or by the client's own, kept fresh.

1. Tokens are asked for outside of any transaction, and by one process at a time: a refresh token may be good once.
2. What comes is written only while nobody has changed the settings meanwhile (``asking_until`` is still ours).
3. A refresh token that the server takes no more is forgotten, and nothing is asked until somebody has signed in again.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.db.models.functions import Now
from django.utils.translation import gettext as _

from boss.core import audit, clock, crypto, oauth, scoping
from boss.core.actors import Actor
from boss.core.outbound import Policy
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy.selectors import get_realm
from boss.tenancy.services import driver_networks
from ticketing.choices import GrantState, GrantWay
from ticketing.errors import GrantRefused
from ticketing.mail import oauth as mailbox_oauth
from ticketing.mail.oauth import NO_TENANT, Flow, NoToken, Registration, Tokens
from ticketing.models import Mailbox, MailGrant, MailSource

PERMISSION = "ticketing.manage_mailboxes"
SEALED = ("client_secret", "refresh_token", "access_token")
MARGIN = dt.timedelta(minutes=2)
"""A token that ends within this is replaced before it is shown to a mail server."""
LEASE = dt.timedelta(seconds=mailbox_oauth.SECONDS + 10)
_FIELDS = ("way", "authorization_endpoint", "token_endpoint", "scope", "client_id", "secret_in_body")


@service
def arrange(
    *, actor: Actor, mailbox: Mailbox, client_secret: str = "", refresh_token: str = "", **given: Any
) -> MailGrant:
    """Say which authorization server guards the mailbox; ``given`` are fields of :class:`MailGrant`.

    An empty ``client_secret`` keeps the one there is, as long as it is for the same token address. Whatever else is
    asked for, somebody has to sign in again; ``refresh_token`` is one that was got elsewhere instead. Raises
    :class:`InvalidInput` with the fields.
    """
    require(actor, PERMISSION)
    source = MailSource.objects.select_for_update().filter(mailbox=mailbox).first()
    if source is None or not source.by_oauth:
        raise InvalidInput(_("Say first which mail server this mailbox is at, and that it signs in with OAuth 2."))

    grant = MailGrant.objects.select_for_update().filter(source=source).first() or MailGrant(source=source)
    before = {name: getattr(grant, name) for name in _FIELDS}
    secret_before = secret_of(grant, "client_secret") if grant.pk else ""
    for name in _FIELDS:
        value = given.get(name, getattr(grant, name))
        setattr(grant, name, value.strip() if isinstance(value, str) else value)
    moved = before["token_endpoint"] != grant.token_endpoint
    secret = client_secret.strip() or ("" if moved else secret_before)
    _refuse(grant, secret, moved=moved and bool(secret_before))

    changed = any(before[name] != getattr(grant, name) for name in _FIELDS if name != "secret_in_body")
    if changed or grant.pk is None:
        _empty(grant)
    grant.client_secret_sealed = _sealed(grant, "client_secret", secret)
    grant.access_token_sealed, grant.asking_until = "", None
    if refresh_token.strip() and grant.by_person:
        _hold(grant, actor, Tokens("", 0, refresh_token.strip()))
    grant.save()
    _look_soon(source)

    after = {name: getattr(grant, name) for name in _FIELDS}
    after |= {"client_secret": "changed"} if client_secret.strip() else {}
    audit.record(actor=actor, action="mail_grant.arranged", subject=source, before=before, after=after)
    return grant


def begin(*, actor: Actor, mailbox: Mailbox) -> tuple[str, Flow]:
    """Where to send the person who is to sign in for the mailbox, and what to keep until he is back. Asks nobody.

    Raises :class:`InvalidInput` where it is not set up for that.
    """
    require(actor, PERMISSION)
    grant = _of(mailbox)
    return mailbox_oauth.begin(_registration(grant), redirect_uri(mailbox), who=grant.source.username)


def finish(*, actor: Actor, mailbox: Mailbox, flow: Flow, answer: Mapping[str, str]) -> MailGrant:
    """Somebody has come back: fetch his tokens and keep them. Leaves the request's transaction to ask the server.

    Raises :class:`GrantRefused`.
    """
    require(actor, PERMISSION)
    grant = _of(mailbox)
    registration = _registration(grant)
    try:
        with scoping.between_transactions():
            tokens = mailbox_oauth.finish(registration, flow, answer, redirect_uri(mailbox))
    except NoToken as refusal:
        raise GrantRefused(str(refusal)) from refusal
    return _keep(actor=actor, grant=grant, tokens=tokens)


def token_for(realm_id: int, source_id: int, *, not_this: str = "") -> str:
    """An access token for the mailbox, kept or new; ``not_this`` is one its mail server has just refused.

    For workers, outside of any transaction. Raises :class:`NoToken`.
    """
    until = time.monotonic() + LEASE.total_seconds()
    while True:
        found = _kept_or_claimed(realm_id, source_id, not_this)
        if isinstance(found, str):
            return found
        if found is not None:
            return _asked(found)
        if time.monotonic() > until:
            raise NoToken(_("Another process asks the authorization server at the moment."))
        time.sleep(0.3)  # for the answer somebody else waits for


def forget_secrets(source: MailSource) -> None:
    """The mailbox is another one now: nothing that was for the one before is sent there."""
    for grant in MailGrant.objects.select_for_update().filter(source=source):
        _empty(grant)
        grant.client_secret_sealed = ""
        grant.save()


def redirect_uri(mailbox: Mailbox) -> str:
    """Where people are sent back to, on the realm's canonical host: one address for each mailbox, so that no
    authorization server can be made to answer for another (RFC 9700, 4.4)."""
    realm = get_realm(mailbox.realm_id)
    scheme = realm.settings.get("scheme", "https")
    return f"{scheme}://{realm.canonical_host}/console/mailboxes/of/{mailbox.public_id}/signed-in/"


def place(grant: MailGrant, name: str) -> str:
    """What a sealed text is bound to. Changing the row gives it to no other server."""
    source = grant.source
    for_whom = f"{source.host}:{source.username}:{grant.token_endpoint}"
    return f"ticketing.mailgrant:{grant.realm_id}:{source.mailbox_id}:{for_whom}:{name}"


def secret_of(grant: MailGrant, name: str) -> str:
    """One of ``SEALED``, opened; "" when there is none, or it was for another server."""
    try:
        sealed = getattr(grant, f"{name}_sealed")
        return crypto.open_sealed(sealed, bound_to=place(grant, name)) if sealed else ""
    except crypto.CannotOpen:
        return ""


@dataclass(frozen=True, slots=True)
class _Claim:
    """This process is the one that asks, until ``asking_until``."""

    grant: MailGrant
    registration: Registration
    refresh_token: str


@service
def _keep(*, actor: Actor, grant: MailGrant, tokens: Tokens) -> MailGrant:
    now: MailGrant | None = (
        MailGrant.objects.select_related("source").select_for_update(of=("self",)).filter(pk=grant.pk).first()
    )
    same = ("token_endpoint", "client_id", "way", "scope")
    if now is None or any(getattr(now, name) != getattr(grant, name) for name in same):
        raise GrantRefused(_("The settings were changed meanwhile. Please sign in again."))

    _hold(now, actor, tokens)
    now.save()
    _look_soon(now.source)

    audit.record(actor=actor, action="mail_grant.signed_in", subject=now.source, after={"scope": now.scope})
    return now


def _kept_or_claimed(realm_id: int, source_id: int, not_this: str) -> str | _Claim | None:
    """The token that is kept; else the right to ask for one; None while another process asks."""
    with scoping.realm_transaction(realm_id, "mail"):
        grant: MailGrant | None = (
            MailGrant.objects.select_related("source")
            .select_for_update(of=("self",))
            .filter(source_id=source_id)
            .first()
        )
        if grant is None or grant.state == GrantState.MISSING:
            raise NoToken(_("Nobody has signed in for this mailbox yet. Sign in."), lost=True)
        if grant.state == GrantState.LOST:
            raise NoToken(_("Access to the mailbox was withdrawn or has run out. Sign in again."), lost=True)
        kept = secret_of(grant, "access_token")
        ends = grant.access_ends_at
        if kept and kept != not_this and ends is not None and ends > clock.now() + MARGIN:
            return kept
        if MailGrant.objects.filter(pk=grant.pk, asking_until__gt=Now()).exists():
            return None
        registration, refresh_token = _registration(grant), secret_of(grant, "refresh_token")
        if not (refresh_token if grant.by_person else registration.endpoint.client_secret):
            raise NoToken(_("What was kept cannot be opened any more. Sign in again."), lost=True)
        MailGrant.objects.filter(pk=grant.pk).update(asking_until=Now() + LEASE)
        grant.refresh_from_db(fields=["asking_until"])
        return _Claim(grant, registration, refresh_token)


def _asked(claim: _Claim) -> str:
    """A new token from the server, kept."""
    grant = claim.grant
    try:
        if grant.by_person:
            tokens = mailbox_oauth.refresh(claim.registration, claim.refresh_token)
        else:
            tokens = mailbox_oauth.of_its_own(claim.registration)
    except NoToken as refusal:
        _release(grant, lost=refusal.lost)
        raise
    sealed: dict[str, Any] = {
        "access_token_sealed": _sealed(grant, "access_token", tokens.access),
        "access_ends_at": clock.now() + dt.timedelta(seconds=tokens.seconds),
    }
    if grant.by_person and tokens.refresh:  # a server may give a new one each time
        sealed["refresh_token_sealed"] = _sealed(grant, "refresh_token", tokens.refresh)
    with scoping.realm_transaction(grant.realm_id, "mail"):
        if not _mine(grant).update(asking_until=None, **sealed):
            raise NoToken(_("The settings were changed meanwhile."))
    return tokens.access


def _release(grant: MailGrant, *, lost: bool) -> None:
    """Nothing came. What is ``lost`` is not asked for again."""
    with scoping.realm_transaction(grant.realm_id, "mail"):
        if not lost:
            _mine(grant).update(asking_until=None)
            return
        gone = {"access_token_sealed": "", "refresh_token_sealed": "", "access_ends_at": None, "lost_at": Now()}
        if _mine(grant).update(asking_until=None, **gone):
            audit.record(
                actor=Actor.system(grant.realm_id), action="mail_grant.lost", subject=grant.source,
                after={"token_endpoint": grant.token_endpoint},
            )  # fmt: skip


def _mine(grant: MailGrant) -> scoping.ScopedQuerySet:
    """The row, as long as this process is the one that asks."""
    rows: scoping.ScopedQuerySet = MailGrant.objects.filter(pk=grant.pk, asking_until=grant.asking_until)
    return rows


def _of(mailbox: Mailbox) -> MailGrant:
    grant: MailGrant | None = MailGrant.objects.select_related("source").filter(source__mailbox=mailbox).first()
    if grant is None or not grant.by_person:
        raise InvalidInput(_("This mailbox is not set up for somebody to sign in for it."))
    return grant


def _registration(grant: MailGrant) -> Registration:
    policy = Policy(driver_networks.reachable_from(get_realm(grant.realm_id)))
    endpoint = oauth.TokenEndpoint(
        grant.token_endpoint, grant.client_id, secret_of(grant, "client_secret"), grant.secret_in_body, policy
    )
    return Registration(grant.authorization_endpoint, endpoint, grant.scope)


def _hold(grant: MailGrant, actor: Actor, tokens: Tokens) -> None:
    """Fill in what was given; the caller saves."""
    grant.refresh_token_sealed = _sealed(grant, "refresh_token", tokens.refresh)
    grant.access_token_sealed = _sealed(grant, "access_token", tokens.access)
    grant.access_ends_at = clock.now() + dt.timedelta(seconds=tokens.seconds)
    grant.asking_until = grant.lost_at = None
    grant.granted_at, grant.granted_by = clock.now(), actor.label[:200]


def _empty(grant: MailGrant) -> None:
    """Without tokens; the caller saves."""
    grant.refresh_token_sealed = grant.access_token_sealed = grant.granted_by = ""
    grant.access_ends_at = grant.asking_until = grant.granted_at = grant.lost_at = None


def _sealed(grant: MailGrant, name: str, plain: str) -> str:
    return crypto.seal(plain, bound_to=place(grant, name)) if plain else ""


def _look_soon(source: MailSource) -> None:
    MailSource.objects.filter(pk=source.pk).update(error="", failures=0, due_at=Now())


def _refuse(grant: MailGrant, secret: str, *, moved: bool) -> None:
    wrong: dict[str, list[str]] = {}
    if grant.way not in GrantWay.values:
        wrong["way"] = [_("Choose how BOSS signs in.")]
    if said := _wrong_address(grant.token_endpoint):
        wrong["token_endpoint"] = [said]
    if grant.by_person and (said := _wrong_address(grant.authorization_endpoint)):
        wrong["authorization_endpoint"] = [said]
    elif grant.by_person and "token_endpoint" not in wrong and _is_weaker(grant):
        wrong["authorization_endpoint"] = [_("An address that begins with https:// is needed.")]
    if not grant.client_id:
        wrong["client_id"] = [_("Enter the ID the provider gave BOSS.")]
    if not (grant.scope.isascii() and grant.scope.isprintable()):
        wrong["scope"] = [_("Scopes are words with a space between them.")]
    if not secret and moved:
        wrong["client_secret"] = [_("Paste the secret for the new token address: the present one is not sent there.")]
    elif not secret and not grant.by_person:
        wrong["client_secret"] = [_("Paste the secret the provider gave you.")]
    if wrong:
        raise InvalidInput(fields=wrong)


def _wrong_address(address: str) -> str:
    """What is wrong with an endpoint; "" if nothing."""
    try:
        parts = urlsplit(address)
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.port == 0
    except ValueError:
        return str(_("This is not an address."))
    if wrong or parts.fragment or any(ord(letter) <= 32 or ord(letter) > 126 for letter in address):
        return str(_("An address that begins with https:// is needed."))
    if f"/{NO_TENANT}/" in parts.path:
        return str(_("Put your directory's (tenant's) ID in place of %(word)s.") % {"word": NO_TENANT})
    return ""


def _is_weaker(grant: MailGrant) -> bool:
    """Whether people would be asked for their password less safely than BOSS for its secret."""
    return grant.authorization_endpoint.startswith("http://") and not grant.token_endpoint.startswith("http://")
