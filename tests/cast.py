"""The cast of every test: Alice owns, Bob is on her team, Charlie works for another provider and must see nothing.

``alpha`` enters Alice's realm for tests inside the rolled-back transaction; tests on a real database
(``real_db``) enter a realm themselves with ``scoping.realm_transaction``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from boss.core import clock, scoping
from boss.core.actors import Actor
from boss.core.scoping import Scope
from boss.platform.testing.databases import Furniture
from boss.tenancy import selectors
from boss.tenancy.models import Realm, User
from boss.tenancy.services import realms, roles, users
from boss.tenancy.sessions import ABOUT

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Cast:
    alpha: Realm
    beta: Realm
    alice: User  # realm administrator of alpha
    bob: User  # CSR of alpha
    charlie: User  # realm administrator of beta


def build() -> Cast:
    """Write the cast to the database the aliases point at, with real commits. Called once a database."""
    alpha = realms.create(key="alpha", name="Alpha Cable", hosts=["alpha.localhost", "testserver"])
    beta = realms.create(key="beta", name="Beta Wireless", hosts=["beta.localhost"])
    return Cast(
        alpha,
        beta,
        alice=make_user(alpha, "alice@alpha.example", "Alice Able", "realm_admin"),
        bob=make_user(alpha, "bob@alpha.example", "Bob Baker", "csr"),
        charlie=make_user(beta, "charlie@beta.example", "Charlie Cole", "realm_admin"),
    )


def there() -> Cast:
    """The cast of a database that was copied with it (``CAST``)."""
    with scoping.system_transaction("test"):
        alpha, beta = Realm.objects.get(key="alpha"), Realm.objects.get(key="beta")
    people = {}
    for realm in (alpha, beta):
        with scoping.realm_transaction(realm.pk):
            people |= {user.email.partition("@")[0]: user for user in User.objects.all()}
    return Cast(alpha, beta, **people)


CAST = Furniture("cast", build)
"""Realms alpha and beta with their people, and nothing else."""


def make_user(realm: Realm, email: str, name: str, *role_keys: str, kind: str = "staff", own: bool = False) -> User:
    """A person of ``realm`` with the roles, on the realm or (``own``) on his own rows only."""
    with scoping.realm_transaction(realm.pk):
        system = Actor.system(realm.pk)
        user = users.create(actor=system, email=email, full_name=name, kind=kind, password=PASSWORD)
        for key in role_keys:
            roles.grant(actor=system, user=user, role_key=key, own=own)
    return user


def actor_of(user: User) -> Actor:
    with scoping.realm_transaction(user.realm_id):
        return selectors.actor_for_user(user)


def sign_in(client: Client, user: User, *, proven: bool = True) -> None:
    """Sign ``user`` in without the page, as somebody who has just typed his password (``proven``). Inside his realm."""
    client.force_login(user)
    if proven:
        session = client.session
        session[ABOUT] = session[ABOUT] | {"proven": clock.now().timestamp()}
        session.save()


@pytest.fixture(scope="session")
def _session_cast(django_db_setup: None, django_db_blocker: Any) -> Cast:
    with django_db_blocker.unblock():
        return build()


@pytest.fixture
def furniture(request: pytest.FixtureRequest) -> Furniture | None:
    """What `real_db` holds from the start: the cast, if the test has one. Modules whose tests all need the same bulk of
    rows override it."""
    return CAST if "cast" in request.fixturenames else None


@pytest.fixture
def cast(request: pytest.FixtureRequest) -> Cast:
    """Realms alpha and beta with their people, on the database this test uses."""
    if "real_db" in request.fixturenames:
        request.getfixturevalue("real_db")
        selectors.forget_cached()
        return there() if request.getfixturevalue("furniture") is CAST else build()
    built: Cast = request.getfixturevalue("_session_cast")
    request.getfixturevalue("db")
    selectors.forget_cached()
    return copy.deepcopy(built)  # what one test does to Bob in memory is not taken back with its transaction


@pytest.fixture
def alpha(cast: Cast) -> Iterator[Realm]:
    """Alice's realm, entered for the whole test."""
    with scoping.enter(Scope(cast.alpha.pk, "test")):
        yield cast.alpha


@pytest.fixture
def in_beta(cast: Cast) -> Callable[[], AbstractContextManager[None]]:
    """``with in_beta():`` steps into Charlie's realm for a while."""
    return lambda: scoping.realm_transaction(cast.beta.pk, "test")


@pytest.fixture
def system(cast: Cast) -> Actor:
    """The machine itself in alpha."""
    return Actor.system(cast.alpha.pk)


@pytest.fixture
def alice(cast: Cast) -> Actor:
    return actor_of(cast.alice)


@pytest.fixture
def bob(cast: Cast) -> Actor:
    return actor_of(cast.bob)


@pytest.fixture
def charlie(cast: Cast) -> Actor:
    return actor_of(cast.charlie)


@pytest.fixture
def visitor(cast: Cast) -> Actor:
    """Somebody on alpha's portal who has not signed in."""
    with scoping.realm_transaction(cast.alpha.pk):
        return selectors.visitor(cast.alpha.pk)


@pytest.fixture
def browser_of(cast: Cast) -> Callable[..., Client]:
    """``browser_of(cast.alice)``: Django's test client, signed in on the host of that person's realm."""

    def signed_in(user: User | None = None, host: str = "alpha.localhost", *, proven: bool = True) -> Client:
        if user is None:
            return Client(headers={"host": host})
        host = "alpha.localhost" if user.realm_id == cast.alpha.pk else "beta.localhost"
        client = Client(headers={"host": host})
        with scoping.realm_transaction(user.realm_id):
            sign_in(client, user, proven=proven)
        return client

    return signed_in
