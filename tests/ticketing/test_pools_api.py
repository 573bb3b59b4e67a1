"""Pools on the API: set up, worked with and read as on the pages, with the same refusals."""

from __future__ import annotations

import pytest

from tests.cast import actor_of
from tests.ticketing.test_api import Person
from ticketing.events import TicketOpened
from ticketing.handlers import place_new
from ticketing.models import PoolMember, RotaShift, TalentPool, Ticket
from ticketing.services import pools, tickets


@pytest.fixture
def as_alice(browser_of, cast):
    return Person(browser_of(cast.alice))


@pytest.fixture
def as_bob(browser_of, cast):
    return Person(browser_of(cast.bob))


def test_a_pool_is_built_and_gives_its_tickets_out(as_alice, as_bob, cast, desk):
    assert as_alice.post("pools/", key="fibre", name="Fibre").status_code == 201
    assert as_alice.post("skills/", key="splicing", name="Splicing").status_code == 201
    need = {"category": "fallout", "skill": "splicing", "level": 3}
    assert as_alice.post("needs/", **need).json() == {
        **need, "language": "", "field": "", "value": "", "is_wish": False,
    }  # fmt: skip
    answer = as_alice.post("pools/fibre/members/", user=cast.bob.public_id, skills={"splicing": 4}, capacity=2)
    assert answer.status_code == 200 and answer.json()["skills"] == {"splicing": 4}
    answer = as_alice.post(
        "pools/fibre/configure/", name="Fibre", strategy="best_skill", parent="noc", relax_after="00:30:00",
        weights={"priority": {"1": 2}},
    )  # fmt: skip
    assert (answer.json()["strategy"], answer.json()["parent"]) == ("best_skill", "noc")
    assert as_bob.post("presence/", state="available").json()["state"] == "available"
    ticket = tickets.open(actor=actor_of(cast.alice), category_key="fallout", title="Cut", pool_key="fibre", priority=1)
    place_new(TicketOpened(ticket_id=ticket.pk))
    board = as_alice.get("pools/fibre/workload/").json()
    assert (board["open"], board["waiting"]) == (1, 0)
    assert [
        (each["user"]["full_name"], each["presence"], each["load"], each["capacity"]) for each in board["people"]
    ] == [("Bob Baker", "available", 2, 2)]
    for wrong, field in (({"strategy": "magic"}, "strategy"), ({"weights": {"priority": {"1": 99}}}, "weights")):
        answer = as_alice.post("pools/fibre/configure/", name="Fibre", **wrong)
        assert answer.status_code == 422 and field in str(answer.json())
    assert TalentPool.objects.get(key="fibre").strategy == "best_skill"


def test_supervisors_act_on_their_pool_and_others_find_nothing(as_alice, as_bob, cast, desk, nora, system):
    pools.add_member(actor=system, pool=desk.noc, user=cast.alice)
    ticket = tickets.open(actor=system, category_key="fallout", title="Down")
    tickets.assign(actor=system, ticket=ticket, user=nora)
    on = {"user": nora.public_id, "count": 1, "to": cast.alice.public_id}
    shift = {"user": nora.public_id, "starts_at": "2036-12-01T20:00:00Z"}
    hidden = ("members/", "shifts/", "workload/")
    assert {as_bob.get(f"pools/noc/{path}").status_code for path in hidden} == {404}
    assert as_bob.post("pools/noc/pass_on/", **on).status_code == 404
    assert Ticket.objects.get().assignee == nora
    assert as_bob.post("pools/noc/supervisors/", users=[cast.bob.public_id]).status_code == 403
    assert as_alice.post("pools/noc/supervisors/", users=[cast.bob.public_id]).status_code == 200
    assert {as_bob.get(f"pools/noc/{path}").status_code for path in hidden} == {200}
    assert as_bob.post("pools/noc/pass_on/", **on).json() == {"moved": 1}
    assert Ticket.objects.get().assignee == cast.alice
    assert as_bob.post("pools/noc/shifts/", **shift, ends_at="2036-12-02T08:00:00Z").status_code == 201
    assert as_bob.post("pools/noc/shifts/remove/", **shift).status_code == 204
    assert not RotaShift.objects.exists()
    refused = {
        "configure/": {"name": "Mine"}, "members/remove/": {"user": nora.public_id},
        "members/": {"user": cast.bob.public_id},  # he changes members, and makes nobody one
    }  # fmt: skip
    assert {as_bob.post(f"pools/noc/{path}", **body).status_code for path, body in refused.items()} == {403}
    assert as_bob.get("pools/field/workload/").status_code == 404
    assert PoolMember.objects.filter(pool=desk.noc).count() == 2
