"""Workflow definitions in the console: who sees them, versions side by side, drafts, import, a run started by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from boss.console.graph import layout
from boss.console.graph.picture import drawing_of
from boss.console.presenters import conditions
from boss.console.presenters.definitions import plan_of
from tests.cast import Cast
from tests.workflow.conftest import begin, clean_workshop, go, states
from tests.workflow.workshop import chain, task
from workflow.models import Definition, DefinitionDraft, Run
from workflow.services import definitions, drafts

__all__ = ["begin", "clean_workshop", "go", "states"]

LIST = "/console/workflows/"


def document(*tasks: Any, **top: Any) -> dict[str, Any]:
    return {"key": "sign-up", "title": "Sign up", "tasks": list(tasks) or chain("a", "b"), **top}


@pytest.fixture
def published(alpha: Any, alice: Any) -> Definition:
    """Two versions: the second has one task more and another title of `b`."""
    definitions.publish(actor=alice, document=document(), note="The first one")
    changed = [task("a"), {**task("b", "a"), "title": "Better"}, task("c", "b")]
    version = definitions.publish(actor=alice, document=document(*changed), note="Thorough now")
    return version.definition


def address(definition: Definition, rest: str = "") -> str:
    return f"{LIST}{definition.public_id}/{rest}"


def text_of(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.content.decode()


def test_the_list_shows_versions_drafts_and_open_runs(published, cast: Cast, browser_of: Any, alice: Any, begin: Any):
    drafts.create(actor=alice, key="sign-up", title="Sign up")
    drafts.create(actor=alice, key="brand-new", title="Brand new")
    text = text_of(browser_of(cast.bob), LIST)
    assert "Sign up" in text and "Brand new" in text and "Not published" in text
    assert text.index("Brand new") < text.index("Sign up")
    assert f"/api/v1/workflow/definitions/{published.public_id}/yaml/" in text
    assert "New workflow" not in text, "Bob may not publish"
    assert "New workflow" in text_of(browser_of(cast.alice), LIST)


def test_what_is_archived_stands_on_its_own_page(published, cast: Cast, browser_of: Any):
    alice = browser_of(cast.alice)
    assert alice.post(address(published, "archive/")).status_code == 302
    assert "Sign up" not in text_of(alice, LIST)
    assert "Sign up" in text_of(alice, f"{LIST}?archived=yes")
    assert "Archived" in text_of(alice, address(published))
    assert alice.post(address(published, "restore/")).status_code == 302
    assert "Sign up" in text_of(alice, LIST)


def test_charlie_gets_404_for_a_definition_and_a_draft_and_changes_nothing(published, cast, browser_of, alice):
    draft = drafts.create(actor=alice, key="sign-up", title="Sign up")
    charlie = browser_of(cast.charlie)
    for path in (address(published), address(published, "diff/"), f"{LIST}drafts/{draft.public_id}/"):
        assert charlie.get(path).status_code == 404
    for rest in ("edit/", "start/", "roll-back/", "archive/", "restore/"):
        assert charlie.post(address(published, rest), {"number": "1"}).status_code == 404
    published.refresh_from_db()
    assert published.current.number == 2 and not published.is_archived and not Run.objects.exists()
    assert "Sign up" not in text_of(charlie, LIST)


def test_a_version_is_drawn_and_listed_with_who_published_it_and_why(published, cast: Cast, browser_of: Any):
    text = text_of(browser_of(cast.bob), address(published))
    assert text.count('<g class="graph-node') == 3 and 'href="#task-b"' in text and 'id="task-b"' in text
    assert "Thorough now" in text and "The first one" in text and cast.alice.full_name in text
    old = text_of(browser_of(cast.bob), f"{address(published)}?version=1")
    assert old.count('<g class="graph-node') == 2
    assert browser_of(cast.bob).get(f"{address(published)}?version=9").status_code == 404


def test_two_versions_are_compared_task_by_task(published, cast: Cast, browser_of: Any):
    text = text_of(browser_of(cast.bob), address(published, "diff/?from=1&to=2"))
    assert "New task" in text and "Better" in text and "Title" in text
    assert "No difference" in text_of(browser_of(cast.bob), address(published, "diff/?from=2&to=2"))
    assert browser_of(cast.bob).get(address(published, "diff/?from=1&to=x")).status_code == 404


def test_an_earlier_version_is_used_again(published, cast: Cast, browser_of: Any):
    assert browser_of(cast.bob).post(address(published, "roll-back/"), {"number": "1"}).status_code == 403
    answer = browser_of(cast.alice).post(address(published, "roll-back/"), {"number": "1"}, follow=True)
    assert "New runs start on version 1 again." in answer.content.decode()
    published.refresh_from_db()
    assert published.current.number == 1
    answer = browser_of(cast.alice).post(address(published, "roll-back/"), {"number": "77"}, follow=True)
    assert answer.status_code == 200
    published.refresh_from_db()
    assert published.current.number == 1


def test_editing_opens_the_one_draft_there_is(published, cast: Cast, browser_of: Any):
    alice = browser_of(cast.alice)
    first = alice.post(address(published, "edit/"))
    draft = DefinitionDraft.objects.get()
    assert first.url == f"{LIST}drafts/{draft.public_id}/" and len(draft.document["tasks"]) == 3
    assert alice.post(address(published, "edit/")).url == first.url
    text = text_of(alice, first.url)
    assert f'data-draft="{draft.public_id}"' in text and 'data-published="a b c"' in text
    assert 'data-may-publish="yes"' in text and 'data-may-publish="no"' in text_of(browser_of(cast.bob), first.url)
    assert "<style" not in text and " style=" not in text and text.count("<script") == text.count("<script src=")


def test_a_new_workflow_needs_a_title_only(cast: Cast, browser_of: Any, alpha: Any):
    alice = browser_of(cast.alice)
    refused = alice.post(f"{LIST}new/", {"title": "", "key": "No Key"})
    assert refused.status_code == 422
    assert "Please give it a title." in refused.content.decode() and "No Key" in refused.content.decode()
    assert alice.post(f"{LIST}new/", {"title": "12 Steps for Größe"}).status_code == 302
    draft = DefinitionDraft.objects.get()
    assert (draft.key, draft.document["tasks"]) == ("steps-for-groe", [])
    again = alice.post(f"{LIST}new/", {"title": "Other", "key": draft.key})
    assert again.status_code == 409 and "There is a draft of this workflow already." in again.content.decode()


def test_yaml_from_elsewhere_becomes_a_draft(cast: Cast, browser_of: Any, alpha: Any):
    alice = browser_of(cast.alice)
    refused = alice.post(f"{LIST}import/", {"yaml": "a: [unclosed"})
    assert refused.status_code == 422 and "a: [unclosed" in refused.content.decode()
    assert alice.post(f"{LIST}import/", {"yaml": "- just\n- a list"}).status_code == 422
    assert alice.post(f"{LIST}import/", {}).status_code == 422
    text = b"key: elsewhere\ntitle: From elsewhere\ntasks:\n  - {key: a, title: A, handler: tests.work}\n"
    file = SimpleUploadedFile("elsewhere.yaml", text, "application/yaml")
    answer = alice.post(f"{LIST}import/", {"file": file})
    draft = DefinitionDraft.objects.get()
    assert answer.url == f"{LIST}drafts/{draft.public_id}/" and draft.document["tasks"][0]["key"] == "a"
    assert "From elsewhere" in text_of(alice, answer.url)


def test_a_half_drawn_draft_can_be_read_whatever_it_holds(cast: Cast, browser_of: Any, alice: Any, alpha: Any):
    for number, odd in enumerate(
        ({"tasks": "none yet"}, {"tasks": [1, {"key": 2}]}, {"tasks": [{"key": "a", "after": ["a"]}]}, {"inputs": 4})
    ):
        draft = drafts.create(actor=alice, key=f"odd-{number}", title="Odd", document=odd)
        text_of(browser_of(cast.alice), f"{LIST}drafts/{draft.public_id}/")


ASKED = [
    {"key": "count", "type": "integer", "label": "How many", "required": True, "minimum": 1},
    {"key": "families", "type": "list"},
]


def test_a_run_is_started_by_hand_with_typed_inputs_and_once(cast: Cast, browser_of: Any, alice: Any, alpha: Any):
    found = definitions.publish(actor=alice, document=document(inputs=ASKED)).definition
    bob = browser_of(cast.bob)
    text = text_of(bob, address(found))
    assert "How many" in text and "Families" in text
    refused = bob.post(address(found, "start/"), {"input_count": "0", "once": "k"})
    assert refused.status_code == 422 and 'value="0"' in refused.content.decode() and not Run.objects.exists()
    given = {"input_count": "3", "input_families": '["mail"]', "once": "same"}
    answer = bob.post(address(found, "start/"), given)
    run = Run.objects.get()
    assert answer.url == f"/console/runs/{run.public_id}/" and run.inputs == {"count": 3, "families": ["mail"]}
    bob.post(address(found, "start/"), given)
    assert Run.objects.count() == 1


@pytest.mark.parametrize("path", [LIST, "page"])
def test_pages_ask_the_same_however_much_there_is(
    path: str, published: Definition, cast: Cast, browser_of: Any, alice: Any, statements_of: Callable[..., list[str]]
):
    path = address(published) if path == "page" else path
    bob = browser_of(cast.bob)
    before = len(statements_of(bob, path))
    for number in range(3):
        definitions.publish(actor=alice, document={**document(), "key": f"other-{number}"})
        definitions.publish(actor=alice, document=document(*chain("a", "b", f"c{number}")))
    assert len(statements_of(bob, path)) == before <= 12


def test_conditions_are_told_in_words():
    labels = {"inputs.payment": "Payment"}
    payment = {"var": "inputs.payment"}
    told = {
        "Payment is card": {"==": [payment, "card"]},
        "mail in families": {"in": ["mail", {"var": "inputs.families"}]},
        "Payment is card and not: verify": {"and": [{"==": [payment, "card"]}, {"not": {"var": "tasks.verify"}}]},
        "Payment is not given or count ≥ 3": {"or": [{"empty": [payment]}, {">=": [{"var": "inputs.count"}, 3]}]},
        "by a condition": {"if": [payment, 1, 2]},
        "": None,
    }
    assert {conditions.in_words(expression, labels): expression for expression in told.values()} == told


def test_what_somebody_arranged_is_drawn_so_and_half_an_arrangement_is_not():
    places = {"a": [100, 40], "b": [400, 300.5]}
    drawing = drawing_of(["a", "b"], [("a", "b")], places)
    left, right = drawing.boxes
    assert (right.x - left.x, right.y - left.y) == (300, 260.5)
    assert (left.x, left.y) == (layout.MARGIN, layout.MARGIN)
    assert drawing_of(["a", "b"], [("a", "b")], {"a": [1, 1]}) == layout.draw(["a", "b"], [("a", "b")])
    assert drawing_of(["a"], [], {"a": ["x", None]}) == layout.draw(["a"], [])


def test_moving_one_box_leaves_the_ways_of_the_other_edges():
    keys, edges = ["a", "b", "c", "d"], [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d")]
    laid_out = layout.draw(keys, edges)
    places = {box.key: [box.x, box.y] for box in laid_out.boxes} | {"d": [400, 600]}
    ways = {(line.source, line.target): line.points for line in drawing_of(keys, edges, places).lines}
    before = {(line.source, line.target): line.points for line in laid_out.lines}
    assert all(ways[edge] == before[edge] for edge in edges if "d" not in edge) and len(ways["a", "c"]) == 4
    assert ways["c", "d"] != before["c", "d"] and len(ways["c", "d"]) == 2


def test_a_drawing_that_goes_in_a_circle_is_read_as_a_list():
    plan = plan_of(document({**task("a"), "after": ["b"]}, task("b", "a")), {})
    assert plan.picture is None and [line.key for line in plan.lines] == ["a", "b"]
