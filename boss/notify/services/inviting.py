"""Inviting people: made, given their role and written to, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from boss.core import audit, clock, locks
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from boss.notify.errors import InvitedJustNow
from boss.notify.models import Message
from boss.notify.services import messages
from boss.tenancy.errors import AlreadySignsIn
from boss.tenancy.models import Organization, Site, User
from boss.tenancy.reach import require_not_above
from boss.tenancy.services import invitations, roles, users


@service
def invite(
    *,
    actor: Actor,
    email: str,
    full_name: str,
    kind: str,
    role_key: str = "",
    organization: Organization | None = None,
    sites: Sequence[Site] = (),
    phone: str = "",
) -> User:
    """Make a person, give him ``role_key`` and mail him a link to set his password.

    Staff get the role on the realm, contacts on their ``organization`` or, when ``sites`` are named, on those only.
    Raises what :func:`users.create` and :func:`roles.grant` raise; whatever is refused, nobody was made or written to.
    """
    user = users.create(
        actor=actor, email=email, full_name=full_name, kind=kind, organization=organization, phone=phone
    )
    if role_key and sites:
        for site in sites:
            roles.grant(actor=actor, user=user, role_key=role_key, site=site)
    elif role_key:
        own = kind == User.Kind.SUBSCRIBER
        roles.grant(actor=actor, user=user, role_key=role_key, organization=organization, own=own)
    _write(actor, user)
    return user


@service
def send_again(*, actor: Actor, user: User) -> User:
    """Mail the link once more to somebody who has never signed in: one a minute.

    Raises :class:`AlreadySignsIn`: whoever has a password asks for a link himself; :class:`InvitedJustNow`.
    """
    require(actor, "tenancy.change_user", user)
    require_not_above(actor, user)

    if user.has_usable_password() or not user.is_active:
        raise AlreadySignsIn
    _write(actor, user)
    return user


def _write(actor: Actor, user: User) -> None:
    locks.hold(f"notify.invitation:{user.pk}")
    key = f"invitation:{user.public_id}:{int(clock.now().timestamp() // 60)}"
    if Message.objects.filter(key=key).exists():
        raise InvitedJustNow
    messages.send(
        actor=actor,
        template="invitation",
        to=[(user.email, user.full_name)],
        context={"name": user.get_short_name(), "inviter": actor.label, "link": invitations.link(user)},
        key=key,
    )
    audit.record(actor=actor, action="user.invited", subject=user, after={"email": user.email})
