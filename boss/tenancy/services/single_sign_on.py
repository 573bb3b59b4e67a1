"""Single sign-on: the realm's OpenID providers, and which of its people is who there.

A provider can sign in everybody it is trusted with, so only somebody who holds all an administrator holds sets one up.
People are known by the provider's lasting name for them (``sub``). The first time that name is connected by the person
himself, signed in otherwise; or by the e-mail address, where the realm says so and the provider vouches for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from boss.core import audit, clock, crypto, outbound, scoping
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied, require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy import oidc, policies, selectors
from boss.tenancy.errors import HoldsMore, IdentityTaken, NobodyKnown, ProviderRefused
from boss.tenancy.models import SignInIdentity, SignInProvider, User
from boss.tenancy.reach import reaches_all, require_not_above
from boss.tenancy.services import driver_networks, factors, sessions

MOST_PROVIDERS = 5
FLAGS = ("links_by_email", "counts_as_second", "only_way", "is_active")
_TOLD = ("name", "issuer", "client_id", *FLAGS)


@service
def add(*, actor: Actor, given: Mapping[str, Any], client_secret: str) -> SignInProvider:
    """Let the realm's staff sign in through one more provider, once it has described itself.

    ``given``: ``name``, ``issuer``, ``client_id`` and the flags. Raises :class:`InvalidInput` (those fields and
    ``client_secret``) and :class:`HoldsMore`.
    """
    _may_arrange(actor)
    provider = SignInProvider()
    fields = _filled(provider, given)
    if not client_secret.strip():
        fields["client_secret"] = [_("Paste the secret the provider gave you.")]
    if SignInProvider.objects.count() >= MOST_PROVIDERS:
        fields["name"] = [_("There are %(most)d providers already; remove one first.") % {"most": MOST_PROVIDERS}]
    if fields:
        raise InvalidInput(fields=fields)
    _check_address(provider, client_secret.strip())

    _keep(provider)
    provider.client_secret_sealed = crypto.seal(client_secret.strip(), bound_to=place(provider))
    provider.save(update_fields=["client_secret_sealed"])

    audit.record(actor=actor, action="sign_in_provider.added", subject=provider, after=_told(provider))
    return provider


@service
def change(*, actor: Actor, provider: SignInProvider, given: Mapping[str, Any], client_secret: str) -> SignInProvider:
    """Change what is known of a provider; an empty ``client_secret`` keeps the present one.

    Another issuer or client is another set of people: every connection with it ends, and a new secret is needed.
    Raises what :func:`add` raises.
    """
    _may_arrange(actor)
    provider = SignInProvider.objects.select_for_update().get(pk=provider.pk)
    before = _told(provider)
    fields = _filled(provider, given)
    elsewhere = before["issuer"] != provider.issuer
    if elsewhere and not client_secret.strip():
        fields["client_secret"] = [_("Paste the secret of the new provider: the present one is not sent there.")]
    if fields:
        raise InvalidInput(fields=fields)
    secret = client_secret.strip() or secret_of(provider)
    if provider.is_active:
        _check_address(provider, secret)

    provider.client_secret_sealed = crypto.seal(secret, bound_to=place(provider))
    _keep(provider)
    if elsewhere:
        SignInIdentity.objects.filter(provider=provider).delete()

    after = _told(provider) | ({"client_secret": "changed"} if client_secret.strip() else {})
    audit.record(actor=actor, action="sign_in_provider.changed", subject=provider, before=before, after=after)
    return provider


@service
def remove(*, actor: Actor, provider: SignInProvider) -> None:
    """Nobody signs in through it any more. Whoever has no password asks for a link by mail."""
    _may_arrange(actor)
    provider = SignInProvider.objects.select_for_update().get(pk=provider.pk)

    audit.record(actor=actor, action="sign_in_provider.removed", subject=provider, before=_told(provider))
    provider.delete()


@service
def connect(*, actor: Actor, user: User, provider: SignInProvider, identity: oidc.Identity) -> SignInIdentity:
    """The person says that this account there is his. Whoever calls has asked for proof. Raises
    :class:`IdentityTaken`."""
    if actor.kind != "user" or actor.user_id != user.pk or user.kind != User.Kind.STAFF:
        raise PermissionDenied
    row = _connect(user, provider, identity)
    factors.tell(actor, user, "account_connected", subject=user)
    return row


@service
def disconnect(*, actor: Actor, user: User, provider: SignInProvider) -> None:
    """The person, or somebody who may change him and holds no less, ends a connection; his other sessions end."""
    if actor.user_id != user.pk:
        require(actor, "tenancy.change_user", user)
        require_not_above(actor, user)
    found = SignInIdentity.objects.filter(user=user, provider=provider)
    if not found.exists():
        return
    if actor.user_id == user.pk and not user.has_usable_password():
        raise InvalidInput(_("Set a password first: otherwise you could not sign in any more."))
    found.delete()
    if actor.user_id != user.pk:
        sessions.end_with(user)
    factors.tell(actor, user, "account_disconnected", subject=user)


@service
def recognise(*, actor: Actor, provider: SignInProvider, identity: oidc.Identity) -> User:
    """Who of the realm's staff has come back from the provider. Raises :class:`NobodyKnown`.

    ``actor`` is the house: nobody is signed in yet.
    """
    known = SignInIdentity.objects.filter(provider=provider, subject=identity.subject).select_related("user").first()
    user: User | None = known.user if known is not None else None
    if user is None and provider.links_by_email and identity.email_verified:
        user = selectors.find_user_by_email(identity.email)
        if user is not None and (
            user.kind != User.Kind.STAFF or SignInIdentity.objects.filter(provider=provider, user=user).exists()
        ):
            user = None  # somebody else has that address there now: the lasting name decides
    if user is None or not user.is_active or user.kind != User.Kind.STAFF:
        raise NobodyKnown
    if known is None:
        _connect(user, provider, identity)
        factors.tell(actor, user, "account_connected", subject=user)
    SignInIdentity.objects.filter(provider=provider, user=user).update(last_used_at=clock.now())
    return user


def only_way_of(user: User) -> SignInProvider | None:
    """The provider through which alone this person signs in. Administrators keep their other ways: a provider that is
    down, or set up wrongly, must not lock everybody out."""
    if user.kind != User.Kind.STAFF:
        return None
    bound = SignInProvider.objects.filter(is_active=True, only_way=True, identities__user=user).first()
    if bound is None or selectors.actor_for_user(user).holds("tenancy.change_realm"):
        return None
    return bound  # type: ignore[no-any-return]


def client_of(provider: SignInProvider, client_secret: str = "") -> oidc.Client:
    """What the protocol needs. ``client_secret``: instead of the one that is kept. It reaches where the realm's
    drivers reach: public addresses, and the private networks it was allowed."""
    realm = selectors.get_realm(scoping.current_realm_id())
    policy = outbound.Policy(driver_networks.reachable_from(realm))
    return oidc.Client(provider.issuer, provider.client_id, client_secret or secret_of(provider), policy)


def redirect_uri(provider: SignInProvider) -> str:
    """Where the provider sends people back to, on the realm's canonical host: it is told this once, word for word."""
    realm = selectors.get_realm(provider.realm_id)
    return f"{realm.settings.get('scheme', 'https')}://{realm.canonical_host}/login/with/{provider.public_id}/back/"


def secret_of(provider: SignInProvider) -> str:
    return crypto.open_sealed(provider.client_secret_sealed, bound_to=place(provider))


def place(provider: SignInProvider) -> str:
    """What a client's secret is bound to: another issuer could not be given it by changing the row."""
    return f"tenancy.sign_in_provider:{provider.realm_id}:{provider.pk}:{provider.issuer}"


def _may_arrange(actor: Actor) -> None:
    require(actor, "tenancy.change_realm")
    if not reaches_all(actor, policies.permissions_of("realm_admin")):
        raise HoldsMore


def _filled(provider: SignInProvider, given: Mapping[str, Any]) -> dict[str, list[str]]:
    """Fill the row in; the fields that will not do."""
    for name in ("name", "issuer", "client_id"):
        setattr(provider, name, str(given[name]).strip())
    for name in FLAGS:
        setattr(provider, name, bool(given[name]))
    fields = {name: [_("Please fill this in.")] for name in ("name", "issuer", "client_id") if not given[name].strip()}
    parts = urlsplit(provider.issuer)
    if "issuer" not in fields and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query):
        fields["issuer"] = [_("An address that begins with https:// is needed.")]
    return fields


def _check_address(provider: SignInProvider, secret: str) -> None:
    """Ask the provider before anybody depends on it."""
    try:
        oidc.discover(client_of(provider, secret))
    except ProviderRefused as refused:
        raise InvalidInput(
            fields={"issuer": [_("No OpenID provider answers there: %(reason)s.") % {"reason": refused.data["reason"]}]}
        ) from refused


def _keep(provider: SignInProvider) -> None:
    try:
        with transaction.atomic(using=scoping.alias()):
            provider.save()
    except IntegrityError:
        raise InvalidInput(fields={"client_id": [_("This client of this provider is set up already.")]}) from None


def _connect(user: User, provider: SignInProvider, identity: oidc.Identity) -> SignInIdentity:
    try:
        with transaction.atomic(using=scoping.alias()):
            row: SignInIdentity = SignInIdentity.objects.create(
                provider=provider, user=user, subject=identity.subject, email=identity.email
            )
    except IntegrityError:
        raise IdentityTaken from None
    return row


def _told(provider: SignInProvider) -> dict[str, Any]:
    return {name: getattr(provider, name) for name in _TOLD}
