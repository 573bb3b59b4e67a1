"""Roles: what the built-in ones may do, a realm's own, and that nobody comes by more than he holds."""

from __future__ import annotations

import pytest
from django.conf import settings

from boss.core import audit
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.tenancy import policies, selectors, vocabulary
from boss.tenancy.errors import GrantExceedsOwn, HoldsMore, NotYourself, RoleInUse, RoleIsBuiltIn, StaffOnlyRole
from boss.tenancy.models import Role, RoleGrant, User
from boss.tenancy.services import api_keys, invitations, roles, sites, users
from tests.cast import make_user

pytestmark = pytest.mark.usefixtures("alpha")


def again(user):
    return User.objects.get(pk=user.pk)


@pytest.fixture
def hr(alpha, system):
    """Somebody who may change people and give roles on the whole realm, and holds little else."""
    Role.objects.create(
        key="hr", name="HR", permissions=["tenancy.view_user", "tenancy.add_user", "tenancy.change_user",
                                          "tenancy.grant_role", "tenancy.manage_roles", "tenancy.view_role"],
    )  # fmt: skip
    person = users.create(actor=system, email="hr@alpha.example", full_name="Hanna", kind="staff")
    roles.grant(actor=system, user=person, role_key="hr")
    return selectors.actor_for_user(person)


def test_every_realm_has_every_built_in_role(alpha):
    assert set(Role.objects.filter(built_in=True).values_list("key", flat=True)) == set(policies.BUILT_IN)


def test_an_administrator_can_give_every_built_in_role():
    held = policies.BUILT_IN["realm_admin"].permissions | policies.DOORS
    assert {key for key, policy in policies.BUILT_IN.items() if not policy.permissions <= held} == set()


def test_every_permission_has_words():
    assert policies.every_permission() | policies.VISITOR == set(vocabulary.WORDS)


def test_no_role_of_an_organization_reads_what_is_the_residents():
    """Accounts at a building carry its owner's organization: a right to read them would show him his residents."""
    private = {"subscribers.view_account", "ipservices.view_service", "ticketing.view_internal_message"}
    assert not policies.of_audience("organization") & private
    assert not any(each.startswith(("ipservices.", "workflow.")) for each in policies.of_audience("organization"))


# Nobody comes by more than he holds


def test_whoever_may_change_people_does_not_take_over_the_administrator(cast, hr):
    before = User.objects.values("password", "email", "is_active").get(pk=cast.alice.pk)
    for attempt in (
        lambda: users.set_password(actor=hr, user=again(cast.alice), password="a long enough one"),
        lambda: users.change_email(actor=hr, user=again(cast.alice), email="hanna@evil.example"),
        lambda: users.deactivate(actor=hr, user=again(cast.alice)),
        lambda: users.reactivate(actor=hr, user=again(cast.alice)),
    ):
        with pytest.raises(HoldsMore):
            attempt()
    assert User.objects.values("password", "email", "is_active").get(pk=cast.alice.pk) == before


def test_nor_by_taking_her_roles_away_first(cast, hr):
    with pytest.raises(GrantExceedsOwn):
        roles.revoke(actor=hr, grant=RoleGrant.objects.get(user=cast.alice))
    assert RoleGrant.objects.filter(user=cast.alice).count() == 1


def test_a_key_with_fewer_scopes_than_its_role_does_not_either(cast, alpha, alice):
    _key, plain = api_keys.create(actor=alice, name="People", role_key="realm_admin", scopes=["tenancy.change_user"])
    program = selectors.find_actor_for_api_key(plain)[1]
    with pytest.raises((HoldsMore, PermissionDenied)):
        users.change_email(actor=program, user=again(cast.alice), email="k@evil.example")
    assert again(cast.alice).email == "alice@alpha.example"


def test_an_administrator_changes_another_and_a_subscriber(cast, alice, system):
    other = make_user(cast.alpha, "anna@alpha.example", "Anna", "realm_admin")
    dora = make_user(cast.alpha, "dora@alpha.example", "Dora", "subscriber", kind="subscriber", own=True)
    users.change_email(actor=alice, user=other, email="anna2@alpha.example")
    users.set_password(actor=alice, user=dora, password="a long enough one")
    assert again(other).email_norm == "anna2@alpha.example" and again(dora).check_password("a long enough one")


def test_a_link_mailed_to_the_old_address_opens_nothing(cast, alice, system):
    dora = users.create(actor=system, email="dora@alpha.example", full_name="Dora", kind="staff")
    old = invitations.token(dora)
    users.change_email(actor=alice, user=dora, email="dora.d@alpha.example")
    with pytest.raises(invitations.BadInvitation):
        invitations.get_invited(old)


def test_nobody_deactivates_himself(cast, alice):
    with pytest.raises(NotYourself):
        users.deactivate(actor=alice, user=again(cast.alice))
    assert again(cast.alice).is_active


# Roles of the realm's own


def test_alice_makes_changes_and_archives_a_role_with_before_and_after_on_record(cast, alice):
    role = roles.create(actor=alice, name="Night shift", permissions=["ticketing.view_ticket", "core.use_console"])
    assert role.key == "night-shift" and role.is_for == "staff"
    role = roles.edit(actor=alice, role=role, name="Night shift", permissions=["ticketing.view_ticket"])
    changed = audit.list_for(role).get(action="role.changed")
    assert changed.before["permissions"] == ["core.use_console", "ticketing.view_ticket"]
    assert changed.after["permissions"] == ["ticketing.view_ticket"] and changed.actor_label == "Alice Able"
    roles.archive(actor=alice, role=role)
    with pytest.raises(InvalidInput):
        roles.grant(actor=alice, user=cast.bob, role_key="night-shift")


def test_what_it_gives_holds_at_once_and_the_holders_sessions_get_other_keys(cast, alice, browser_of):
    role = roles.create(actor=alice, name="Reader", permissions=["core.use_console"])
    dora = make_user(cast.alpha, "dora@alpha.example", "Dora", "reader")
    client = browser_of(dora)
    assert client.get("/console/").status_code == 200
    before = key_of(client)
    roles.edit(actor=alice, role=role, name="Reader", permissions=["core.use_console", "tenancy.view_site"])
    assert client.get("/console/").status_code == 200 and key_of(client) != before
    assert selectors.actor_for_user(again(dora)).holds("tenancy.view_site")


def test_a_role_that_somebody_has_is_not_archived(cast, alice):
    role = roles.create(actor=alice, name="Reader", permissions=["core.use_console"])
    roles.grant(actor=alice, user=cast.bob, role_key="reader")
    with pytest.raises(RoleInUse):
        roles.archive(actor=alice, role=role)
    assert Role.objects.get(pk=role.pk).archived_at is None


@pytest.mark.parametrize("wanted", [["tenancy.become_king"], [], ["core.view_auditentry; DROP"]])
def test_only_permissions_that_exist_stand_in_a_role(alpha, alice, wanted):
    with pytest.raises(InvalidInput) as caught:
        roles.create(actor=alice, name="Odd", permissions=wanted)
    assert "permissions" in caught.value.fields and not Role.objects.filter(name="Odd").exists()


def test_a_permission_that_came_into_a_row_some_other_way_does_not_count(alpha):
    role = Role.objects.create(key="odd", name="Odd", permissions=["tenancy.become_king", "core.search"])
    assert role.effective_permissions() == {"core.search"}


def test_nobody_puts_into_a_role_what_he_does_not_hold(alpha, alice, hr):
    with pytest.raises(GrantExceedsOwn):
        roles.create(actor=hr, name="Backdoor", permissions=["core.view_auditentry"])
    role = roles.create(actor=alice, name="Reader", permissions=["core.view_auditentry", "tenancy.view_user"])
    with pytest.raises(GrantExceedsOwn):
        roles.edit(actor=hr, role=role, name="Reader", permissions=["tenancy.view_user"])
    with pytest.raises(GrantExceedsOwn):
        roles.edit(actor=hr, role=role, name="Reader", permissions=[*role.permissions, "core.search"])
    assert Role.objects.get(pk=role.pk).permissions == role.permissions


def test_built_in_roles_stay_as_they_are_and_bob_makes_none(alpha, alice, bob):
    with pytest.raises(RoleIsBuiltIn):
        roles.edit(actor=alice, role=Role.objects.get(key="csr"), name="CSR", permissions=["core.search"])
    with pytest.raises(PermissionDenied):
        roles.create(actor=bob, name="Mine", permissions=["core.search"])
    assert not Role.objects.filter(built_in=False).exists()


def test_a_role_for_organizations_holds_nothing_that_is_the_residents(alpha, alice):
    with pytest.raises(InvalidInput):
        roles.create(actor=alice, name="Spy", audience="organization", permissions=["subscribers.view_account"])
    made = roles.create(actor=alice, name="Caretaker", audience="organization", permissions=["tenancy.view_site"])
    assert made.is_for == "organization"


def test_a_role_of_staff_is_not_given_to_a_subscriber_or_contact_anywhere(cast, alice, system):
    bank = sites.create_organization(actor=system, name="Bank")
    dora = users.create(actor=system, email="d@alpha.example", full_name="D", kind="contact", organization=bank)
    console = roles.create(actor=alice, name="Console", permissions=["core.use_console"])
    for role_key in ("csr", "api_client", console.key):
        with pytest.raises(StaffOnlyRole):
            roles.grant(actor=alice, user=dora, role_key=role_key, organization=bank)
    assert not RoleGrant.objects.filter(user=dora).exists()


def key_of(client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def test_giving_and_taking_a_role_gives_the_persons_sessions_other_keys(cast, alice, browser_of):
    client = browser_of(again(cast.bob))
    assert client.get("/console/").status_code == 200
    keys = [key_of(client)]
    given = roles.grant(actor=alice, user=again(cast.bob), role_key="noc")
    assert client.get("/console/").status_code == 200
    keys.append(key_of(client))
    roles.revoke(actor=alice, grant=given)
    assert client.get("/console/").status_code == 200
    assert len({*keys, key_of(client)}) == 3
    entry = audit.list_for(cast.bob).get(action="role.revoked")
    assert entry.before == {"role": "noc", "kind": "realm"}
