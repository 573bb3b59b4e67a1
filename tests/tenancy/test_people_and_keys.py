"""People sign in to their own realm, invitations work once, keys are shown once."""

from __future__ import annotations

import datetime as dt

import pytest

from boss.core import clock
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.tenancy import selectors
from boss.tenancy.backends import RealmBackend
from boss.tenancy.errors import BadInvitation, EmailTaken, GrantExceedsOwn, SignInPaused, WeakPassword
from boss.tenancy.models import ApiKey, RoleGrant, User
from boss.tenancy.services import api_keys, invitations, roles, sites, users
from tests.cast import PASSWORD


@pytest.fixture
def at_alpha(rf, alpha):
    request = rf.post("/login/")
    request.realm = alpha
    return request


def test_alice_signs_in_at_her_realm_with_any_spelling_of_her_address(cast, at_alpha):
    assert RealmBackend().authenticate(at_alpha, email=" ALICE@alpha.example", password=PASSWORD) == cast.alice


def test_charlie_cannot_sign_in_at_alices_realm(at_alpha):
    assert RealmBackend().authenticate(at_alpha, email="charlie@beta.example", password=PASSWORD) is None


def test_five_failures_pause_that_guesser_and_not_alice_elsewhere(cast, at_alpha):
    for _attempt in range(5):
        assert RealmBackend().authenticate(at_alpha, email="alice@alpha.example", password="wrong") is None
    with pytest.raises(SignInPaused):
        RealmBackend().authenticate(at_alpha, email="alice@alpha.example", password=PASSWORD)
    at_alpha.META["REMOTE_ADDR"] = "198.51.100.7"
    assert RealmBackend().authenticate(at_alpha, email="alice@alpha.example", password=PASSWORD) == cast.alice


def test_one_address_belongs_to_one_person_of_a_realm_but_may_exist_in_another(alpha, alice, system, in_beta, cast):
    with pytest.raises(EmailTaken):
        users.create(actor=alice, email="BOB@alpha.example", full_name="Bob Two", kind="staff")
    assert User.objects.count() == 2
    from boss.core.actors import Actor

    with in_beta():
        users.create(actor=Actor.system(cast.beta.pk), email="bob@alpha.example", full_name="Bob", kind="subscriber")


def test_bad_input_names_the_fields(alpha, alice):
    with pytest.raises(InvalidInput) as caught:
        users.create(actor=alice, email="not an address", full_name=" ", kind="staff")
    assert set(caught.value.fields) == {"email", "full_name"}


def test_bob_may_not_make_people(alpha, bob):
    with pytest.raises(PermissionDenied):
        users.create(actor=bob, email="new@alpha.example", full_name="New", kind="staff")
    assert User.objects.count() == 2


def test_an_invitation_sets_the_password_once(alpha, system):
    dora = users.create(actor=system, email="dora@alpha.example", full_name="Dora", kind="subscriber")
    token = invitations.token(dora)
    invitations.accept(presented=token, password="a long enough one")
    assert User.objects.get(pk=dora.pk).check_password("a long enough one")
    with pytest.raises(BadInvitation):
        invitations.accept(presented=token, password="another long one!")


def test_an_invitation_with_a_weak_password_can_be_used_again(alpha, system):
    dora = users.create(actor=system, email="dora@alpha.example", full_name="Dora", kind="subscriber")
    token = invitations.token(dora)
    with pytest.raises(WeakPassword) as caught:
        invitations.accept(presented=token, password="short")
    assert "password" in caught.value.fields
    invitations.accept(presented=token, password="a long enough one")


def test_an_invitation_of_another_realm_opens_nothing(alpha, system, in_beta):
    dora = users.create(actor=system, email="dora@alpha.example", full_name="Dora", kind="subscriber")
    token = invitations.token(dora)
    with in_beta(), pytest.raises(BadInvitation):
        invitations.get_invited(token)


def test_links_are_built_from_the_canonical_host(alpha, system):
    dora = users.create(actor=system, email="dora@alpha.example", full_name="Dora", kind="subscriber")
    assert invitations.link(dora).startswith("https://alpha.localhost/invitation/")


def test_nobody_grants_what_he_does_not_hold(alpha, cast, alice, system):
    own = roles.grant(actor=alice, user=cast.bob, role_key="field_technician")
    assert own.kind == "realm"
    boss = users.create(actor=system, email="hr@alpha.example", full_name="HR", kind="staff")
    from boss.tenancy.models import Role

    Role.objects.create(key="hr", name="HR", permissions=["tenancy.grant_role", "tenancy.view_user"])
    roles.grant(actor=system, user=boss, role_key="hr")
    hr = selectors.actor_for_user(boss)
    with pytest.raises(GrantExceedsOwn):
        roles.grant(actor=hr, user=boss, role_key="realm_admin")
    assert RoleGrant.objects.filter(user=boss).count() == 1


def test_an_api_key_works_until_it_is_revoked_or_expires(alpha, alice):
    key, plain = api_keys.create(actor=alice, name="Shop", days=10)
    found = selectors.find_actor_for_api_key(plain)
    assert found is not None and found[1].kind == "api_key" and plain not in str(ApiKey.objects.values().get())
    assert selectors.find_actor_for_api_key(plain[:-1] + ("A" if plain[-1] != "A" else "B")) is None
    api_keys.revoke(actor=alice, key=key)
    assert selectors.find_actor_for_api_key(plain) is None
    with clock.moved(dt.timedelta(days=-11)):
        _old, expired = api_keys.create(actor=alice, name="Old", days=10)
    assert selectors.find_actor_for_api_key(expired) is None


def test_charlies_host_does_not_know_alphas_key(alpha, alice, in_beta):
    _key, plain = api_keys.create(actor=alice, name="Shop")
    with in_beta():
        assert selectors.find_actor_for_api_key(plain) is None


@pytest.mark.parametrize("typed", ["14 elm st", "14 Elm Street", "14  ELM  street,"])
def test_a_site_is_found_by_any_spelling_of_its_address(alpha, system, alice, typed):
    site = sites.create(actor=system, street="14 Elm Street", city="Lakeview", unit="#3")
    assert selectors.suggest_sites(alice, typed) == [site]
