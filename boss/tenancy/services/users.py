"""People: made, invited, deactivated."""

from __future__ import annotations

import secrets

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, connections, transaction
from django.utils.translation import gettext as _

from boss.core import audit, events, locks, scoping
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy import addresses, selectors
from boss.tenancy.errors import EmailTaken, NotYourself, WeakPassword
from boss.tenancy.events import SignInChanged
from boss.tenancy.models import Organization, RoleGrant, Site, User
from boss.tenancy.reach import require_not_above, require_reach
from boss.tenancy.services import api_keys, sessions


@service
def create(
    *,
    actor: Actor,
    email: str,
    full_name: str,
    kind: str,
    password: str | None = None,
    site: Site | None = None,
    organization: Organization | None = None,
    phone: str = "",
    language: str = "en",
) -> User:
    """Make a person. Without a password nobody can sign in until an invitation is accepted.

    A contact belongs to an ``organization``, and whoever may add people there may add him. Raises
    :class:`InvalidInput` (fields ``email``, ``full_name``, ``kind``, ``organization``) and :class:`EmailTaken`.
    """
    require_reach(actor, "tenancy.add_user", organization if kind == User.Kind.CONTACT else None)

    _check(email, full_name)
    if kind not in User.Kind.values:
        raise InvalidInput(fields={"kind": [_("Choose staff, subscriber or contact.")]})
    if (kind == User.Kind.CONTACT) != (organization is not None):
        raise InvalidInput(fields={"organization": [_("A contact, and nobody else, belongs to an organization.")]})
    addresses.refuse(email, kind)
    locks.hold(f"tenancy.user:{selectors.normalise_email(email)}")  # the same person may be added twice at once
    if selectors.find_user_by_email(email) is not None:
        raise EmailTaken(fields={"email": [str(EmailTaken.title)]})

    user = User(
        email=email.strip(),
        email_norm=selectors.normalise_email(email),
        full_name=full_name.strip(),
        kind=kind,
        site=site,
        organization=organization,
        phone=phone,
        language=language,
    )
    if password is None:
        user.set_unusable_password()
    else:
        user.set_password(password)
    user.save()

    audit.record(actor=actor, action="user.created", subject=user, after={"email": user.email, "kind": kind})
    return user


@service
def set_password(*, actor: Actor, user: User, password: str, keep_session: str = "") -> User:
    """Set a password, checked against the rules. Raises :class:`WeakPassword` with field ``password``.

    All his sessions end but ``keep_session`` (a session's public id), and he is told by mail. Nobody sets it for
    somebody who holds more than himself (:class:`HoldsMore`).
    """
    if actor.user_id != user.pk:
        require(actor, "tenancy.change_user", user)
        require_not_above(actor, user)

    try:
        validate_password(password, user)
    except ValidationError as error:
        raise WeakPassword(fields={"password": list(error.messages)}) from None

    had_one = user.has_usable_password()
    user.set_password(password)
    user.save(update_fields=["password"])
    sessions.end_with(user, keep_session)

    audit.record(actor=actor, action="user.password_set", subject=user)
    if had_one:
        events.publish(SignInChanged(user_id=user.pk, what="password_set", number=secrets.token_hex(8)))
    return user


@service
def change_email(*, actor: Actor, user: User, email: str) -> User:
    """Let a person sign in with another address. His sessions and the links mailed to the old address end.

    Nobody changes it for somebody who holds more than himself (:class:`HoldsMore`): a link to set the password would
    go there. Raises :class:`InvalidInput` and :class:`EmailTaken` (field ``email``).
    """
    require(actor, "tenancy.change_user", user)
    require_not_above(actor, user)

    _check(email, user.full_name)
    norm = selectors.normalise_email(email)
    locks.hold(f"tenancy.user:{norm}")
    if User.objects.filter(email_norm=norm).exclude(pk=user.pk).exists():
        raise EmailTaken(fields={"email": [str(EmailTaken.title)]})
    if user.email == email.strip():
        return user
    addresses.refuse(email, user.kind)

    before = user.email
    user.email, user.email_norm = email.strip(), norm
    user.save(update_fields=["email", "email_norm"])
    sessions.end_with(user)

    audit.record(
        actor=actor, action="user.email_changed", subject=user, before={"email": before}, after={"email": user.email}
    )
    return user


@service
def change(*, actor: Actor, user: User, full_name: str, phone: str = "") -> User:
    """Correct a person's name and phone. What is so already leaves no trace. Raises :class:`InvalidInput`."""
    require(actor, "tenancy.change_user", user)

    _check(user.email, full_name)

    before = {"full_name": user.full_name, "phone": user.phone}
    after = {"full_name": full_name.strip(), "phone": phone.strip()}
    if before == after:
        return user
    user.full_name, user.phone = after["full_name"], after["phone"]
    user.save(update_fields=["full_name", "phone"])

    audit.record(actor=actor, action="user.changed", subject=user, before=before, after=after)
    return user


@service
def deactivate(*, actor: Actor, user: User) -> User:
    """Let nobody sign in as this person any more. The API keys he made end with it, for good.

    Nobody deactivates himself (:class:`NotYourself`), so that somebody who can undo it stays, nor a person who holds
    more than himself (:class:`HoldsMore`).
    """
    require(actor, "tenancy.change_user", user)
    require_not_above(actor, user)
    if actor.user_id == user.pk:
        raise NotYourself

    user.is_active = False
    user.save(update_fields=["is_active"])
    sessions.end_with(user)
    api_keys.revoke_all_of(actor=actor, maker=user)

    audit.record(
        actor=actor, action="user.deactivated", subject=user, before={"is_active": True}, after={"is_active": False}
    )
    return user


@service
def reactivate(*, actor: Actor, user: User) -> User:
    """Let a person sign in again, with the roles he still has. Keys and sessions do not come back."""
    require(actor, "tenancy.change_user", user)
    require_not_above(actor, user)

    if user.is_active:
        return user
    user.is_active = True
    user.save(update_fields=["is_active"])

    audit.record(
        actor=actor, action="user.reactivated", subject=user, before={"is_active": False}, after={"is_active": True}
    )
    return user


@service
def remove_unused(*, actor: Actor, user: User) -> None:
    """Delete a person made by a run that is being undone; deactivate one who signed in or is named somewhere by now."""
    require(actor, "tenancy.change_user", user)
    require_not_above(actor, user)

    if user.last_login is not None or not _deleted(user):
        deactivate(actor=actor, user=user)
        return

    audit.record(actor=actor, action="user.removed", subject=user, before={"email": user.email})


def _deleted(user: User) -> bool:
    """Try to delete; False when some row refers to the user. The database is asked, not Django's collector.

    The collector would also empty tables the application's role may not touch (the admin's log).
    """
    using = scoping.alias()
    try:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            RoleGrant.objects.filter(user=user).delete()
            cursor.execute("DELETE FROM tenancy_user WHERE id = %s", (user.pk,))
            # The foreign keys are deferred: ask them now, while there is a savepoint to go back to.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    except IntegrityError:
        return False
    return True


def _check(email: str, full_name: str) -> None:
    fields: dict[str, list[str]] = {}
    try:
        validate_email(email.strip())
    except ValidationError:
        fields["email"] = [_("Enter an e-mail address, for instance name@example.com.")]
    if not full_name.strip():
        fields["full_name"] = [_("Enter a name.")]
    if fields:
        raise InvalidInput(fields=fields)
