"""Passkeys (WebAuthn level 3, by ``fido2``): registered with a name, signed in with, removed.

A ceremony begins with options for the browser and a state for the session, and ends with the browser's answer. User
verification (finger, face, PIN) is always required, so a passkey alone is two factors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.utils.translation import gettext as _
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticatorData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from boss.core import audit, clock
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput, NotFound
from boss.core.services import service
from boss.tenancy import selectors
from boss.tenancy.errors import BadPasskey
from boss.tenancy.models import Passkey, Realm, User
from boss.tenancy.services import factors

log = structlog.get_logger(__name__)

MOST = 20
_REQUIRED = UserVerificationRequirement.REQUIRED
State = dict[str, Any]


def rp_id_of(realm: Realm) -> str:
    """New passkeys are made for the realm's canonical host: it outlives the addresses of a day."""
    return realm.canonical_host.partition(":")[0].lower()


def may_register_at(realm: Realm, host: str) -> bool:
    """Whether a browser at ``host`` can make a passkey for the realm: at its canonical host or one below it."""
    name, rp_id = _bare(host), rp_id_of(realm)
    return name == rp_id or name.endswith(f".{rp_id}")


@service
def begin_registration(*, actor: Actor, user: User, host: str) -> tuple[dict[str, Any], State]:
    """Options for ``navigator.credentials.create`` and the state to keep until :func:`register`."""
    _own(actor, user)
    realm = selectors.get_realm(user.realm_id)
    mine = [AttestedCredentialData(bytes(each.credential)) for each in Passkey.objects.filter(user=user)]
    if len(mine) >= MOST or not may_register_at(realm, host):
        raise BadPasskey

    person = PublicKeyCredentialUserEntity(id=user.login_key.bytes, name=user.email, display_name=user.full_name)
    options, state = _server(realm, rp_id_of(realm), host).register_begin(
        person, mine, resident_key_requirement=ResidentKeyRequirement.REQUIRED, user_verification=_REQUIRED
    )
    return dict(options)["publicKey"], dict(state)


@service
def register(
    *, actor: Actor, user: User, host: str, name: str, state: State, answer: Mapping[str, Any]
) -> tuple[Passkey, list[str]]:
    """Keep the passkey the browser made. With the first second factor come recovery codes, shown once.

    Raises :class:`BadPasskey`, and :class:`InvalidInput` with field ``name``.
    """
    _own(actor, user)
    realm = selectors.get_realm(user.realm_id)
    if not name.strip():
        raise InvalidInput(fields={"name": [_("Give it a name, for instance of the device it is on.")]})
    made = _verified(lambda: _server(realm, rp_id_of(realm), host).register_complete(state, answer))
    credential = made.credential_data
    if credential is None:
        raise BadPasskey
    credential_id = websafe_encode(credential.credential_id)
    if Passkey.objects.filter(credential_id=credential_id).exists():
        raise BadPasskey

    row: Passkey = Passkey.objects.create(
        user=user,
        name=name.strip()[:60],
        rp_id=rp_id_of(realm),
        credential_id=credential_id,
        credential=bytes(credential),
        sign_count=made.counter,
    )
    codes = factors.first_codes(user)

    factors.tell(actor, user, "passkey_added", subject=row)
    return row, codes


@service
def rename(*, actor: Actor, user: User, public_id: str, name: str) -> Passkey:
    """Another name for one's passkey. Raises :class:`NotFound`, :class:`InvalidInput` with field ``name``."""
    _own(actor, user)
    row = _get(user, public_id)
    if not name.strip():
        raise InvalidInput(fields={"name": [_("Give it a name, for instance of the device it is on.")]})

    before, row.name = row.name, name.strip()[:60]
    row.save(update_fields=["name"])

    audit.record(
        actor=actor, action="sign_in.passkey_renamed", subject=row, before={"name": before}, after={"name": row.name}
    )
    return row


@service
def remove(*, actor: Actor, user: User, public_id: str) -> None:
    """Take a passkey away. Whoever calls has asked for proof. Raises :class:`NotFound`."""
    _own(actor, user)
    row = _get(user, public_id)

    factors.tell(actor, user, "passkey_removed", subject=row)
    row.delete()
    factors.forget_codes_without_factor(user)


def begin_authentication(realm: Realm, host: str, user: User | None = None) -> tuple[dict[str, Any], State]:
    """Options for ``navigator.credentials.get``: any passkey for this host, or one of ``user``'s."""
    rp_id = _rp_id_at(realm, host)
    allowed = None
    if user is not None:
        rows = Passkey.objects.filter(user=user, rp_id=rp_id)
        allowed = [AttestedCredentialData(bytes(row.credential)) for row in rows]
    options, state = _server(realm, rp_id, host).authenticate_begin(allowed or None, user_verification=_REQUIRED)
    return dict(options)["publicKey"], {**state, "rp_id": rp_id}


def authenticate(
    realm: Realm, host: str, state: State, answer: Mapping[str, Any], user: User | None = None
) -> User | None:
    """Whose passkey answered rightly, or None. ``user``: only his count.

    Not a service: a refusal is counted by whoever asks, and that count must stay.
    """
    rows = Passkey.objects.select_for_update(of=("self",)).select_related("user")
    row: Passkey | None = rows.filter(
        realm_id=realm.pk, credential_id=str(answer.get("id", ""))[:1400], rp_id=state.get("rp_id", "")
    ).first()
    if row is None or not row.user.is_active or (user is not None and row.user_id != user.pk):
        return None
    try:
        handle = answer.get("response", {}).get("userHandle")
        if handle and websafe_decode(handle) != row.user.login_key.bytes:
            return None
        server = _server(realm, row.rp_id, host)
        _verified(lambda: server.authenticate_complete(state, [AttestedCredentialData(bytes(row.credential))], answer))
        counter = AuthenticatorData(websafe_decode(answer["response"]["authenticatorData"])).counter
    except (BadPasskey, AttributeError, KeyError, TypeError, ValueError):
        return None
    # Synchronized passkeys always say 0. One that counts and does not go forward has been copied.
    if (row.sign_count or counter) and counter <= row.sign_count:
        system = Actor.system(row.realm_id, "Sign-in")
        audit.record(actor=system, action="sign_in.passkey_copied", subject=row, before={"count": row.sign_count},
                     after={"count": counter})  # fmt: skip
        return None
    row.sign_count, row.last_used_at = counter, clock.now()
    row.save(update_fields=["sign_count", "last_used_at"])
    return row.user


def _verified(check: Callable[[], Any]) -> Any:
    """The library raises what its parsers raise: whatever a browser sends that is no good is one refusal."""
    try:
        return check()
    except Exception as error:
        log.info("passkey_refused", reason=type(error).__name__)
        raise BadPasskey from error


def _server(realm: Realm, rp_id: str, host: str) -> Fido2Server:
    """``host`` is the one asked, which the middleware knows as the realm's; no other origin may answer for it."""
    name = _bare(host)

    def is_ours(origin: str) -> bool:
        parts = urlsplit(origin)
        local = parts.hostname is not None and (parts.hostname == "localhost" or parts.hostname.endswith(".localhost"))
        return parts.hostname == name and (parts.scheme == "https" or (parts.scheme == "http" and local))

    entity = PublicKeyCredentialRpEntity(id=rp_id, name=selectors.get_brand(realm.pk).name)
    return Fido2Server(entity, verify_origin=is_ours)


def _rp_id_at(realm: Realm, host: str) -> str:
    """At the canonical host (or below) its own; elsewhere the host asked, for passkeys made when it was canonical."""
    return rp_id_of(realm) if may_register_at(realm, host) else _bare(host)


def _bare(host: str) -> str:
    return (host if host.endswith("]") else host.rsplit(":", 1)[0]).lower().rstrip(".")


def _own(actor: Actor, user: User) -> None:
    if actor.kind != "user" or actor.user_id != user.pk:
        raise PermissionDenied


def _get(user: User, public_id: str) -> Passkey:
    row: Passkey | None = Passkey.objects.select_for_update().filter(user=user, public_id=public_id).first()
    if row is None:
        raise NotFound(passkey=public_id)
    return row
