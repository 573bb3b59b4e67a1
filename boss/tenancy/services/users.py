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
from boss.tenancy import selectors
from boss.tenancy.errors import EmailTaken, WeakPassword
from boss.tenancy.events import SignInChanged
from boss.tenancy.models import RoleGrant, Site, User
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
    phone: str = "",
    language: str = "en",
) -> User:
    """Make a person. Without a password nobody can sign in until an invitation is accepted.

    Raises :class:`InvalidInput` (fields ``email``, ``full_name``) and :class:`EmailTaken`.
    """
    require(actor, "tenancy.add_user")

    _check(email, full_name)
    locks.hold(f"tenancy.user:{selectors.normalise_email(email)}")  # the same person may be added twice at once
    if selectors.find_user_by_email(email) is not None:
        raise EmailTaken(fields={"email": [str(EmailTaken.title)]})

    user = User(
        email=email.strip(),
        email_norm=selectors.normalise_email(email),
        full_name=full_name.strip(),
        kind=kind,
        site=site,
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

    All his sessions end but ``keep_session`` (a session's public id), and he is told by mail.
    """
    if actor.user_id != user.pk:
        require(actor, "tenancy.change_user", user)

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
def deactivate(*, actor: Actor, user: User) -> User:
    """Let nobody sign in as this person any more. The API keys he made end with it, for good."""
    require(actor, "tenancy.change_user", user)

    user.is_active = False
    user.save(update_fields=["is_active"])
    sessions.end_with(user)
    api_keys.revoke_all_of(actor=actor, maker=user)

    audit.record(actor=actor, action="user.deactivated", subject=user)
    return user


@service
def remove_unused(*, actor: Actor, user: User) -> None:
    """Delete a person made by a run that is being undone; deactivate one who signed in or is named somewhere by now."""
    require(actor, "tenancy.change_user", user)

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
