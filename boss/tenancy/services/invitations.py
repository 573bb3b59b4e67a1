"""Links by which a person sets the first or a forgotten password. Signed, dated, single use, no table."""

from __future__ import annotations

import hashlib

from django.core import signing

from boss.core import scoping
from boss.core.actors import Actor
from boss.tenancy import selectors
from boss.tenancy.errors import BadInvitation
from boss.tenancy.models import User
from boss.tenancy.services import users

_SALT = "boss.tenancy.invitation"
_MAX_AGE_SECONDS = 7 * 24 * 3600


def token(user: User) -> str:
    """Valid for seven days and until the password or the e-mail changes: it is bound to both, and to the realm."""
    return signing.dumps([user.realm_id, user.public_id, _state(user)], salt=_SALT)


def _state(user: User) -> str:
    return hashlib.sha256(f"{user.password[-12:]}:{user.email_norm}".encode()).hexdigest()[:16]


def link(user: User) -> str:
    """The absolute address, on the realm's canonical host whatever host was asked."""
    realm = selectors.get_realm(user.realm_id)
    scheme = realm.settings.get("scheme", "https")
    return f"{scheme}://{realm.canonical_host}/invitation/{token(user)}/"


def get_invited(presented: str) -> User:
    """The person a link was made for. Raises :class:`BadInvitation`."""
    try:
        realm_id, public_id, state = signing.loads(presented, salt=_SALT, max_age=_MAX_AGE_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        raise BadInvitation from None
    user: User | None = User.objects.filter(public_id=public_id, is_active=True).first()
    if user is None or realm_id != scoping.current_realm_id() or _state(user) != state:
        raise BadInvitation
    return user


def accept(*, presented: str, password: str) -> User:
    """Set the password of the invited person. Raises :class:`BadInvitation`, :class:`WeakPassword`."""
    user = get_invited(presented)
    actor = Actor(realm_id=user.realm_id, kind="user", label=user.full_name, user_id=user.pk)
    return users.set_password(actor=actor, user=user, password=password)
