"""Pools in the console: set up, worked with by their supervisors, and nobody else's business."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from boss.tenancy import sessions
from tests.cast import actor_of, make_user
from tests.ticketing.conftest import make_desk
from ticketing.events import TicketOpened
from ticketing.handlers import place_new
from ticketing.models import CategoryNeed, PoolMember, RotaShift, Skill, StaffPresence, TalentPool, Ticket
from ticketing.services import pools, presence, tickets

NOC = "/console/pools/of/noc/"


@pytest.fixture
def desk(alpha, system):
    return make_desk(system)


@pytest.fixture
def nora(cast, desk, system):
    user = make_user(cast.alpha, "nora@alpha.example", "Nora North", "noc")
    pools.add_member(actor=system, pool=desk.noc, user=user)
    return user


def settings(**more: Any) -> dict[str, Any]:
    return {"name": "Network", "strategy": "round_robin", **more}


def test_an_administrator_builds_a_pool_by_clicks_and_its_tickets_find_their_people(cast, browser_of, desk):
    alice = browser_of(cast.alice)
    answer = alice.post("/console/pools/new/", {"name": "Fibre repair", "key": "fibre"})
    assert answer["Location"] == "/console/pools/of/fibre/"
    at = answer["Location"]
    alice.post("/console/pools/skills/act/", {"what": "define", "name": "Splicing", "key": "splicing"})
    alice.post(
        "/console/pools/skills/act/",
        {"what": "ask", "category": "fallout", "skill": "splicing", "level": "3"},
    )
    for user in (cast.alice, cast.bob):
        alice.post(f"{at}act/", {"what": "add_member", "user": user.public_id})
        browser_of(user).post("/console/presence/", {"presence-state": "available"})
    alice.post(
        f"{at}members/{cast.bob.public_id}/",
        {"capacity": "2", "skill_splicing": "4", "languages": "en, ES", "zones": "Austin"},
    )
    answer = alice.post(
        at, {"name": "Fibre repair", "strategy": "best_skill", "relax_after": "30", "priority_1": "2", "calendar": ""}
    )
    assert answer.status_code == 302
    ticket = tickets.open(actor=actor_of(cast.alice), category_key="fallout", title="Cut", pool_key="fibre", priority=1)
    place_new(TicketOpened(ticket_id=ticket.pk))
    assert Ticket.objects.get(pk=ticket.pk).assignee == cast.bob
    page = alice.get(f"/console/tickets/{ticket.public_id}/").content.decode()
    assert "Given to Bob Baker" in page and "Best in what it asks for (4 points)." in page
    assert "Alice Able: lacks Splicing 3" in page
    member = PoolMember.objects.get(user=cast.bob)
    assert (member.languages, member.zones, member.capacity) == (["en", "es"], ["Austin"], 2)
    assert "Splicing 4" in alice.get(at).content.decode()


def test_what_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(cast, browser_of, desk, nora):
    alice = browser_of(cast.alice)
    answer = alice.post(NOC, settings(name="Net", strategy="manual", otherwise="round_robin", relax_after="5"))
    page = answer.content.decode()
    assert answer.status_code == 422 and "Where people help themselves nothing comes second." in page
    assert 'value="Net"' in page and TalentPool.objects.get(key="noc").name == "Network"
    answer = alice.post(f"{NOC}members/{nora.public_id}/", {"capacity": "900"})
    assert answer.status_code == 422 and PoolMember.objects.get(user=nora).capacity == 8
    shift = {
        "what": "add_shift",
        "user": nora.public_id,
        "starts_at": "2026-12-01T20:00",
        "ends_at": "2026-12-01T08:00",
    }
    answer = alice.post(f"{NOC}act/", shift)
    assert answer.status_code == 422 and "A shift ends after it begins." in answer.content.decode()
    assert not RotaShift.objects.exists()
    alice.post(f"{NOC}act/", {**shift, "ends_at": "2036-12-01T08:00"})
    assert not RotaShift.objects.exists()
    alice.post(f"{NOC}act/", {**shift, "starts_at": "2036-12-01T20:00", "ends_at": "2036-12-02T08:00"})
    assert "Nora North" in alice.get(NOC).content.decode()
    alice.post(f"{NOC}act/", {"what": "remove_shift", "shift": str(RotaShift.objects.get().pk)})
    assert not RotaShift.objects.exists()


def test_skills_that_are_asked_for_stay_on_the_list(cast, browser_of, desk):
    alice, act = browser_of(cast.alice), "/console/pools/skills/act/"
    alice.post(act, {"what": "define", "name": "Voice", "key": "voice"})
    assert alice.post(act, {"what": "define", "name": "Voice", "key": "voice"}).status_code == 409
    ask = {"what": "ask", "category": "trouble", "skill": "voice", "level": "2", "field": "symptom", "value": "dead"}
    alice.post(act, ask)
    assert alice.post(act, ask).status_code == 422
    assert alice.post(act, {**ask, "language": "es"}).status_code == 422
    alice.post(act, {"what": "ask", "category": "trouble", "level": "1", "language": "customer"})
    page = alice.get("/console/pools/skills/").content.decode()
    assert "Voice, at least 2, where symptom is dead" in page and "The customer&#x27;s language" in page
    alice.post(act, {"what": "archive", "skill": "voice"})
    assert not Skill.objects.get().is_archived
    for need in CategoryNeed.objects.all():
        alice.post(act, {"what": "ask_no_more", "need": str(need.pk)})
    alice.post(act, {"what": "archive", "skill": "voice"})
    assert Skill.objects.get().is_archived and not CategoryNeed.objects.exists()


def test_a_supervisor_sees_and_moves_the_work_of_his_pool_alone(cast, browser_of, desk, nora, system):
    fred = make_user(cast.alpha, "fred@alpha.example", "Fred Field", "noc")
    pools.add_member(actor=system, pool=desk.noc, user=fred)
    ticket = tickets.open(actor=system, category_key="fallout", title="Down")
    tickets.claim(actor=actor_of(fred), ticket=ticket)
    lead = browser_of(nora)
    for path in (NOC, f"{NOC}workload/", f"{NOC}workload/live/"):
        assert lead.get(path).status_code == 404
    give = {"count": "1", "to": nora.public_id}
    assert lead.post(f"{NOC}members/{fred.public_id}/pass-on/", give).status_code == 404
    assert Ticket.objects.get().assignee == fred
    pools.set_supervisors(actor=system, pool=desk.noc, users=[nora])
    page = lead.get(f"{NOC}workload/").content.decode()
    assert "Fred Field" in page and "1/8" in page and 'hx-trigger="every 20s"' in page
    assert "every 20s" not in lead.get(f"{NOC}workload/?paused=1").content.decode()
    assert lead.get("/console/pools/of/field/workload/").status_code == 404
    assert lead.post(f"{NOC}members/{fred.public_id}/pass-on/", give).status_code == 302
    assert Ticket.objects.get().assignee == nora
    assert lead.post(NOC, settings()).status_code == 403
    lead.post(f"{NOC}act/", {"what": "remove_member", "user": fred.public_id})
    lead.post(f"{NOC}act/", {"what": "supervisors", "supervisors": [fred.public_id]})
    assert PoolMember.objects.filter(user=fred).exists() and TalentPool.objects.get(key="noc").strategy == "manual"
    assert lead.post(f"{NOC}members/{fred.public_id}/", {"capacity": "3"}).status_code == 302
    assert PoolMember.objects.get(user=fred).capacity == 3
    listed = lead.get("/console/pools/").content.decode()
    assert f"{NOC}workload/" in listed and "/console/pools/of/field/workload/" not in listed


def test_my_presence_is_in_the_head_of_every_page_and_set_there(cast, browser_of, desk, nora):
    assert "/console/presence/seen/" in browser_of(nora).get("/console/").content.decode()
    assert browser_of(cast.bob).post("/console/presence/seen/").content == b""
    mine = browser_of(nora)
    page = mine.post("/console/presence/seen/", headers={"HX-Current-URL": "http://testserver/console/inbox/?x=1"})
    assert "Offline" in page.content.decode() and 'value="/console/inbox/?x=1"' in page.content.decode()
    answer = mine.post(
        "/console/presence/",
        {"presence-state": "busy", "presence-minutes": "30", "presence-reason": "Call", "then": "/console/time/"},
    )
    assert answer["Location"] == "/console/time/"
    assert "Busy" in mine.post("/console/presence/seen/").content.decode()
    row = StaffPresence.objects.get(user=nora)
    assert (row.state, row.reason) == ("busy", "Call") and row.until is not None
    mine.post("/console/presence/", {"presence-state": "gone"})
    assert StaffPresence.objects.get(user=nora).state == "busy"


def test_the_board_of_fifty_takes_no_more_statements_than_that_of_three(cast, browser_of, desk, system, monkeypatch):
    monkeypatch.setattr(sessions, "SECONDS_BETWEEN_NOTES", 3600)  # on a slow machine the note of a visit came between
    alice = browser_of(cast.alice)

    def statements() -> int:
        alice.get(f"{NOC}workload/live/")  # what is kept for seconds has been read by then
        with CaptureQueriesContext(connection) as seen:
            assert alice.get(f"{NOC}workload/live/").status_code == 200
        return len(seen)

    def grow(first: int, last: int) -> None:
        for n in range(first, last):
            user = make_user(cast.alpha, f"m{n}@alpha.example", f"Member {n}", "noc")
            pools.add_member(actor=system, pool=desk.noc, user=user)
            presence.set_presence(actor=actor_of(user), state="available")

    grow(0, 3)
    few = statements()
    grow(3, 50)
    assert statements() == few <= 20
