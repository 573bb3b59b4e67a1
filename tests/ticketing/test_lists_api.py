"""Views, actions on many tickets and the next ticket on the API."""

from __future__ import annotations

import json

import pytest

from tests.cast import actor_of
from tests.ticketing.test_api import Person
from ticketing.models import SavedView, Ticket
from ticketing.services import pools, tickets, views


@pytest.fixture
def as_bob(browser_of, cast):
    return Person(browser_of(cast.bob))


@pytest.fixture
def three(desk, bob, system, cast):
    pools.add_member(actor=system, pool=desk.noc, user=cast.bob)
    return [tickets.open(actor=system, category_key="fallout", title=f"No. {n}") for n in range(3)]


def test_a_view_is_kept_opened_changed_and_thrown_away(three, as_bob, cast):
    kept = as_bob.post("views/", name="Free", filters={"owner": "nobody"}, columns=["due"])
    assert kept.status_code == 201
    view = kept.json()
    assert view["filters"] == {"state": "unresolved", "owner": "nobody"} and view["owner"] == cast.bob.public_id
    tickets.claim(actor=actor_of(cast.bob), ticket=three[0])
    listed = as_bob.get(f"tickets/?view={view['public_id']}").json()["results"]
    assert [ticket["title"] for ticket in listed] == ["No. 2", "No. 1"]
    assert as_bob.get("views/counts/").json() == [{"view": view["public_id"], "count": 2}]
    address = f"/api/v1/ticketing/views/{view['public_id']}/"
    body = json.dumps({"filters": {"pool": "gone"}, "shared_with": "pool", "pool": "noc"})
    changed = as_bob.client.patch(address, body, content_type="application/json").json()
    assert changed["pool"] == "noc" and changed["name"] == "Free"
    assert as_bob.get(f"views/{view['public_id']}/gone/").json()["gone"] == ["There is no pool “gone” any more."]
    assert as_bob.post("views/arrange/", views=[view["public_id"]], default=view["public_id"]).status_code == 204
    assert as_bob.client.delete(address).status_code == 204 and not SavedView.objects.exists()


def test_views_of_others_are_not_there(three, as_bob, alice, cast, browser_of, dana):
    view = views.create(actor=alice, name="Hers", filters={})
    assert as_bob.get(f"views/{view.public_id}/").status_code == 404
    refused = as_bob.get(f"tickets/?view={view.public_id}")
    assert refused.status_code == 422 and "view" in refused.json()["fields"]
    assert as_bob.post("views/arrange/", views=[view.public_id]).status_code == 422
    everybodys = views.create(actor=alice, name="Everybody's", filters={}, shared_with="staff")
    charlie, customer = Person(browser_of(cast.charlie)), Person(browser_of(dana))
    assert charlie.get("views/").json()["results"] == []
    assert charlie.client.delete(f"/api/v1/ticketing/views/{everybodys.public_id}/").status_code == 404
    assert customer.get("views/").status_code == 403
    assert customer.get(f"tickets/?view={everybodys.public_id}").status_code == 422
    assert SavedView.objects.count() == 2


def test_many_tickets_are_acted_on_and_each_says_what_became_of_it(three, as_bob, cast):
    tickets.resolve(actor=actor_of(cast.bob), ticket=three[1])
    chosen = [{"ticket": ticket.public_id} for ticket in three] + [{"ticket": three[0].public_id, "version": 1}]
    made = as_bob.post("bulks/", action="take", tickets=chosen[:3])
    assert made.status_code == 201 and made.json()["ended_at"]
    place = f"bulks/{made.json()['public_id']}/"
    assert [item["outcome"] for item in as_bob.get(f"{place}items/").json()] == ["done", "refused", "done"]
    assert as_bob.get(f"{place}progress/").json() == {"total": 3, "settled": 3, "done": 2, "refused": 1, "failed": 0}
    stale = as_bob.post("bulks/", action="priority", priority="1", tickets=chosen[3:])
    (item,) = as_bob.get(f"bulks/{stale.json()['public_id']}/items/").json()
    assert item["outcome"] == "refused" and Ticket.objects.get(pk=three[0].pk).priority == 3
    assert as_bob.post("bulks/", action="priority", tickets=chosen[:1]).json()["fields"]["priority"]


def test_the_next_ticket_is_given_until_none_waits(three, as_bob, cast):
    given = [as_bob.post("tickets/next/") for _each in range(4)]
    assert [answer.status_code for answer in given] == [200, 200, 200, 204]
    assert [answer.json()["title"] for answer in given[:3]] == ["No. 0", "No. 1", "No. 2"]
    assert set(Ticket.objects.values_list("assignee_id", flat=True)) == {cast.bob.pk}
