"""Ending sessions: a person's browsers must sign in again."""

from __future__ import annotations

from boss.core.scoping import new_public_id
from boss.tenancy.models import User


def end_all(user: User) -> None:
    """No session of ``user`` counts any more. For services that changed his sign-in, his state or his rights.

    Somebody who never signed in has none. Whoever keeps the person's own browser signed in calls Django's
    ``update_session_auth_hash`` afterwards, with this same ``user``.
    """
    stamp = new_public_id()
    if User.objects.filter(pk=user.pk, last_login__isnull=False).update(session_stamp=stamp):
        user.session_stamp = stamp
