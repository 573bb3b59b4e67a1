"""Automation rules on pages and on the API: written in boxes, tried, published, seen on the ticket, let act again."""

from __future__ import annotations

from typing import Any

import pytest

from boss.core import clock, relay
from boss.core.actors import Actor
from tests.cast import Cast, actor_of
from tests.portals.visiting import message_beside, words
from tests.ticketing.conftest import Desk, make_desk
from ticketing.models import Policy, RuleBreaker, RuleRun, Ticket
from ticketing.services import tickets


@pytest.fixture
def desk(alpha: Any, system: Actor) -> Desk:
    return make_desk(system)


@pytest.fixture
def ticket(desk: Desk, cast: Cast) -> Ticket:
    return tickets.open(
        actor=actor_of(cast.bob), category_key="trouble", title="Slow", body="Hm", data={"symptom": "slow"}
    )


RULE = {
    "name": "Urgent to the field", "event": "priority", "count": "2", "s0_do": "pool:field",
    "c0_what": "ticket.priority", "c0_how": "==", "c0_value": "1",
    "c1_field": "symptom", "c1_how": "!=", "c1_value": "dead",
}  # fmt: skip


def test_alice_builds_a_rule_in_boxes_tries_it_and_sees_it_act(
    alpha: Any, ticket: Ticket, cast: Cast, browser_of: Any
) -> None:
    alice = browser_of(cast.alice)
    url = str(alice.post("/console/policies/new/", {"name": "Rules", "key": "r", "kind": "automation"})["Location"])
    assert alice.post(f"{url}rules/1/", RULE).status_code == 302
    policy = Policy.objects.get(key="r")
    assert policy.draft["rules"][0]["when"] == {
        "and": [{"==": [{"var": "ticket.priority"}, 1]}, {"!=": [{"var": "fields.symptom"}, "dead"]}]
    }
    again = alice.get(f"{url}rules/1/").content.decode()
    assert 'value="Urgent to the field"' in again and 'value="symptom"' in again  # what was kept stands in its boxes
    tickets.prioritize(actor=actor_of(cast.bob), ticket=ticket, priority=1)
    seen = words(alice.get(url))
    assert "Urgent to the field: Its priority has changed" in seen and "Move to the pool: Field" in seen
    assert "Tickets that are open" not in seen  # nothing was agreed by rules
    assert alice.post(f"{url}publish/", {"note": "First"}).status_code == 302
    assert alice.post(f"{url}use/", {"category": "trouble"}).status_code == 302
    tickets.prioritize(actor=actor_of(cast.bob), ticket=ticket, priority=2)
    relay.deliver_due(alpha.pk)
    tickets.prioritize(actor=actor_of(cast.bob), ticket=ticket, priority=1)
    relay.deliver_due(alpha.pk)
    ticket.refresh_from_db()
    assert ticket.pool.key == "field"
    page = f"/console/tickets/{ticket.public_id}/"
    assert "Rule: Urgent to the field" in words(alice.get(page))
    panel = words(alice.get(f"{page}rules/"))
    assert "Urgent to the field" in panel and "ticket.priority: 1" in panel and "Its condition did not hold" in panel
    assert "Urgent to the field" in words(alice.get(url))


def test_what_is_wrong_stands_beside_its_box_and_nothing_typed_is_lost(desk: Desk, cast: Cast, browser_of: Any) -> None:
    alice = browser_of(cast.alice)
    url = str(alice.post("/console/policies/new/", {"name": "Rules", "key": "r", "kind": "automation"})["Location"])
    answer = alice.post(f"{url}rules/1/", {**RULE, "s0_do": "note:", "s0_text": "", "s1_do": "", "c0_value": "high"})
    assert answer.status_code == 422
    assert message_beside(answer, "s0_text") == "Please fill this in."
    assert 'value="Urgent to the field"' in answer.content.decode() and "high" in answer.content.decode()
    refused = alice.post(f"{url}rules/1/", {**RULE, "c0_value": "high"})
    assert "they are never the same" in message_beside(refused, "c0_value")
    assert Policy.objects.get(key="r").draft is None


def test_rules_change_places_and_go_away(desk: Desk, cast: Cast, browser_of: Any) -> None:
    alice = browser_of(cast.alice)
    url = str(alice.post("/console/policies/new/", {"name": "Rules", "key": "r", "kind": "automation"})["Location"])
    alice.post(f"{url}rules/1/", RULE)
    alice.post(f"{url}rules/2/", {**RULE, "name": "Second"})
    alice.post(f"{url}rules/2/", {"verb": "up"})
    names = [rule["name"] for rule in Policy.objects.get(key="r").draft["rules"]]
    assert names == ["Second", "Urgent to the field"]
    alice.post(f"{url}rules/1/", {"verb": "remove"})
    assert [rule["name"] for rule in Policy.objects.get(key="r").draft["rules"]] == ["Urgent to the field"]
    assert alice.get(f"{url}rules/9/").status_code == 404


def test_stopped_rules_are_seen_on_the_ticket_and_bob_lets_them_act_again(
    ticket: Ticket, cast: Cast, browser_of: Any
) -> None:
    RuleBreaker.objects.create(ticket=ticket, opened_at=clock.now(), opened_by="Rule: Echo")
    page = f"/console/tickets/{ticket.public_id}/"
    api = f"/api/v1/ticketing/tickets/{ticket.public_id}"
    charlie = browser_of(cast.charlie)
    assert charlie.post(f"{page}rules/resume/").status_code in (403, 404)
    assert RuleBreaker.objects.get().closed_at is None
    bob = browser_of(cast.bob)
    assert "Let rules act again" in words(bob.get(f"{page}rules/"))
    assert browser_of(cast.bob).get(f"{api}/rules/").json()["stopped_at"] is not None
    assert bob.post(f"{page}rules/resume/").status_code == 302
    assert RuleBreaker.objects.get().closed_by == "Bob Baker"
    assert browser_of(cast.bob).get(f"{api}/rules/").json() == {"stopped_at": None, "runs": []}
    assert browser_of(cast.bob).post(f"{api}/resume_rules/").status_code == 409
    assert not RuleRun.objects.exists()


# Another priority, pool, category


def test_bob_gives_a_ticket_another_priority_and_another_pool(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    page = f"/console/tickets/{ticket.public_id}/"
    seen = bob.get(page).content.decode()
    assert all(f'data-key="{key}"' in seen for key in "poc")
    told = {"priority": "1", "reason": "Outage", "version": ticket.version}
    assert bob.post(f"{page}priority/", told).status_code == 302
    stale = bob.post(f"{page}pool/", {"pool": "field", "version": ticket.version})
    assert stale.status_code == 409  # somebody was quicker: what was typed stands, and the next try is on what is shown
    ticket.refresh_from_db()
    assert (ticket.priority, ticket.pool.key) == (1, "noc")
    assert f'value="{ticket.version}"' in stale.content.decode()
    assert bob.post(f"{page}pool/", {"pool": "field", "version": ticket.version}).status_code == 302
    ticket.refresh_from_db()
    assert ticket.pool.key == "field"


def test_what_moving_to_another_category_means_is_shown_before_it_is_done(
    ticket: Ticket, cast: Cast, browser_of: Any
) -> None:
    bob = browser_of(cast.bob)
    page = f"/console/tickets/{ticket.public_id}/category/"
    shown = words(bob.get(page, {"category": "office"}))
    assert "As a ticket of Office" in shown and "Kept apart, for staff to read" in shown and "symptom" in shown.lower()
    ticket.refresh_from_db()
    assert ticket.category.key == "trouble" and "symptom" in ticket.data  # a rehearsal
    assert bob.post(page, {"category": "office", "version": ticket.version, "do": "yes"}).status_code == 302
    ticket = Ticket.objects.select_related("category").get(pk=ticket.pk)
    assert ticket.category.key == "office" and "symptom" not in ticket.data
