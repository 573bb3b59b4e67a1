"""Changing the address a person signs in with: only to one that he has shown to be his."""

from __future__ import annotations

import secrets

from django.core import signing
from django.db import IntegrityError, transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from boss.core import audit, clock, events, locks, scoping
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied
from boss.core.services import service
from boss.tenancy import addresses, selectors
from boss.tenancy.errors import BadInvitation
from boss.tenancy.events import SignInChanged
from boss.tenancy.models import User

_SALT = "boss.tenancy.email"
_SECONDS = 30 * 60


def link(user: User, email: str) -> str:
    """For the new address alone: opening it proves that its mail is read. Works once, within 30 minutes."""
    realm = selectors.get_realm(user.realm_id)
    made_at = int(clock.now().timestamp())
    presented = signing.dumps([user.realm_id, user.public_id, email.strip(), _bound(user), made_at], salt=_SALT)
    return f"{realm.settings.get('scheme', 'https')}://{realm.canonical_host}/login/email/{presented}/"


def get_change(presented: str) -> tuple[User, str]:
    """Who, and his new address. Raises :class:`BadInvitation`."""
    try:
        realm_id, public_id, email, bound, made_at = signing.loads(presented, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise BadInvitation from None
    mine = User.objects.filter(realm_id=scoping.current_realm_id(), public_id=public_id, is_active=True)
    user: User | None = mine.first()
    too_late = clock.now().timestamp() - made_at > _SECONDS
    if user is None or realm_id != user.realm_id or too_late or not constant_time_compare(bound, _bound(user)):
        raise BadInvitation
    return user, email


@service
def change(*, actor: Actor, presented: str) -> User:
    """The link was opened: the address changes. Raises :class:`BadInvitation`, also when it is somebody's
    meanwhile or has become one that customers may not have."""
    found, email = get_change(presented)
    locks.hold(f"tenancy.user:{selectors.normalise_email(email)}")
    user: User = User.objects.select_for_update(of=("self",)).get(pk=found.pk)

    if actor.user_id != user.pk:
        raise PermissionDenied
    get_change(presented)  # once more, now that nobody else can use it
    if addresses.refusal(email, user.kind):
        raise BadInvitation

    before, number = user.email, secrets.token_hex(8)
    user.email, user.email_norm = email, selectors.normalise_email(email)
    try:
        with transaction.atomic(using=scoping.alias()):
            user.save(update_fields=["email", "email_norm"])
    except IntegrityError:  # unique in the realm: somebody else signs in with it
        raise BadInvitation from None

    audit.record(
        actor=actor, action="user.email_changed", subject=user, before={"email": before}, after={"email": user.email}
    )
    events.publish(SignInChanged(user_id=user.pk, what="email_changed", number=number, old_email=before))
    return user


def _bound(user: User) -> str:
    return salted_hmac(_SALT, f"{user.password}:{user.email_norm}", algorithm="sha256").hexdigest()[:32]
