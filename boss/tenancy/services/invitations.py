"""Links by which a person sets the first or a forgotten password. Signed, dated, single use, no table."""

from __future__ import annotations

from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from boss.core import clock, scoping
from boss.core.actors import Actor
from boss.tenancy import selectors
from boss.tenancy.errors import BadInvitation
from boss.tenancy.models import User
from boss.tenancy.services import users

_SALT = "boss.tenancy.invitation"
_INVITED_SECONDS = 7 * 24 * 3600
_RESET_SECONDS = 30 * 60


def token(user: User) -> str:
    """For one use: it is bound to the present password, e-mail address and realm.

    Somebody who has no password yet is invited and has seven days; a forgotten password can be set within 30 minutes.
    """
    made_at = int(clock.now().timestamp())
    return signing.dumps([user.realm_id, user.public_id, _bound(user), made_at], salt=_SALT)


def lasts(user: User) -> str:
    """How long a link made now works, in words."""
    return _("30 minutes") if user.has_usable_password() else _("7 days")


def link(user: User) -> str:
    """The absolute address, on the realm's canonical host whatever host was asked."""
    return _address(user.realm_id, token(user))


def link_for_nobody(realm_id: int) -> str:
    """As long as a real one, for work that must take as long whether somebody exists or not."""
    return _address(realm_id, signing.dumps([realm_id, "0" * 12, "0" * 32, 1_800_000_000], salt=f"{_SALT}.nobody"))


def get_invited(presented: str) -> User:
    """The person a link was made for. Raises :class:`BadInvitation`."""
    try:
        realm_id, public_id, bound, made_at = signing.loads(presented, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise BadInvitation from None
    user: User | None = User.objects.filter(
        realm_id=scoping.current_realm_id(), public_id=public_id, is_active=True
    ).first()
    if user is None or realm_id != user.realm_id or not constant_time_compare(bound, _bound(user)):
        raise BadInvitation
    longest = _RESET_SECONDS if user.has_usable_password() else _INVITED_SECONDS
    if clock.now().timestamp() - made_at > longest:
        raise BadInvitation
    return user


def accept(*, presented: str, password: str) -> User:
    """Set the password of the invited person. Raises :class:`BadInvitation`, :class:`WeakPassword`."""
    user = get_invited(presented)
    actor = Actor(realm_id=user.realm_id, kind="user", label=user.full_name, user_id=user.pk)
    return users.set_password(actor=actor, user=user, password=password)


def _bound(user: User) -> str:
    """Changes with the password and the address, and tells nothing of either."""
    return salted_hmac(_SALT, f"{user.password}:{user.email_norm}", algorithm="sha256").hexdigest()[:32]


def _address(realm_id: int, presented: str) -> str:
    realm = selectors.get_realm(realm_id)
    return f"{realm.settings.get('scheme', 'https')}://{realm.canonical_host}/invitation/{presented}/"
