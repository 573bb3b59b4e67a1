"""Where people belong, and the link that lets them set a password."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from boss.core import clock, locks
from boss.core.actors import Actor
from boss.notify import rendering
from boss.notify import selectors as outbox
from boss.notify.services import messages as mail
from boss.tenancy import addresses, devices, selectors, signing_in
from boss.tenancy.limits import Purpose
from boss.tenancy.models import Realm, User
from boss.tenancy.services import email_addresses, invitations

# Addresses of the site, not parts of this surface.
CONSOLE = "/console/"
CONSOLE_SIGN_IN = "/console/sign-in/"
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


def let_in(request: HttpRequest, user: Any, target: str) -> HttpResponse:
    """After a whole sign-in: to where the person wanted to go, in a browser that is known from now on."""
    response = redirect(target or home_of(request.realm, user))  # type: ignore[attr-defined]
    devices.remember(request, response, user)
    return response


def second_step(target: str) -> str:
    """The page of the second step, which leads on to where the person wanted to go."""
    return reverse("second_step") + (f"?{urlencode({'next': target})}" if target else "")


def send_link(request: HttpRequest, email: str) -> None:
    """Mail a link to set a password, if somebody signs in with this address: one a minute, however often it is asked.

    The caller learns nothing either way, nor by how long it takes. Raises :class:`SignInPaused` when too many were
    asked for from one network.
    """
    realm_id: int = request.realm.pk  # type: ignore[attr-defined]
    norm = selectors.normalise_email(email)
    asked = signing_in.attempt(request, Purpose.LINK, norm, None)
    asked.refuse_floods()
    asked.count()
    person = selectors.find_user_by_email(email)
    if person is None or not person.is_active or not _may_be_sent(person):
        link = invitations.link_for_nobody(realm_id)
        rendering.render("password_link", _words("", link, ""), realm_id=realm_id, language="en")
        return
    context = _words(person.get_short_name(), invitations.link(person), invitations.lasts(person))
    mail.send(
        actor=Actor.system(realm_id, "Sign-in"),
        template="password_link",
        to=[(person.email, person.full_name)],
        context=context,
        key=_key(person, clock.now()),
    )


def _may_be_sent(person: User) -> bool:
    locks.hold(f"selfhelp.password_link:{person.pk}")
    now = clock.now()
    ago = dt.timedelta(seconds=SECONDS_BETWEEN_LINKS)
    return not outbox.was_sent_since([_key(person, now), _key(person, now - ago)], now - ago)


def _key(person: User, at: dt.datetime) -> str:
    return f"password_link:{person.public_id}:{int(at.timestamp() // SECONDS_BETWEEN_LINKS)}"


def _words(name: str, link: str, lasts: str) -> dict[str, str]:
    return {"name": name, "link": link, "lasts": lasts}


def send_email_link(request: HttpRequest, user: User, email: str) -> None:
    """Mail the link that changes the person's address to the new one. Who has that address already is told by mail.

    The page says the same either way, so it tells nobody who signs in here. One mail a minute. Raises
    :class:`InvalidInput` for an address that customers may not have: a link that lets somebody in never goes there.
    """
    addresses.refuse(email, user.kind)
    now = clock.now()
    key = f"email_change:{user.public_id}:{int(now.timestamp() // SECONDS_BETWEEN_LINKS)}"
    taken = selectors.find_user_by_email(email) is not None
    mail.send(
        actor=Actor.system(user.realm_id, "Sign-in"),
        template="email_change",
        to=[(email, user.full_name)],
        context={"name": user.get_short_name(), "taken": taken, "link": email_addresses.link(user, email)},
        key=key,
    )
