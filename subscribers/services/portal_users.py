"""The person who signs in to the self-help portal for an account."""

from __future__ import annotations

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from boss.tenancy.models import User
from boss.tenancy.services import roles, users
from subscribers.models import Account

ROLE = "subscriber"


@service
def ensure(*, actor: Actor, account: Account) -> tuple[User, bool]:
    """The account's user, made if there is none yet, with the subscriber's role on his own rows.

    The second value says whether he was made now. Raises :class:`boss.tenancy.errors.EmailTaken`.
    """
    account = Account.objects.select_for_update().get(pk=account.pk)

    require(actor, "subscribers.change_account", account)

    if account.user is not None:
        return account.user, False

    user = users.create(
        actor=actor,
        email=account.email,
        full_name=account.name[:120],
        kind=User.Kind.SUBSCRIBER,
        site=account.site,
        phone=account.phone,
        language=account.language,
    )
    roles.grant(actor=actor, user=user, role_key=ROLE, own=True)
    account.user = user
    account.save(update_fields=["user"])

    audit.record(actor=actor, action="account.user_added", subject=account, after={"user": user.email})
    return user, True


@service
def withdraw(*, actor: Actor, account: Account, user_id: int) -> None:
    """Undo of :func:`ensure`: the account has no user again, and the person is removed.

    Somebody who already signed in, or to whom something is attached by now, is kept but cannot sign in.
    """
    account = Account.objects.select_for_update().get(pk=account.pk)

    require(actor, "subscribers.change_account", account)

    user: User | None = User.objects.filter(pk=user_id).first()
    if user is None:
        return

    if account.user_id == user_id:
        account.user = None
        account.save(update_fields=["user"])
    users.remove_unused(actor=actor, user=user)

    audit.record(actor=actor, action="account.user_withdrawn", subject=account, before={"user": user.email})
