"""The owner portal: one's buildings, what was shared of tickets, one's people; nothing of a resident."""

from __future__ import annotations

import pytest

from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.notify.models import Message as Mail
from boss.tenancy.models import User
from boss.tenancy.services import roles, sites, users
from tests.cast import PASSWORD, actor_of
from tests.portals.visiting import hidden, message_beside
from ticketing.models import Category, Message, Ticket
from ticketing.services import tickets

pytestmark = pytest.mark.usefixtures("alpha")


@pytest.fixture
def pinecrest(alpha, system):
    return sites.create_organization(actor=system, name="Pinecrest", kind="property_owner")


@pytest.fixture
def elm(system, pinecrest):
    """Three units at 1 Elm."""
    return [
        sites.create(actor=system, street="1 Elm", unit=unit, city="Lake", organization=pinecrest) for unit in "123"
    ]


@pytest.fixture
def oak(system, pinecrest):
    return sites.create(actor=system, street="2 Oak", unit="1", city="Lake", organization=pinecrest)


@pytest.fixture
def bay(system):
    other = sites.create_organization(actor=system, name="Bayfront", kind="property_owner")
    return sites.create(actor=system, street="3 Bay", unit="1", city="Lake", organization=other)


def person(system, organization, email, **where):
    made = users.create(
        actor=system, email=email, full_name=email.partition("@")[0].title(), kind="contact", password=PASSWORD,
        organization=organization,
    )  # fmt: skip
    for site in where.get("sites", ()):
        roles.grant(actor=system, user=made, role_key="property_owner", site=site)
    if not where:
        roles.grant(actor=system, user=made, role_key="property_owner", organization=organization)
    return made


@pytest.fixture
def olga(system, pinecrest):
    return person(system, pinecrest, "olga@pinecrest.example")


@pytest.fixture
def shared(system, pinecrest, elm):
    """A ticket shared with Pinecrest, with a note for staff only."""
    Category.objects.create(key="building", name="Building")
    ticket = tickets.open(
        actor=system, category_key="building", title="New riser", site=elm[0], organization=pinecrest
    )  # fmt: skip
    tickets.add_message(actor=system, ticket=ticket, body="The owner pays late", kind="internal")
    tickets.add_message(actor=system, ticket=ticket, body="We come on Monday", kind="public")
    return ticket


def test_after_signing_in_she_is_at_her_buildings(browser_of, olga, elm, oak, bay):
    client = browser_of(olga)
    assert client.get("/")["Location"] == "/owner/"
    page = client.get("/owner/").content.decode()
    assert "1 Elm" in page and "2 Oak" in page and "3 Bay" not in page
    assert "0 of 3 units connected" in page and "0 of 1" not in page  # one unit's state would be its household's


def test_a_building_that_is_not_hers_is_not_there(browser_of, olga, elm, bay):
    client = browser_of(olga)
    assert client.get(f"/owner/buildings/{elm[1].public_id}/").status_code == 200
    assert client.get(f"/owner/buildings/{bay.public_id}/").status_code == 404


def test_of_a_shared_ticket_she_reads_what_is_public_and_answers(browser_of, olga, shared):
    client = browser_of(olga)
    page = client.get(f"/owner/tickets/{shared.public_id}/").content.decode()
    assert "We come on Monday" in page and "pays late" not in page
    answer = client.post(f"/owner/tickets/{shared.public_id}/", {"body": "Fine with me"})
    assert answer.status_code == 302
    said = Message.objects.get(body="Fine with me")
    assert said.author_label == "Olga" and said.kind == "public"


def test_a_residents_ticket_is_not_there_for_them(system, browser_of, pinecrest, olga, elm, shared):
    resident = users.create(actor=system, email="r@mail.example", full_name="Resi", kind="subscriber", site=elm[0])
    private = tickets.open(actor=system, category_key="building", title="My quarrel", requester=resident)
    kurt = person(system, pinecrest, "kurt@pinecrest.example", sites=elm)
    before = Message.objects.count()
    for who in (olga, kurt):
        client = browser_of(who)
        assert client.get(f"/owner/tickets/{private.public_id}/").status_code == 404
        assert client.post(f"/owner/tickets/{private.public_id}/", {"body": "x"}).status_code == 404
        for path in ("/owner/", "/owner/tickets/", f"/owner/buildings/{elm[0].public_id}/"):
            page = client.get(path).content.decode()
            assert "quarrel" not in page and "Resi" not in page and "New riser" in page
    assert Message.objects.count() == before


def test_a_colleague_of_one_building_sees_it_alone_and_no_people(system, browser_of, pinecrest, elm, oak):
    client = browser_of(person(system, pinecrest, "kurt@pinecrest.example", sites=[oak]))
    page = client.get("/owner/").content.decode()
    assert "2 Oak" in page and "1 Elm" not in page
    before = User.objects.count()
    body = {"full_name": "X", "email": "x@x.example", "role": "property_owner"}
    assert client.post("/owner/people/invite/", body).status_code == 404
    assert User.objects.count() == before


def test_she_invites_a_colleague_to_a_building_of_hers_and_not_to_another(browser_of, olga, elm, oak, bay):
    client = browser_of(olga)
    body = {"full_name": "Kurt", "email": "kurt@pinecrest.example", "role": "property_owner"}
    assert client.post("/owner/people/invite/", {**body, "buildings": [bay.public_id]}).status_code == 422
    assert client.post("/owner/people/invite/", {**body, "role": "csr"}).status_code == 422
    assert not User.objects.filter(email_norm="kurt@pinecrest.example").exists() and not Mail.objects.exists()
    assert client.post("/owner/people/invite/", {**body, "buildings": [elm[0].public_id]}).status_code == 302
    kurt = User.objects.get(email_norm="kurt@pinecrest.example")
    assert set(kurt.role_grants.values_list("site", flat=True)) == {site.pk for site in elm}
    assert "Kurt" in client.get("/owner/people/").content.decode()
    assert client.post(f"/owner/people/{kurt.public_id}/deactivate/").status_code == 302
    assert not User.objects.get(pk=kurt.pk).is_active


def test_people_of_another_organization_are_not_there(system, browser_of, olga, bay, cast):
    ben = person(system, bay.organization, "ben@bayfront.example")
    client = browser_of(olga)
    assert "Ben" not in client.get("/owner/people/").content.decode()
    for other in (ben, cast.bob):
        assert client.post(f"/owner/people/{other.public_id}/deactivate/").status_code == 404
    assert User.objects.filter(pk__in=[ben.pk, cast.bob.pk], is_active=True).count() == 2


def test_subscribers_and_staff_have_no_business_here_nor_she_elsewhere(browser_of, cast, olga):
    assert browser_of(cast.alice).get("/owner/").status_code == 403
    for path in ("/console/", "/my/", "/console/people/"):
        assert browser_of(olga).get(path).status_code == 403


def test_letting_a_colleague_in_wants_a_fresh_proof_and_putting_him_out_does_not(
    system, browser_of, pinecrest, olga, oak
):
    kurt = person(system, pinecrest, "kurt@pinecrest.example", sites=[oak])
    client = browser_of(olga, proven=False)
    assert client.get("/owner/people/invite/")["Location"].startswith("/login/again/")
    body = {"full_name": "Nora", "email": "nora@pinecrest.example", "role": "property_owner"}
    assert client.post("/owner/people/invite/", body)["Location"].startswith("/login/again/")
    assert not User.objects.filter(email_norm="nora@pinecrest.example").exists()
    assert client.post(f"/owner/people/{kurt.public_id}/deactivate/")["Location"] == "/owner/people/"
    assert client.post(f"/owner/people/{kurt.public_id}/reactivate/")["Location"].startswith("/login/again/")
    assert not User.objects.get(pk=kurt.pk).is_active
    assert browser_of(olga).post(f"/owner/people/{kurt.public_id}/reactivate/")["Location"] == "/owner/people/"
    assert User.objects.get(pk=kurt.pk).is_active


# A new ticket

ASKED = {"category": "building", "title": "The riser hums", "body": "Since Monday, in the cellar", "form_key": ""}
NEW = "/owner/tickets/new/"


@pytest.fixture
def topics(alpha):
    Category.objects.create(key="building", name="Building", portal_visible=True)
    Category.objects.create(key="office", name="Office", portal_visible=False)


def opened():
    return list(Ticket.objects.values_list("title", "site", "organization", "requester__full_name"))


def test_she_opens_a_ticket_about_a_place_of_hers(browser_of, olga, pinecrest, elm, oak, topics):
    client = browser_of(olga)
    assert f'href="{NEW}"' in client.get("/owner/tickets/").content.decode()
    answer = client.post(NEW, {**ASKED, "site": elm[1].public_id})
    ticket = Ticket.objects.get()
    assert answer["Location"] == f"/owner/tickets/{ticket.public_id}/"
    assert opened() == [("The riser hums", elm[1].pk, pinecrest.pk, "Olga")]
    page = client.get(answer["Location"]).content.decode()
    assert "We have your ticket" in page and "Since Monday" in page


def test_she_may_speak_of_all_her_buildings_a_colleague_of_one_says_which(
    system, browser_of, pinecrest, olga, elm, oak, topics
):
    assert browser_of(olga).post(NEW, {**ASKED, "site": ""}).status_code == 302
    assert opened() == [("The riser hums", None, pinecrest.pk, "Olga")]
    kurt = browser_of(person(system, pinecrest, "kurt@pinecrest.example", sites=[oak]))
    refused = kurt.post(NEW, {**ASKED, "site": ""})
    assert refused.status_code == 422 and "choose the place" in message_beside(refused, "site")
    assert len(opened()) == 1
    assert kurt.post(NEW, {**ASKED, "site": oak.public_id}).status_code == 302
    assert opened()[1] == ("The riser hums", oak.pk, pinecrest.pk, "Kurt")


def test_only_her_own_places_and_topics_are_offered_and_taken(
    system, browser_of, pinecrest, olga, elm, oak, bay, topics
):
    client = browser_of(olga)
    page = client.get(NEW).content.decode()
    assert "1 Elm" in page and "2 Oak" in page and "3 Bay" not in page and "Office" not in page
    there = client.get(f"{NEW}?building={oak.public_id}").content.decode()
    assert "2 Oak" in there and "1 Elm" not in there
    for wrong in ({"site": bay.public_id}, {"site": "x"}, {"category": "office"}):
        assert client.post(NEW, {**ASKED, "site": elm[0].public_id, **wrong}).status_code == 422
    kurt = browser_of(person(system, pinecrest, "kurt@pinecrest.example", sites=[oak]))
    assert "1 Elm" not in kurt.get(NEW).content.decode()
    assert kurt.post(NEW, {**ASKED, "site": elm[0].public_id}).status_code == 422
    assert opened() == []


def test_the_wall_stands_behind_the_form_too(system, cast, pinecrest, olga, elm, bay, topics):
    kurt = actor_of(person(system, pinecrest, "kurt@pinecrest.example", sites=elm[:1]))
    for actor, site in ((actor_of(olga), bay), (kurt, elm[1])):
        with pytest.raises(InvalidInput) as refused:
            tickets.open(actor=actor, category_key="building", title="x", site=site)
        assert "site" in refused.value.fields
    resident = users.create(actor=system, email="r@mail.example", full_name="Resi", kind="subscriber", site=elm[0])
    roles.grant(actor=system, user=resident, role_key="subscriber", own=True)
    with pytest.raises(PermissionDenied):
        tickets.open(actor=actor_of(resident), category_key="building", title="x", site=elm[0])
    assert opened() == []


def test_the_api_takes_a_place_of_hers_and_no_other(browser_of, olga, elm, bay, topics):
    client, address = browser_of(olga), "/api/v1/ticketing/tickets/"
    body = {"category": "building", "title": "The riser hums"}
    for wrong in (bay.public_id, "nowhere"):
        answer = client.post(address, {**body, "site": wrong}, content_type="application/json")
        assert answer.status_code == 422 and "site" in answer.json()["fields"]
    assert opened() == []
    assert client.post(address, {**body, "site": elm[2].public_id}, content_type="application/json").status_code == 201
    assert opened()[0][1] == elm[2].pk


def test_a_click_too_many_opens_one_ticket_and_a_neighbour_reads_none(
    system, browser_of, olga, pinecrest, elm, oak, bay, topics
):
    client = browser_of(olga)
    typed = {**ASKED, **hidden(client.get(NEW)), "site": elm[0].public_id}
    for _click in range(2):
        assert client.post(NEW, typed).status_code == 302
    (ticket,) = Ticket.objects.all()
    kurt = browser_of(person(system, pinecrest, "kurt@pinecrest.example", sites=[oak]))
    ben = browser_of(person(system, bay.organization, "ben@bayfront.example"))
    assert [each.get(f"/owner/tickets/{ticket.public_id}/").status_code for each in (kurt, ben)] == [404, 404]


def test_nobody_without_an_organization_asks_here(browser_of, cast, topics):
    assert browser_of(cast.alice).get(NEW).status_code == 404
    assert browser_of(cast.alice).post(NEW, ASKED).status_code == 404
    assert opened() == []
