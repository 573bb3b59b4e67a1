"""Nobody gives a right farther than he holds it, by a role or by a key, and subscribers get none on the realm."""

from __future__ import annotations

import pytest

from boss.core.actors import Actor, Grant
from boss.tenancy import selectors
from boss.tenancy.errors import GrantExceedsOwn, StaffOnlyRole
from boss.tenancy.models import ApiKey, Role, RoleGrant, User
from boss.tenancy.services import api_keys, roles, sites, users

VIEW = "tenancy.view_site"


@pytest.fixture
def pinecrest(alpha, system):
    return sites.create_organization(actor=system, name="Pinecrest")


@pytest.fixture
def bayfront(alpha, system):
    return sites.create_organization(actor=system, name="Bayfront")


@pytest.fixture
def viewer(alpha):
    """A role with one right."""
    Role.objects.create(key="viewer", name="Viewer", permissions=[VIEW])
    return "viewer"


@pytest.fixture
def contact(alpha, pinecrest, cast):
    """Somebody who may grant roles and make keys on the realm, and holds the right on Pinecrest alone."""
    hands_out = Grant(frozenset({"tenancy.grant_role", "tenancy.add_apikey"}), "realm")
    return Actor(
        alpha.pk, "user", "C", cast.alice.pk, (hands_out, Grant(frozenset({VIEW}), "organization", pinecrest.pk))
    )


def refused(contact, user, role, **where):
    before = RoleGrant.objects.count()
    with pytest.raises(GrantExceedsOwn):
        roles.grant(actor=contact, user=user, role_key=role, **where)
    assert RoleGrant.objects.count() == before


def test_a_right_on_one_organization_is_not_given_on_the_realm(contact, cast, viewer):
    refused(contact, cast.bob, viewer)
    refused(contact, cast.bob, viewer, own=True)


def test_a_right_on_one_organization_is_not_given_on_another(contact, cast, viewer, bayfront, system):
    refused(contact, cast.bob, viewer, organization=bayfront)
    theirs = sites.create(actor=system, street="2 Elm", city="Lake", organization=bayfront)
    nobodys = sites.create(actor=system, street="3 Elm", city="Lake")
    refused(contact, cast.bob, viewer, site=theirs)
    refused(contact, cast.bob, viewer, site=nobodys)


def test_a_right_on_one_organization_is_given_on_it_and_on_its_sites(contact, cast, viewer, pinecrest, system):
    site = sites.create(actor=system, street="1 Elm", city="Lake", organization=pinecrest)
    assert roles.grant(actor=contact, user=cast.bob, role_key=viewer, organization=pinecrest).kind == "organization"
    assert roles.grant(actor=contact, user=cast.bob, role_key=viewer, site=site).kind == "site"


def test_a_right_on_one_site_stays_on_it(alpha, cast, viewer, pinecrest, system):
    site = sites.create(actor=system, street="1 Elm", city="Lake", organization=pinecrest)
    grants = (Grant(frozenset({"tenancy.grant_role"}), "realm"), Grant(frozenset({VIEW}), "site", site.pk))
    keeper = Actor(alpha.pk, "user", "K", cast.alice.pk, grants)
    assert roles.grant(actor=keeper, user=cast.bob, role_key=viewer, site=site).kind == "site"
    refused(keeper, cast.bob, viewer, organization=pinecrest)
    refused(keeper, cast.bob, viewer)


def test_an_api_keys_scopes_bind_what_it_may_give(alpha, alice, cast, viewer):
    narrow = Actor(alpha.pk, "api_key", "K", None, alice.grants, frozenset({"tenancy.grant_role"}))
    refused(narrow, cast.bob, viewer)


def test_a_key_gets_no_right_that_its_maker_holds_on_one_organization_only(contact, viewer):
    with pytest.raises(GrantExceedsOwn):
        api_keys.create(actor=contact, name="Shop", role_key=viewer)
    with pytest.raises(GrantExceedsOwn):
        api_keys.create(actor=contact, name="Shop", role_key="realm_admin", scopes=[VIEW])
    assert not ApiKey.objects.exists()


def test_a_maker_who_holds_the_right_on_the_realm_makes_the_key(alice, viewer):
    key, _plain = api_keys.create(actor=alice, name="Shop", role_key=viewer)
    assert ApiKey.objects.get() == key


def test_a_subscriber_gets_no_role_on_the_realm_whoever_gives_it(alpha, alice, system):
    dora = users.create(actor=system, email="dora@alpha.example", full_name="Dora", kind="subscriber")
    for actor, role in ((system, "realm_admin"), (alice, "auditor"), (system, "subscriber")):
        with pytest.raises(StaffOnlyRole) as caught:
            roles.grant(actor=actor, user=dora, role_key=role)
        assert "role" in caught.value.fields
    assert not RoleGrant.objects.filter(user=dora).exists()


def test_a_role_on_the_realm_that_a_subscriber_has_all_the_same_does_not_count(alpha, system):
    dora = users.create(actor=system, email="dora@alpha.example", full_name="Dora", kind="subscriber")
    RoleGrant.objects.create(user=dora, role=Role.objects.get(key="realm_admin"), kind="realm")
    assert selectors.actor_for_user(dora).grants == ()


def test_the_api_makes_no_subscriber_with_a_role(browser_of, cast, alpha):
    body = {"email": "dora@alpha.example", "full_name": "Dora", "kind": "subscriber", "role": "auditor"}
    answer = browser_of(cast.alice).post("/api/v1/tenancy/users/", body, content_type="application/json")
    assert answer.status_code == 422 and "role" in answer.json()["fields"]
    assert not User.objects.filter(email_norm="dora@alpha.example").exists()
