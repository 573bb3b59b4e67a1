"""The pages of people and rights: found by kind, state and name; refusals said where they belong; few questions."""

from __future__ import annotations

import pytest

from boss.notify.models import Message as Mail
from boss.tenancy.models import ApiKey, Role, RoleGrant, User
from boss.tenancy.services import roles, sites, users
from tests.cast import make_user

pytestmark = pytest.mark.usefixtures("alpha")


@pytest.fixture
def bank(system):
    return sites.create_organization(actor=system, name="Bank")


@pytest.fixture
def everybody(cast, system, bank):
    users.create(actor=system, email="dora@mail.example", full_name="Dora Dane", kind="subscriber")
    users.create(actor=system, email="ben@bank.example", full_name="Ben Bank", kind="contact", organization=bank)


def names(client, query):
    page = client.get(f"/console/people/?{query}").content.decode()
    return {name for name in ("Alice Able", "Bob Baker", "Dora Dane", "Ben Bank") if f"<b>{name}</b>" in page}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"Alice Able", "Bob Baker", "Dora Dane", "Ben Bank"}),
        ("kind=staff", {"Alice Able", "Bob Baker"}),
        ("kind=contact", {"Ben Bank"}),
        ("q=dora%40MAIL", {"Dora Dane"}),
        ("q=bak", {"Bob Baker"}),
        ("state=inactive", set()),
        ("kind=nonsense&q=b", {"Alice Able", "Bob Baker", "Ben Bank"}),
    ],
)
def test_people_are_found(everybody, cast, browser_of, query, found):
    assert names(browser_of(cast.bob), query) == found


def test_a_longer_list_asks_no_more_questions(everybody, cast, browser_of, statements_of, system):
    client = browser_of(cast.alice)

    def asked():
        """What the list asks, without the frame's questions, which are kept for some seconds."""
        found = statements_of(client, "/console/people/")
        return len([each for each in found if "tenancy_user" in each or "tenancy_role" in each])

    few = asked()
    for number in range(5):
        users.create(actor=system, email=f"p{number}@mail.example", full_name="P", kind="subscriber")
    assert asked() == few


def test_alice_invites_staff_and_a_contact(cast, browser_of, bank):
    client = browser_of(cast.alice)
    body = {"full_name": "Nora", "email": "nora@alpha.example", "kind": "staff", "role": "noc"}
    assert client.post("/console/people/invite/", body).status_code == 302
    body = {"full_name": "Ben", "email": "ben@bank.example", "kind": "contact", "role": "organization_contact"}
    refused = client.post("/console/people/invite/", body)
    assert refused.status_code == 422 and "belongs to an organization" in refused.content.decode()
    assert client.post("/console/people/invite/", {**body, "organization": bank.public_id}).status_code == 302
    assert set(RoleGrant.objects.values_list("user__email_norm", "kind").exclude(user__in=[cast.alice, cast.bob])) == {
        ("nora@alpha.example", "realm"), ("ben@bank.example", "organization"),
    }  # fmt: skip
    assert Mail.objects.filter(template="invitation").count() == 2


def test_a_role_is_given_on_a_site_found_by_its_address_and_taken_away(cast, browser_of, system):
    tom = make_user(cast.alpha, "tom@alpha.example", "Tom")
    site = sites.create(actor=system, street="14 Elm Street", city="Lake")
    sites.create(actor=system, street="14 Elm Street", unit="2", city="Lake")
    client = browser_of(cast.alice)
    address = f"/console/people/{tom.public_id}"
    form = {"role": "field_technician", "where": "site", "site": "14 elm"}
    assert client.post(f"{address}/grant/", form).status_code == 422  # two begin so
    assert client.post(f"{address}/grant/", {**form, "site": "14 Elm St Lake"}).status_code == 302
    grant = RoleGrant.objects.get(user=tom)
    assert grant.site == site
    assert client.post(f"{address}/revoke/", {"grant": grant.pk}).status_code == 302
    assert not RoleGrant.objects.filter(user=tom).exists()


def test_another_persons_grant_is_not_taken_away_by_its_number(cast, browser_of):
    grant = RoleGrant.objects.get(user=cast.bob)
    client = browser_of(cast.alice)
    assert client.post(f"/console/people/{cast.alice.public_id}/revoke/", {"grant": grant.pk}).status_code == 404
    assert client.post(f"/console/people/{cast.bob.public_id}/revoke/", {"grant": "x"}).status_code == 404
    assert RoleGrant.objects.filter(pk=grant.pk).exists()


def test_a_manager_of_people_is_told_that_the_administrator_is_not_his_to_change(cast, alice, browser_of):
    roles.create(
        actor=alice, name="HR", permissions=["core.use_console", "tenancy.view_user", "tenancy.change_user"]
    )  # fmt: skip
    client = browser_of(make_user(cast.alpha, "hr@alpha.example", "Hanna", "hr"))
    form = {"full_name": "Alice X", "email": "hanna@evil.example", "phone": ""}
    answer = client.post(f"/console/people/{cast.alice.public_id}/change/", form)
    assert answer.status_code == 422 and "rights that you do not have" in answer.content.decode()
    client.post(f"/console/people/{cast.alice.public_id}/deactivate/")
    kept = User.objects.get(pk=cast.alice.pk)
    assert (kept.email, kept.full_name, kept.is_active) == ("alice@alpha.example", "Alice Able", True)


def test_whoever_changes_his_own_roles_stays_signed_in_here(cast, browser_of):
    client = browser_of(User.objects.get(pk=cast.alice.pk))
    form = {"role": "auditor", "where": "realm"}
    assert client.post(f"/console/people/{cast.alice.public_id}/grant/", form).status_code == 302
    assert client.get("/console/people/").status_code == 200


def test_a_role_is_made_by_its_form_and_refused_where_it_says_nothing(cast, browser_of):
    client = browser_of(cast.alice)
    assert client.post("/console/roles/new/", {"name": "Night", "audience": "staff"}).status_code == 422
    body = {"name": "Night", "audience": "staff", "permissions": ["core.use_console", "ticketing.view_ticket"]}
    assert client.post("/console/roles/new/", body).status_code == 302
    page = client.get("/console/roles/night/").content.decode()
    assert "Use the console" in page and "See tickets" in page
    assert (
        client.post("/console/roles/night/edit/", {"name": "Night", "permissions": ["core.search"]}).status_code == 302
    )
    assert Role.objects.get(key="night").permissions == ["core.search"]
    assert client.get("/console/roles/csr/edit/").status_code == 404


def test_a_key_is_shown_once_and_a_form_sent_twice_makes_one(cast, browser_of):
    client = browser_of(cast.alice)
    body = {"name": "Shop", "role": "api_client", "days": "30", "form_key": "once"}
    shown = client.post("/console/keys/new/", body).content.decode()
    assert f"boss_{ApiKey.objects.get().public_id}_" in shown
    assert client.post("/console/keys/new/", body).status_code == 302 and ApiKey.objects.count() == 1
    assert ApiKey.objects.get().secret_hash not in client.get("/console/keys/").content.decode()
