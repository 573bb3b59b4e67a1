"""An organization's people are administered by its own: on it and its sites, with roles for organizations only."""

from __future__ import annotations

import pytest

from boss.core.permissions import PermissionDenied
from boss.notify.models import Message
from boss.notify.services import inviting
from boss.tenancy import selectors
from boss.tenancy.errors import AlreadySignsIn, GrantExceedsOwn, HoldsMore, NotOfOrganization
from boss.tenancy.models import RoleGrant, Site, User
from boss.tenancy.services import roles, sites, users
from tests.cast import PASSWORD
from ticketing.models import Category, Ticket
from ticketing.services import tickets


@pytest.fixture
def pinecrest(alpha, system):
    return sites.create_organization(actor=system, name="Pinecrest", kind="property_owner")


@pytest.fixture
def bayfront(alpha, system):
    return sites.create_organization(actor=system, name="Bayfront", kind="property_owner")


@pytest.fixture
def elm(system, pinecrest):
    return sites.create(actor=system, street="1 Elm", unit="1", city="Lake", organization=pinecrest)


@pytest.fixture
def oak(system, pinecrest):
    return sites.create(actor=system, street="2 Oak", unit="1", city="Lake", organization=pinecrest)


@pytest.fixture
def bay(system, bayfront):
    return sites.create(actor=system, street="3 Bay", unit="1", city="Lake", organization=bayfront)


def contact(system, organization, email, role="property_owner", **where):
    person = users.create(
        actor=system, email=email, full_name=email.partition("@")[0].title(), kind="contact", password=PASSWORD,
        organization=organization,
    )  # fmt: skip
    roles.grant(actor=system, user=person, role_key=role, **(where or {"organization": organization}))
    return person


@pytest.fixture
def olga(system, pinecrest):
    """Owner of Pinecrest."""
    return contact(system, pinecrest, "olga@pinecrest.example")


@pytest.fixture
def owner(olga):
    return selectors.actor_for_user(olga)


def test_the_owner_invites_a_colleague_to_one_building(owner, pinecrest, elm, oak, bay):
    kurt = inviting.invite(
        actor=owner, email="kurt@pinecrest.example", full_name="Kurt", kind="contact", role_key="property_owner",
        organization=pinecrest, sites=[elm],
    )  # fmt: skip
    assert list(selectors.list_sites(selectors.actor_for_user(kurt))) == [elm]
    assert set(selectors.list_sites(owner)) == {elm, oak}
    assert Message.objects.get(template="invitation").sent_by == "Olga"


def test_she_sees_her_people_and_not_the_residents_nor_the_staff(owner, olga, elm, system, pinecrest, bayfront):
    users.create(actor=system, email="res@mail.example", full_name="Resi Dent", kind="subscriber", site=elm)
    contact(system, bayfront, "ben@bayfront.example")
    assert set(selectors.list_people(owner)) == {olga}


def test_a_colleague_of_one_building_sees_nobody_and_invites_nobody(system, pinecrest, elm, oak):
    kurt = selectors.actor_for_user(contact(system, pinecrest, "kurt@pinecrest.example", site=elm))
    users.create(actor=system, email="res@mail.example", full_name="Resi Dent", kind="subscriber", site=elm)
    assert not selectors.list_people(kurt).exists()
    before = User.objects.count()
    with pytest.raises(PermissionDenied):
        users.create(actor=kurt, email="x@x.example", full_name="X", kind="contact", organization=pinecrest)
    assert User.objects.count() == before


@pytest.mark.parametrize("kind", ["staff", "subscriber"])
def test_she_makes_contacts_of_her_organization_only(owner, pinecrest, bayfront, kind):
    before = User.objects.count()
    with pytest.raises(PermissionDenied):
        users.create(actor=owner, email="x@x.example", full_name="X", kind=kind)
    with pytest.raises(PermissionDenied):
        users.create(actor=owner, email="x@x.example", full_name="X", kind=kind, organization=pinecrest)
    with pytest.raises(PermissionDenied):
        users.create(actor=owner, email="x@x.example", full_name="X", kind="contact", organization=bayfront)
    assert User.objects.count() == before


def test_she_gives_only_roles_for_organizations_on_hers_to_hers(owner, system, cast, pinecrest, bayfront, elm, bay):
    kurt = contact(system, pinecrest, "kurt@pinecrest.example", site=elm)
    ben = contact(system, bayfront, "ben@bayfront.example")
    before = set(RoleGrant.objects.values_list("pk", flat=True))
    for user, role, where, refusal in (
        (kurt, "csr", {"organization": pinecrest}, NotOfOrganization),
        (kurt, "subscriber", {"organization": pinecrest}, NotOfOrganization),
        (kurt, "property_owner", {}, PermissionDenied),
        (kurt, "property_owner", {"own": True}, PermissionDenied),
        (kurt, "property_owner", {"organization": bayfront}, PermissionDenied),
        (kurt, "property_owner", {"site": bay}, PermissionDenied),
        (ben, "property_owner", {"organization": pinecrest}, NotOfOrganization),
        (cast.bob, "property_owner", {"site": elm}, NotOfOrganization),
        (kurt, "partner", {"organization": pinecrest}, GrantExceedsOwn),
    ):
        with pytest.raises(refusal):
            roles.grant(actor=owner, user=user, role_key=role, **where)
    assert set(RoleGrant.objects.values_list("pk", flat=True)) == before
    assert roles.grant(actor=owner, user=kurt, role_key="property_owner", organization=pinecrest).kind == "organization"


def test_she_takes_away_what_she_could_give(owner, system, pinecrest, elm, bayfront):
    kurt = contact(system, pinecrest, "kurt@pinecrest.example", site=elm)
    ben = contact(system, bayfront, "ben@bayfront.example")
    with pytest.raises(PermissionDenied):
        roles.revoke(actor=owner, grant=RoleGrant.objects.get(user=ben))
    roles.revoke(actor=owner, grant=RoleGrant.objects.get(user=kurt))
    assert set(RoleGrant.objects.filter(user__in=[kurt, ben]).values_list("user", flat=True)) == {ben.pk}


def test_she_deactivates_a_colleague_and_brings_him_back_but_nobody_else(owner, system, cast, pinecrest, bayfront):
    kurt = contact(system, pinecrest, "kurt@pinecrest.example")
    ben = contact(system, bayfront, "ben@bayfront.example")
    users.deactivate(actor=owner, user=kurt)
    assert not User.objects.get(pk=kurt.pk).is_active
    users.reactivate(actor=owner, user=kurt)
    for other in (ben, cast.bob):
        with pytest.raises(PermissionDenied):
            users.deactivate(actor=owner, user=User.objects.get(pk=other.pk))
    assert User.objects.filter(pk__in=[kurt.pk, ben.pk, cast.bob.pk], is_active=True).count() == 3


def test_a_colleague_with_more_is_not_hers_to_take_over(owner, system, pinecrest):
    kurt = contact(system, pinecrest, "kurt@pinecrest.example")
    roles.grant(actor=system, user=kurt, role_key="partner", organization=pinecrest)
    with pytest.raises(HoldsMore):
        users.set_password(actor=owner, user=kurt, password="a long enough one")
    assert User.objects.get(pk=kurt.pk).check_password(PASSWORD)


def test_an_invitation_is_sent_again_until_there_is_a_password(owner, pinecrest, olga):
    kurt = inviting.invite(
        actor=owner, email="kurt@pinecrest.example", full_name="Kurt", kind="contact", role_key="property_owner",
        organization=pinecrest,
    )  # fmt: skip
    with pytest.raises(inviting.InvitedJustNow):
        inviting.send_again(actor=owner, user=kurt)
    users.set_password(actor=owner, user=kurt, password=PASSWORD)
    with pytest.raises(AlreadySignsIn):
        inviting.send_again(actor=owner, user=kurt)
    assert Message.objects.filter(template="invitation").count() == 1


def test_what_is_refused_makes_nobody_and_writes_to_nobody(owner, pinecrest, bay):
    before = User.objects.count()
    with pytest.raises(PermissionDenied):
        inviting.invite(
            actor=owner, email="kurt@pinecrest.example", full_name="Kurt", kind="contact", role_key="property_owner",
            organization=pinecrest, sites=[bay],
        )  # fmt: skip
    assert User.objects.count() == before and not Message.objects.exists()


def test_of_tickets_at_a_building_its_people_see_what_was_shared_with_them_and_no_residents(
    system, owner, pinecrest, elm, oak
):
    Category.objects.create(key="building", name="Building")
    resident = users.create(actor=system, email="res@mail.example", full_name="Resi", kind="subscriber", site=elm)
    private = tickets.open(actor=system, category_key="building", title="My quarrel", requester=resident)
    shared = tickets.open(actor=system, category_key="building", title="Riser", site=elm, organization=pinecrest)
    other = tickets.open(actor=system, category_key="building", title="Roof", site=oak, organization=pinecrest)
    kurt = selectors.actor_for_user(contact(system, pinecrest, "kurt@pinecrest.example", site=elm))
    assert private.site_id == elm.pk
    assert set(Ticket.objects.visible_to(owner)) == {shared, other}
    assert set(Ticket.objects.visible_to(kurt)) == {shared}


def test_the_owner_on_the_api(browser_of, olga, pinecrest, elm, oak, bay, cast):
    client = browser_of(olga)
    seen = client.get("/api/v1/tenancy/sites/").json()["results"]
    assert {each["public_id"] for each in seen} == {elm.public_id, oak.public_id}
    body = {
        "email": "kurt@pinecrest.example", "full_name": "Kurt", "kind": "contact", "role": "property_owner",
        "organization": pinecrest.public_id, "sites": [bay.public_id],
    }  # fmt: skip
    before = User.objects.count()
    assert client.post("/api/v1/tenancy/users/invite/", body, content_type="application/json").status_code == 404
    assert User.objects.count() == before
    body["sites"] = [elm.public_id]
    answer = client.post("/api/v1/tenancy/users/invite/", body, content_type="application/json")
    assert answer.status_code == 201, answer.content
    kurt = answer.json()["public_id"]
    grants = client.get(f"/api/v1/tenancy/users/{kurt}/grants/").json()
    assert [(each["role"], each["site"]) for each in grants] == [("property_owner", elm.public_id)]
    place = {"role": "property_owner", "site": elm.public_id}
    address = f"/api/v1/tenancy/users/{kurt}"
    assert client.post(f"{address}/revoke/", place, content_type="application/json").json() == []
    assert client.post(f"{address}/deactivate/", {}, content_type="application/json").json()["is_active"] is False
    for path in ("subscribers/accounts", "ipservices/services", "subscribers/orders", "tenancy/api-keys"):
        assert client.get(f"/api/v1/{path}/").status_code == 403, path
    assert Site.objects.count() == 3
