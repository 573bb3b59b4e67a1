"""Signing in within a realm, and Django's permission questions answered by the grants."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password, make_password
from django.http import HttpRequest

from boss.core import permissions
from boss.tenancy import selectors, signing_in
from boss.tenancy.limits import Purpose
from boss.tenancy.models import User

# The cost of a real check for accounts that do not exist, so that the time tells nothing.
_DUMMY = make_password("nobody has this password")


class RealmBackend(BaseBackend):
    """Authenticates by e-mail within the realm of the request's host."""

    def authenticate(
        self, request: HttpRequest | None, email: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The user, or None. Raises :class:`boss.tenancy.errors.SignInPaused` when too many attempts failed."""
        # Django's admin form knows only "username"; ours is the e-mail.
        email = email or kwargs.get("username")
        if request is None or email is None or password is None:
            return None
        norm = selectors.normalise_email(email)
        realm_id: int = request.realm.pk  # type: ignore[attr-defined]
        user: User | None = User.objects.filter(realm_id=realm_id, email_norm=norm).first()
        tried = signing_in.attempt(request, Purpose.PASSWORD, norm, user)
        tried.refuse_floods()
        if user is None:
            check_password(password, _DUMMY)
        elif user.check_password(password) and user.is_active:
            return user
        signing_in.refused(tried, user)
        return None

    def get_user(self, user_id: int) -> User | None:
        user: User | None = User.objects.filter(pk=user_id, is_active=True).first()
        return user

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        if not isinstance(user_obj, User) or not user_obj.is_active:
            return False
        if user_obj.is_platform_operator:
            return True  # reaches the admin only, on the platform's host
        actor = selectors.actor_for_user(user_obj)
        return permissions.may(actor, perm, obj) if obj is not None else actor.holds(perm)
