"""Oversight on the API: counts, changes since an event, runs within runs, actions on many runs."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.cast import Cast
from tests.workflow.workshop import Fail, Retry, chain, shop
from workflow.models import Bulk
from workflow.services import bulk

RUNS = "/api/v1/workflow/runs/"
BULKS = "/api/v1/workflow/bulks/"


def test_changes_since_an_event_bring_the_tasks_and_sentences_that_are_new(
    begin: Any, go: Any, cast: Cast, browser_of: Any
) -> None:
    run = begin(chain("a", "b", "c"))
    bob = browser_of(cast.bob)
    path = f"{RUNS}{run.public_id}/changes/"
    first = bob.get(path).json()
    assert first["state"] == "running" and [line["kind"] for line in first["journal"]] == ["run.started"]
    go(most=1)
    new = bob.get(path, {"since": first["sequence"]}).json()
    assert new["sequence"] > first["sequence"] and new["state"] == "completed"
    assert {node["key"]: node["state"] for node in new["nodes"]} == dict.fromkeys("abc", "done")
    nothing = bob.get(path, {"since": new["sequence"]}).json()
    assert nothing["nodes"] == [] and nothing["journal"] == []


def test_asking_for_changes_while_nothing_happens_is_304_and_one_statement(
    begin: Any, go: Any, cast: Cast, browser_of: Any
) -> None:
    run = begin(chain("a"))
    bob = browser_of(cast.bob)
    path = f"{RUNS}{run.public_id}/changes/"
    tag = bob.get(path)["ETag"]
    with CaptureQueriesContext(connection) as asked:
        again = bob.get(path, {"since": 1}, headers={"If-None-Match": tag})
    assert again.status_code == 304 and again["ETag"] == tag
    assert len([query for query in asked.captured_queries if "workflow_" in query["sql"]]) == 1
    go()
    assert bob.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_sequence_that_is_none_is_refused_and_charlie_gets_404(begin: Any, cast: Cast, browser_of: Any) -> None:
    run = begin(chain("a"))
    path = f"{RUNS}{run.public_id}/changes/"
    assert browser_of(cast.bob).get(path, {"since": "-1"}).status_code == 422
    assert browser_of(cast.charlie).get(path).status_code == 404
    assert browser_of(cast.charlie).get(f"{RUNS}{run.public_id}/parts/").status_code == 404


def test_counts_say_where_runs_stand(begin: Any, go: Any, cast: Cast, browser_of: Any) -> None:
    shop.plans["b"] = [Fail("no")]
    begin(chain("a", "b"))
    go()
    counts = browser_of(cast.bob).get(f"{RUNS}counts/").json()
    assert counts["open"] == counts["needs_people"] == 1 and counts["late"] == 0
    assert [(place["task"], place["there"]) for place in counts["places"]] == [("b", 1)]
    assert browser_of(cast.charlie).get(f"{RUNS}counts/").json()["open"] == 0


def test_many_runs_are_retried_by_one_request_and_a_repeated_one_is_the_same(
    begin: Any, go: Any, cast: Cast, browser_of: Any
) -> None:
    shop.plans["b"] = [Fail("no")] * 2
    runs = [begin(chain("a", "b")) for _run in range(2)]
    go()
    bob = browser_of(cast.bob)
    body = {"action": "retry", "runs": [run.public_id for run in runs]}

    def send(path: str, **headers: str) -> Any:
        return bob.post(path, json.dumps(body), content_type="application/json", headers=headers)

    told = send(f"{BULKS}preview/").json()
    assert (told["chosen"], told["able"], told["tasks"]) == (2, 2, 2)
    first, again = (send(BULKS, **{"Idempotency-Key": "k"}) for _time in range(2))
    assert first.status_code == 201 and first.json() == again.json() and Bulk.objects.count() == 1
    asked = Bulk.objects.get()
    bulk.go_on(cast.alpha.pk, asked.pk)
    path = f"{BULKS}{asked.public_id}/"
    assert bob.get(f"{path}progress/").json()["done"] == 2
    assert [item["outcome"] for item in bob.get(f"{path}items/").json()] == ["done", "done"]
    assert browser_of(cast.charlie).get(path).status_code == 404
    body["action"] = "explode"
    assert send(BULKS).status_code == 422


def test_the_parts_of_a_run_are_listed_with_the_task_that_started_them(
    begin: Any, go: Any, cast: Cast, browser_of: Any
) -> None:
    begin(chain("p"), key="part")
    each = {"key": "all", "title": "All", "kind": "each", "definition": "part", "over": {"var": "inputs.houses"}}
    whole = begin([each], inputs={"houses": [1, 2]}, key="whole")
    go()
    parts = browser_of(cast.bob).get(f"{RUNS}{whole.public_id}/parts/").json()["results"]
    assert sorted((part["task"], part["index"], part["state"]) for part in parts) == [
        ("all", 0, "completed"),
        ("all", 1, "completed"),
    ]


def test_what_the_past_teaches_is_on_the_api(begin: Any, go: Any, cast: Cast, browser_of: Any) -> None:
    shop.plans["a"] = [Retry(error="busy")]
    begin(chain("a", "b"))
    go()
    (learned,) = browser_of(cast.bob).get(f"{RUNS}insight/").json()
    assert (learned["definition"], learned["ended"], learned["fallen"]) == ("test", 1, 0)
    assert [(told["key"], told["done"], told["retried"]) for told in learned["tasks"]] == [("a", 1, 1), ("b", 1, 0)]
    assert browser_of(cast.bob).get(f"{RUNS}insight/", {"days": "8"}).status_code == 422
    assert browser_of(cast.charlie).get(f"{RUNS}insight/").json() == []
