"""What follows from the facts of the ground: people hear by mail when their way in was changed or is under attack."""

from __future__ import annotations

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from boss.core import clock
from boss.core.actors import Actor
from boss.notify.rendering import home_of
from boss.notify.services import messages
from boss.tenancy.events import SignInChanged, SignInPaused
from boss.tenancy.models import User
from boss.tenancy.services import invitations

CHANGES: dict[str, str | Promise] = {
    "password_set": _("your password was changed. You are signed out everywhere else."),
    "email_changed": _("you sign in with another e-mail address from now on."),
    "totp_added": _("an authenticator app was set up: its code is asked for when you sign in."),
    "totp_removed": _("your authenticator app was removed."),
    "passkey_added": _("a passkey was added, with which you can sign in."),
    "passkey_removed": _("a passkey was removed."),
    "recovery_codes_renewed": _("new recovery codes were made; the old ones open nothing any more."),
    "account_connected": _("an account at a sign-in provider was connected, with which you can sign in."),
    "account_disconnected": _("an account at a sign-in provider was disconnected; it lets you in no more."),
    "factors_reset": _("your provider removed your authenticator app, your passkeys and your recovery codes."),
}


def tell_changed(happened: SignInChanged) -> None:
    """To the person, and to the address he had before when that is what changed."""
    user: User = User.objects.get(pk=happened.user_id)
    with translation.override(user.language):
        what = str(CHANGES[happened.what])
    to = [(user.email, user.full_name)]
    if happened.old_email:
        to.append((happened.old_email, user.full_name))
    messages.send(
        actor=Actor.system(user.realm_id, "Sign-in"),
        template="sign_in_changed",
        to=to,
        context={"name": user.get_short_name(), "what": what, "page": f"{home_of(user.realm_id)}account/"},
        key=f"sign_in_changed:{happened.number}",
        language=user.language,
    )


def tell_paused(happened: SignInPaused) -> None:
    """Once a day, with a link that opens although strangers must wait."""
    user: User = User.objects.get(pk=happened.user_id)
    if not user.is_active:
        return
    messages.send(
        actor=Actor.system(user.realm_id, "Sign-in"),
        template="sign_in_paused",
        to=[(user.email, user.full_name)],
        context={"name": user.get_short_name(), "link": invitations.link(user), "lasts": invitations.lasts(user)},
        key=f"sign_in_paused:{user.public_id}:{clock.today().isoformat()}",
        language=user.language,
    )
