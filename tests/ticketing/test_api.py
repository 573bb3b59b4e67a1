"""The desk on the API: every verb of the pages, the same refusals, and no more for anybody than the pages show."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from boss.core import scoping
from boss.tenancy.models import User
from tests.ticketing.conftest import pump
from ticketing.models import Ticket
from ticketing.services import categories, pools


class Person:
    """A signed-in person's browser, speaking JSON."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.client.get("/api/v1/me/")

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1/ticketing/{path}")

    def post(self, path: str, **body: Any) -> Any:
        return self.client.post(f"/api/v1/ticketing/{path}", json.dumps(body), content_type="application/json")


@pytest.fixture
def as_bob(browser_of, cast):
    return Person(browser_of(cast.bob))


@pytest.fixture
def as_dana(browser_of, dana):
    return Person(browser_of(dana))


@pytest.fixture
def as_charlie(browser_of, cast):
    return Person(browser_of(cast.charlie))


def test_bob_opens_claims_answers_and_resolves(as_bob, desk, dana):
    opened = as_bob.post(
        "tickets/",
        category="trouble",
        title="Slow",
        body="Called in",
        data={"symptom": "slow"},
        requester=dana.public_id,
    )
    assert opened.status_code == 201, opened.content
    ticket = f"tickets/{opened.json()['public_id']}/"
    assert opened["Location"].endswith(ticket) and opened.json()["requester"]["full_name"] == "Dana Dean"
    assert as_bob.post(f"{ticket}claim/").json()["assignee"]["full_name"] == "Bob Baker"
    assert as_bob.post(f"{ticket}messages/", body="We look into it").status_code == 201
    assert as_bob.post(f"{ticket}messages/", body="She again", kind="internal").json()["kind"] == "internal"
    assert [m["body"] for m in as_bob.get(f"{ticket}messages/").json()] == ["Called in", "We look into it", "She again"]
    assert as_bob.post(f"{ticket}wait/", waiting_for="customer").json()["state"] == "waiting_customer"
    assert as_bob.post(f"{ticket}resolve/", note="Done").json()["state"] == "resolved"
    assert as_bob.post(f"{ticket}close/").json()["state"] == "closed"
    assert as_bob.post(f"{ticket}reopen/", reason="Again").json()["state"] == "open"
    assert as_bob.post(f"{ticket}release/").json()["assignee"] is None
    assert [e["type"] for e in as_bob.get(f"{ticket}events/").json()][-1] == "released"


def test_outcomes_say_what_they_ask_and_bad_results_name_their_fields(as_bob, fallen):
    ticket = f"tickets/{fallen.public_id}/"
    offered = as_bob.get(f"{ticket}outcomes/").json()
    assert [(o["key"], o["needs_confirmation"]) for o in offered] == [("done", False), ("scrap", True)]
    assert offered[0]["values_schema"]["required"] == ["pressure"]
    bare = as_bob.post(f"{ticket}resolve/")
    assert (bare.status_code, bare.json()["code"]) == (422, "ticketing.outcome_required")
    wrong = as_bob.post(f"{ticket}resolve/", outcome="done", values={"pressure": 99})
    assert (wrong.status_code, list(wrong.json()["fields"])) == (422, ["values.pressure"])
    unsure = as_bob.post(f"{ticket}resolve/", outcome="scrap")
    assert (unsure.status_code, unsure.json()["code"]) == (409, "ticketing.confirmation_required")
    assert as_bob.post(f"{ticket}cancel/", reason="no").json()["code"] == "ticketing.outcome_required"
    assert not pump.told
    done = as_bob.post(f"{ticket}resolve/", outcome="done", values={"pressure": 3})
    assert done.json()["outcome_values"] == {"pressure": 3} and pump.told


def test_an_old_version_is_refused(as_bob, hers):
    ticket = f"tickets/{hers.public_id}/"
    seen = as_bob.get(ticket).json()["version"]
    as_bob.post(f"{ticket}messages/", body="Hello")
    late = as_bob.post(f"{ticket}resolve/", expected_version=seen)
    assert (late.status_code, late.json()["code"]) == (409, "ticketing.ticket_changed")


def test_dana_sees_her_ticket_without_what_is_the_staffs(as_dana, as_bob, hers):
    as_bob.post(f"tickets/{hers.public_id}/messages/", body="She again", kind="internal")
    shown = as_dana.get(f"tickets/{hers.public_id}/").json()
    assert shown["number"] == hers.number and "assignee" not in shown and "opened_by" not in shown
    assert [m["body"] for m in as_dana.get(f"tickets/{hers.public_id}/messages/").json()] == ["Since this morning"]
    assert as_dana.post(f"tickets/{hers.public_id}/messages/", body="Thanks").status_code == 201
    for verb in ("claim", "release", "resolve", "close", "reopen", "cancel", "wait", "assign"):
        assert as_dana.post(f"tickets/{hers.public_id}/{verb}/").status_code == 403, verb
    assert as_dana.get(f"tickets/{hers.public_id}/events/").status_code == 403
    assert as_dana.post(f"tickets/{hers.public_id}/messages/", body="x", kind="internal").status_code == 403


@pytest.mark.parametrize("asked", ["pool=noc", "pool=nowhere", "assignee=000000000000", "state=new&pool=noc"])
def test_dana_cannot_find_out_by_filters_what_she_is_not_shown(as_dana, hers, asked):
    refused = as_dana.get(f"tickets/?{asked}")
    assert (refused.status_code, refused.json()["code"]) == (422, "core.invalid_input")
    assert list(refused.json()["fields"]) == [asked.rpartition("&")[2].partition("=")[0]]
    assert [t["number"] for t in as_dana.get("tickets/?state=new&pool=").json()["results"]] == [hers.number]


def test_dana_opens_in_her_own_name(as_dana, desk, dana, alpha):
    opened = as_dana.post("tickets/", category="trouble", title="Slow", data={"symptom": "slow"})
    assert opened.status_code == 201, opened.content
    assert Ticket.objects.get(public_id=opened.json()["public_id"]).requester == dana


@pytest.mark.parametrize("verb", ["", "messages/", "outcomes/", "events/"])
def test_charlie_reads_nothing_of_alices(as_charlie, hers, fallen, verb):
    assert as_charlie.get("tickets/").json()["results"] == []
    for ticket in (hers, fallen):
        assert as_charlie.get(f"tickets/{ticket.public_id}/{verb}").status_code == 404


@pytest.mark.parametrize(
    "verb", ["claim", "release", "resolve", "close", "reopen", "cancel", "wait", "assign", "messages"]
)
def test_charlie_does_nothing_to_alices(as_charlie, hers, verb):
    body = {"waiting_for": "other", "user": "0" * 12, "body": "x"}
    assert as_charlie.post(f"tickets/{hers.public_id}/{verb}/", **body).status_code == 404
    hers.refresh_from_db()
    assert (hers.state, hers.version) == ("new", 1)


def test_a_stranger_is_asked_to_sign_in(browser_of, hers):
    assert Person(browser_of()).get("tickets/").status_code == 401


def test_lists_filter_and_the_inbox_is_mine(as_bob, browser_of, nora, hers, fallen):
    assert [t["number"] for t in as_bob.get("tickets/?category=fallout").json()["results"]] == [fallen.number]
    assert [t["number"] for t in as_bob.get(f"tickets/?number={hers.number.lower()}").json()["results"]] == [
        hers.number
    ]
    assert len(as_bob.get("tickets/?open=true&pool=noc").json()["results"]) == 2
    assert as_bob.get("tickets/?open=false").json()["results"] == []
    assert as_bob.get("tickets/inbox/").json() == []
    assert len(Person(browser_of(nora)).get("tickets/inbox/").json()) == 2


def test_nobody_is_assigned_whom_the_realm_does_not_know(as_bob, hers, cast):
    refused = as_bob.post(f"tickets/{hers.public_id}/assign/", user=cast.charlie.public_id)
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["user"])
    given = as_bob.post(f"tickets/{hers.public_id}/assign/", user=cast.alice.public_id)
    assert given.json()["assignee"]["full_name"] == "Alice Able"


def test_categories_show_their_fields_and_pools_their_names(as_bob, desk):
    assert [c["key"] for c in as_bob.get("categories/").json()["results"]] == ["office", "fallout", "trouble"]
    assert "symptom" in as_bob.get("categories/trouble/").json()["fields_schema"]["properties"]
    assert [p["key"] for p in as_bob.get("pools/").json()["results"]] == ["field", "noc"]


def test_a_repeated_post_with_its_key_opens_one_ticket(as_bob, desk, alpha):
    body = json.dumps({"category": "office", "title": "Stapler"})
    answers = [
        as_bob.client.post(
            "/api/v1/ticketing/tickets/",
            body,
            content_type="application/json",
            headers={"Idempotency-Key": "one", "host": "alpha.localhost"},
        )
        for _again in range(2)
    ]
    assert answers[0].json() == answers[1].json() and Ticket.objects.filter(title="Stapler").count() == 1


def test_a_list_of_categories_costs_as_many_queries_for_twenty_as_for_three(as_bob, desk, system, alpha):
    def cost() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as asked:
            shown = as_bob.get("categories/").json()["results"]
        return len(shown), len(asked)

    few, pinned = cost()
    for number in range(17):
        pool = pools.create(actor=system, key=f"pool-{number}", name=f"Pool {number}")
        categories.create(
            actor=system, key=f"more-{number}", name=f"More {number}", default_pool=pool, parent=desk.trouble
        )
    assert cost() == (few + 17, pinned)
    assert pinned <= 8


def test_a_list_of_tickets_costs_a_fixed_number_of_queries(as_bob, hers, fallen, django_assert_max_num_queries, alpha):
    assert User.objects.exists() and scoping.current_realm_id() == alpha.pk
    with django_assert_max_num_queries(9):  # one of them for each category with fields
        assert len(as_bob.get("tickets/").json()["results"]) == 2


def test_time_is_written_corrected_and_summed_up_by_the_api(as_bob, browser_of, cast, hers):
    started = as_bob.post("time-entries/timer/", ticket=hers.public_id)
    assert started.json()["timer"]["ticket"] == hers.public_id
    assert as_bob.post("time-entries/timer/discard/").json() == {"timer": None}
    assert as_bob.post("time-entries/timer/stop/").status_code == 409

    made = as_bob.post("time-entries/", ticket=hers.public_id, seconds=600, activity="call")
    assert made.status_code == 201, made.content
    one = made.json()["public_id"]
    assert as_bob.post(f"time-entries/{one}/correct/", seconds=300, note="Shorter").json()["counted_seconds"] == 300
    listed = as_bob.get(f"time-entries/?ticket={hers.public_id}").json()["results"]
    assert [(entry["seconds"], entry["counted_seconds"]) for entry in listed] == [(600, 300)]

    assert as_bob.get("time-entries/totals/").status_code == 403
    alice = Person(browser_of(cast.alice))
    assert [(row["name"], row["seconds"]) for row in alice.get("time-entries/totals/").json()] == [("Bob Baker", 300)]
    assert alice.get("time-entries/totals/?by=shoes").status_code == 422


def test_dana_is_shown_no_time_on_her_own_ticket(as_dana, as_bob, hers):
    as_bob.post("time-entries/", ticket=hers.public_id, seconds=600)
    assert as_dana.get("time-entries/").status_code == 403
    assert as_dana.post("time-entries/", ticket=hers.public_id, seconds=600).status_code == 403
