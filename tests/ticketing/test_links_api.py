"""Merging, splitting and linking on the API: as on the pages, and a merged ticket leads on."""

from __future__ import annotations

import pytest

from tests.cast import actor_of
from tests.ticketing.test_api import Person
from ticketing.models import Message, Ticket, TicketMerge, TicketRelation
from ticketing.services import tickets


@pytest.fixture
def as_bob(browser_of, cast):
    return Person(browser_of(cast.bob))


@pytest.fixture
def again(hers, dana) -> Ticket:
    return tickets.open(
        actor=actor_of(dana), category_key="trouble", title="Still slow", body="Hello?", data={"symptom": "slow"}
    )


def test_a_merged_ticket_leads_on_and_is_taken_out_again(hers, again, as_bob):
    into, place = f"tickets/{hers.public_id}/", f"tickets/{again.public_id}/"
    assert as_bob.get(f"{into}merge_preview/?ticket={again.public_id}").json() == []
    assert as_bob.post(f"{into}merge/", tickets=[again.public_id]).status_code == 200
    answer = as_bob.get(place)
    assert (answer.status_code, answer["Location"]) == (307, f"/api/v1/ticketing/{into}")
    assert answer.json()["state"] == "merged"
    said = as_bob.get(f"{into}messages/").json()
    assert [each["ticket"] for each in said] == [hers.number, again.number]
    refused = as_bob.post(f"{place}split/", category="office", title="x", body="y")
    assert (refused.status_code, refused.json()["data"]["merged_into"]) == (409, hers.public_id)
    assert as_bob.post(f"{place}unmerge/").json()["state"] == "new"
    assert as_bob.post(f"{place}unmerge/").status_code == 409


def test_the_preview_says_what_the_merge_asks_about(hers, erin, as_bob):
    theirs = tickets.open(
        actor=actor_of(erin), category_key="trouble", title="Slow here too", data={"symptom": "slow"}
    )  # fmt: skip
    (doubt,) = as_bob.get(f"tickets/{hers.public_id}/merge_preview/?ticket={theirs.public_id}").json()
    assert doubt["forbids"] and doubt["kind"] == "requester"
    refused = as_bob.post(f"tickets/{hers.public_id}/merge/", tickets=[theirs.public_id], confirmed=True)
    assert refused.status_code == 409 and not TicketMerge.objects.exists()


def test_links_are_made_read_and_taken_away(hers, again, as_bob):
    place = f"tickets/{hers.public_id}/"
    answer = as_bob.post(f"{place}links/", type="parent_of", ticket=again.public_id)
    (linked,) = answer.json()["tickets"]
    assert answer.status_code == 201 and (linked["sentence"], linked["number"]) == ("Parent of", again.number)
    refused = as_bob.post(f"{place}resolve/")
    assert (refused.status_code, refused.json()["code"]) == (422, "ticketing.open_children")
    assert as_bob.get(f"tickets/{again.public_id}/links/").json()["tickets"][0]["sentence"] == "Child of"
    assert as_bob.post(f"{place}unlink/", link=linked["link"]).json() == {"tickets": [], "things": []}
    for body in ({"type": "about"}, {"type": "about", "ticket": "nosuchticket"}, {"type": "of"}):
        assert as_bob.post(f"{place}links/", **body).status_code == 422
    assert not TicketRelation.objects.exists()


def test_a_split_answers_with_the_new_ticket(hers, as_bob):
    message = Message.objects.get(ticket=hers)
    new = as_bob.post(
        f"tickets/{hers.public_id}/split/", category="office", title="Router", messages=[message.public_id]
    )  # fmt: skip
    assert new.status_code == 201 and new.json()["title"] == "Router"
    assert Ticket.objects.get(title="Router").excerpts == [message.pk]
