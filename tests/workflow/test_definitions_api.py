"""Definitions on the API: the editor's way of making them, and an integrator's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.workflow.test_documents import DOCUMENT, TEXT
from tests.workflow.workshop import chain, task
from ticketing.services import pools
from workflow.models import Definition, DefinitionDraft
from workflow.services import definitions, drafts

ROOM = "/api/v1/workflow"
TABLES = ("workflow_", "ticketing_", "tenancy_calendar", "clock_timestamp")
SIMPLE = {"key": "x", "title": "X", "tasks": chain("a", "b")}


class Client:
    def __init__(self, client: Any) -> None:
        self.client = client

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"{ROOM}/{path}", headers=headers)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        spelled = {name.replace("_", "-"): value for name, value in headers.items()}
        act = getattr(self.client, method)
        return act(f"{ROOM}/{path}", json.dumps(body or {}), content_type="application/json", headers=spelled)

    def post(self, path: str, body: Any = None) -> Any:
        return self.send("post", path, body)


@pytest.fixture
def alices(browser_of, cast):
    return Client(browser_of(cast.alice))


@pytest.fixture
def bobs(browser_of, cast):
    return Client(browser_of(cast.bob))


@pytest.fixture
def charlies(browser_of, cast):
    return Client(browser_of(cast.charlie))


@pytest.fixture
def published(alpha, system, pool):
    """DOCUMENT in two versions; its address."""
    definitions.publish(actor=system, document={**DOCUMENT, "title": "Before"})
    definitions.publish(actor=system, document=DOCUMENT, note="Another title")
    return f"definitions/{Definition.objects.get(key='both').public_id}"


def test_the_palette_holds_what_a_definition_may_name(published, bobs):
    shown = bobs.get("definitions/palette/").json()
    assert set(shown) == {"handlers", "pools", "categories", "definitions", "calendars", "operators"}
    handlers = {handler["key"]: handler for handler in shown["handlers"]}
    assert [handlers[f"tests.{key}"]["undo"] for key in ("remote", "check", "stubborn")] == [
        "handler",
        "none",
        "missing",
    ]
    assert (handlers["tests.local"]["room"], handlers["tests.local"]["local"]) == ("tests", True)
    assert handlers["tests.needs"]["inputs"] == [{"key": "name", "type": "text", "label": "Name", "required": True}]
    assert shown["pools"] == [{"key": "crew", "name": "Crew"}]
    assert shown["calendars"] == [{"key": "business", "name": "Business hours"}]
    both = next(offer for offer in shown["definitions"] if offer["key"] == "both")
    assert (both["results"], [item["key"] for item in both["inputs"]]) == (["n"], ["number", "way"])
    assert {"operator": "if", "operands": 3} in shown["operators"]


def test_checking_names_faults_and_warnings_at_their_places(alpha, bobs):
    faulty = {**SIMPLE, "tasks": [task("a", "ghost"), task("b", handler="no.such")]}
    answer = bobs.post("definitions/check/", {"document": faulty})
    assert answer.status_code == 200, answer.json()
    assert set(answer.json()["faults"]) == {"tasks.a.after"}
    assert bobs.post("definitions/check/", {"document": SIMPLE}).json() == {
        "faults": {}, "warnings": {}, "document": SIMPLE,
    }  # fmt: skip
    read = bobs.post("definitions/check/", {"yaml": TEXT}).json()
    assert read["document"] == DOCUMENT
    assert set(read["warnings"]) == {"tasks.b.target_seconds", "tasks.b.outputs"}
    assert set(bobs.post("definitions/check/", {"yaml": "a: ["}).json()["faults"]) == {"document"}
    assert not Definition.objects.exists()


def test_simulating_answers_with_the_path_the_time_the_work_and_the_reversal(alpha, bobs, pool):
    manual = {"key": "m", "title": "M", "kind": "manual", "pool": "crew", "undo": "manual", "target_seconds": 60}
    body = {
        "document": {**SIMPLE, "tasks": [manual, *chain("a", "b"), task("c", "b", "m")]},
        "answers": {"b": {"outcome": "fails"}, "m": {"signal": None, "outputs": {}}},
        "reverse_at": "m",
    }
    answer = bobs.post("definitions/simulate/", body)
    assert answer.status_code == 200, answer.json()
    played = answer.json()
    assert [(step["key"], step["state"]) for step in played["path"]] == [
        ("m", "done"), ("a", "done"), ("b", "attention"), ("c", "waiting"),
    ]  # fmt: skip
    assert played["path"][0] == {
        "key": "m", "title": "M", "state": "done", "starts_at": 0.0, "ends_at": 60.0, "why": "People do it.",
    }  # fmt: skip
    assert played["completes"] is False and played["lead_seconds"] == 60.0
    assert played["work"] == [{"pool": "", "tasks": 1, "seconds": 0.0}, {"pool": "crew", "tasks": 1, "seconds": 60.0}]
    assert [(step["key"], step["how"]) for step in played["reversal"]] == [
        ("c", "stopped"), ("b", "undone"), ("a", "undone"), ("m", "people"),
    ]  # fmt: skip
    refused = bobs.post("definitions/simulate/", {**body, "answers": {"ghost": {}}})
    assert (refused.status_code, set(refused.json()["fields"])) == (422, {"answers.ghost"})
    faulty = bobs.post("definitions/simulate/", {"document": {**SIMPLE, "tasks": chain("a", handler="no.such")}})
    assert (faulty.status_code, faulty.json()["code"]) == (422, "workflow.definition_refused")


def test_yaml_goes_out_and_comes_in_as_the_same_version(published, alices):
    answer = alices.get(f"{published}/yaml/", accept="text/yaml")
    assert answer.status_code == 200 and answer["Content-Type"] == "text/yaml; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="both-2.yaml"'
    assert answer.content.decode() == TEXT
    assert "title: Before" in alices.get(f"{published}/yaml/?version=1").content.decode()
    missing = alices.get(f"{published}/yaml/?version=9", accept="text/yaml")
    assert (missing.status_code, missing.json()["code"]) == (404, "workflow.no_such_definition")
    assert alices.get(f"{published}/yaml/?version=x").status_code == 422
    assert alices.post("definitions/", {"yaml": TEXT}).json()["version"] == 2
    changed = alices.post("definitions/", {"yaml": TEXT.replace("Yes", "Maybe"), "note": "Not sure"})
    assert (changed.status_code, changed.json()["version"]) == (201, 3)


def test_versions_are_read_compared_and_rolled_back_to(published, alices):
    assert [row["note"] for row in alices.get(f"{published}/versions/").json()] == ["Another title", ""]
    assert alices.get(f"{published}/versions/1/").json()["document"]["title"] == "Before"
    assert alices.get(f"{published}/versions/7/").status_code == 404
    change = {"key": "", "field": "title", "before": "Before", "after": "Both"}
    for query in ("?from=1&to=2", "", "?to=2", "?from=1"):
        assert alices.get(f"{published}/diff/{query}").json() == {
            "tasks_added": [], "tasks_removed": [], "tasks_changed": [], "top": [change],
        }  # fmt: skip
    assert alices.get(f"{published}/diff/?from=2&to=1").json()["top"][0]["after"] == "Before"
    assert alices.get(f"{published}/diff/?from=0").status_code == 422
    assert alices.get(f"{published}/diff/?from=8").status_code == 404
    assert alices.post(f"{published}/roll-back/", {"number": 1}).json()["version"] == 1
    assert alices.post(f"{published}/roll-back/", {"number": 5}).status_code == 404


def test_an_archived_definition_is_restored(published, alices):
    assert alices.post(f"{published}/archive/").json()["is_archived"] is True
    assert alices.post(f"{published}/restore/").json()["is_archived"] is False


def test_a_draft_is_saved_by_whoever_read_it_last(alpha, alices, bobs):
    made = alices.post("drafts/", {"key": "x", "title": "X"})
    assert made.status_code == 201
    path = f"drafts/{made.json()['public_id']}/"
    read = bobs.get(path)
    assert read.json()["document"] == {"key": "x", "title": "X", "tasks": []}
    tag = read["ETag"]
    assert tag == made["ETag"]
    saved = alices.send("put", path, {"document": SIMPLE, "title": "New"}, if_match=tag)
    assert (saved.status_code, saved.json()["revision"], saved.json()["title"]) == (200, 2, "New")
    late = alices.send("put", path, {"document": {}}, if_match=tag)
    assert (late.status_code, late.json()["code"]) == (412, "core.changed_meanwhile")
    assert alices.send("put", path, {"document": {}}).status_code == 428
    assert alices.send("delete", path, if_match=tag).status_code == 412
    assert DefinitionDraft.objects.get().document == SIMPLE
    assert alices.send("delete", path, if_match=saved["ETag"]).status_code == 204
    assert alices.get(path).status_code == 404


def test_a_second_draft_of_a_definition_is_refused_and_the_first_one_named(alpha, alices):
    first = alices.post("drafts/", {"key": "x", "title": "X"}).json()
    second = alices.post("drafts/", {"key": "x", "title": "X"})
    assert (second.status_code, second.json()["data"]["draft"]) == (409, first["public_id"])


def test_who_only_reads_publishes_and_saves_nothing(published, alices, bobs):
    path = f"drafts/{alices.post('drafts/', {'key': 'x', 'title': 'X'}).json()['public_id']}/"
    for method, address, body in (
        ("post", "definitions/", {"document": SIMPLE}), ("post", f"{published}/roll-back/", {"number": 1}),
        ("post", f"{published}/restore/", {}), ("post", "drafts/", {"key": "y", "title": "Y"}),
        ("put", path, {"document": {}}), ("delete", path, {}),
    ):  # fmt: skip
        assert bobs.send(method, address, body, if_match="*").status_code == 403, address


def test_charlie_finds_nothing_of_it(published, alices, charlies):
    path = f"drafts/{alices.post('drafts/', {'key': 'x', 'title': 'X'}).json()['public_id']}/"
    reads = ("", "versions/", "versions/1/", "yaml/", "diff/")
    for address in (path, *(f"{published}/{read}" for read in reads)):
        assert charlies.get(address).status_code == 404, address
    assert charlies.get("drafts/").json()["results"] == []
    shown = charlies.get("definitions/palette/").json()
    assert shown["pools"] == [] and shown["definitions"] == []
    asked = charlies.post("definitions/check/", {"document": {**SIMPLE, "tasks": chain("a", pool="crew")}}).json()
    assert set(asked["faults"]) == {"tasks.a.pool"}


def test_reads_cost_the_same_statements_however_much_there_is(alpha, system, pool, alices):
    """Beside what signing in costs."""

    def cost(path: str, body: Any = None) -> int:
        with CaptureQueriesContext(connection) as captured:
            answer = alices.get(path) if body is None else alices.post(path, body)
        assert answer.status_code == 200
        return sum(any(table in query["sql"] for table in TABLES) for query in captured)

    def all_costs() -> dict[str, int]:
        check = {
            "document": {
                **SIMPLE,
                "tasks": chain(*(f"t{n}" for n in range(DefinitionDraft.objects.count())), pool="p0"),
            }
        }
        return {
            "palette": cost("definitions/palette/"), "drafts": cost("drafts/"), "definitions": cost("definitions/"),
            "check": cost("definitions/check/", check), "simulate": cost("definitions/simulate/", check),
            "versions": cost(f"definitions/{Definition.objects.get(key='d0').public_id}/versions/"),
        }  # fmt: skip

    def more(count: int) -> None:
        for number in range(DefinitionDraft.objects.count(), count):
            definitions.publish(actor=system, document={**SIMPLE, "key": f"d{number}"})
            definitions.publish(actor=system, document={**SIMPLE, "key": "d0", "title": f"Version {number}"})
            drafts.create(actor=system, key=f"d{number}", title="D")
            pools.create(actor=system, key=f"p{number}", name=f"P{number}")

    more(1)
    all_costs()  # what is remembered from then on
    few = all_costs()
    more(8)
    assert all_costs() == few
    assert few == {
        "palette": 4, "drafts": 1, "definitions": 1, "check": 1, "simulate": 2, "versions": 2,
    }  # fmt: skip
