"""What a person's own sign-in page shows, in the console and in self-help alike (``components/security.html``)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.http import HttpRequest

from boss.core import scoping
from boss.core.actors import Actor
from boss.look import agents
from boss.tenancy import selectors, signing_in
from boss.tenancy.models import Passkey, SignInIdentity, SignInProvider, Totp, User
from boss.tenancy.services import factors, passkeys, sessions
from boss.tenancy.sessions import ABOUT


@dataclass(frozen=True, slots=True)
class SessionRow:
    public_id: str
    label: str
    icon: str
    address: str
    since: dt.datetime | None
    last_seen_at: dt.datetime | None
    is_this: bool


@dataclass(frozen=True, slots=True)
class Connection:
    """A sign-in provider, and the person's account there if it is connected."""

    provider: SignInProvider
    account: SignInIdentity | None


@dataclass(frozen=True, slots=True)
class Security:
    """A person's password, second factors and sessions. ``demanded``: his role must have a second factor."""

    email: str
    has_password: bool
    demanded: bool
    app: Totp | None
    passkeys: list[Passkey]
    codes_left: int
    passkeys_work_here: bool
    canonical_host: str
    connections: list[Connection]
    sessions: list[SessionRow]

    @property
    def has_app(self) -> bool:
        return self.app is not None

    @property
    def has_second(self) -> bool:
        return self.app is not None or bool(self.passkeys)


def of_person(request: HttpRequest) -> Security:
    """For the signed-in person of the request."""
    with scoping.as_application():  # what he signs in with is not the portal role's to read
        return _of_person(request)


def _of_person(request: HttpRequest) -> Security:
    user: User = request.user  # type: ignore[assignment]
    actor: Actor = request.actor  # type: ignore[attr-defined]
    realm = selectors.get_realm(user.realm_id)
    this = (request.session.get(ABOUT) or {}).get("id", "")
    rows = [
        SessionRow(
            row.public_id, agents.label(row.agent), agents.icon(row.agent), row.address, row.since, row.last_seen_at,
            row.public_id == this,
        )
        for row in sessions.list_own(actor)
    ]  # fmt: skip
    return Security(
        email=user.email,
        has_password=user.has_usable_password(),
        demanded=signing_in.must_have_second(user),
        app=selectors.find_app(user),
        passkeys=selectors.list_passkeys(user),
        codes_left=factors.codes_left(user),
        passkeys_work_here=passkeys.may_register_at(realm, request.get_host()),
        canonical_host=realm.canonical_host,
        connections=_connections(user),
        sessions=sorted(rows, key=lambda row: not row.is_this),
    )


def _connections(user: User) -> list[Connection]:
    """Of staff: customers sign in here."""
    if user.kind != User.Kind.STAFF:
        return []
    mine = {each.provider_id: each for each in selectors.list_connected_accounts(user)}
    return [Connection(each, mine.get(each.pk)) for each in selectors.list_sign_in_providers(active=True)]
