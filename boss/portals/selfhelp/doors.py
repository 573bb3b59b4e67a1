"""Where people belong, and the link that lets them set a password."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from boss.core import clock, locks
from boss.core.actors import Actor
from boss.notify import selectors as outbox
from boss.notify.services import messages as mail
from boss.tenancy import selectors
from boss.tenancy.models import Realm
from boss.tenancy.services import invitations

# Addresses of the site, not parts of this surface.
CONSOLE = "/console/"
BACK_OFFICE = "/admin/"
SECONDS_BETWEEN_LINKS = 60


def home_of(realm: Realm, user: Any) -> str:
    """The first page: the console for staff, the owner portal for contacts, self-help for subscribers, else sign-up.

    The platform's own host has only the back office, which asks for the log-in itself.
    """
    if realm.is_platform:
        return BACK_OFFICE
    if not user.is_authenticated:
        return reverse("signup:address")
    homes = {"staff": CONSOLE, "contact": reverse("owner:home")}
    return homes.get(user.kind) or reverse("selfhelp:home")


def send_link(request: HttpRequest, email: str) -> None:
    """Mail a link to set a password, if somebody signs in with this address: one a minute, however often it is asked.

    The caller learns nothing either way.
    """
    realm_id: int = request.realm.pk  # type: ignore[attr-defined]
    person = selectors.find_user_by_email(email)
    if person is None or not person.is_active:
        return
    locks.hold(f"selfhelp.password_link:{person.pk}")
    now = clock.now()
    minute = int(now.timestamp() // SECONDS_BETWEEN_LINKS)
    keys = [f"password_link:{person.public_id}:{number}" for number in (minute, minute - 1)]
    if outbox.was_sent_since(keys, now - dt.timedelta(seconds=SECONDS_BETWEEN_LINKS)):
        return
    mail.send(
        actor=Actor.system(realm_id, "Sign-in"),
        template="password_link",
        to=[(person.email, person.full_name)],
        context={"name": person.get_short_name(), "link": invitations.link(person)},
        key=keys[0],
    )
