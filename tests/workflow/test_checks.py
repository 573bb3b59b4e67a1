"""What is said about a workflow before it is published: faults that forbid it, warnings that do not."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.workflow.workshop import chain, task
from workflow import checks, shapes
from workflow.errors import DefinitionRefused
from workflow.models import Definition
from workflow.services import definitions
from workflow.surroundings import Surroundings

INPUTS = [
    {"key": "payment", "type": "choice", "choices": ["card", "cash"], "required": True},
    {"key": "note", "type": "text"},
    {"key": "outlets", "type": "integer", "required": True},
    {"key": "metres", "type": "decimal"},
    {"key": "express", "type": "boolean", "required": True},
    {"key": "starts_on", "type": "date", "required": True},
    {"key": "units", "type": "list"},
    {"key": "options", "type": "object"},
]
CHILD = {
    "key": "child",
    "title": "Child",
    "inputs": [{"key": "number", "type": "integer", "required": True}, {"key": "rooms", "type": "list"}],
    "results": {"receipt": {"var": "tasks.a.receipt"}, "number": {"var": "tasks.a.number"}},
    "tasks": [task("a", **{"with": {"number": {"var": "inputs.number"}}})],
}
PARENT = {"key": "parent", "title": "P", "tasks": [{"key": "s", "title": "S", "kind": "subflow", "definition": "x"}]}
AROUND = Surroundings(pools={"crew": "Crew"}, categories={"job": "Job"}, documents={"child": CHILD, "parent": PARENT})


def document(*tasks: dict[str, Any], **top: Any) -> dict[str, Any]:
    return {"key": "x", "title": "X", "inputs": INPUTS, "tasks": list(tasks), **top}


def var(name: str) -> dict[str, str]:
    return {"var": name}


def paid(by: str) -> dict[str, Any]:
    return {"==": [var("inputs.payment"), by]}


def given_(**parameters: Any) -> dict[str, Any]:
    return {"with": parameters}


def manual(key: str, *after: str, **rest: Any) -> dict[str, Any]:
    return {
        "key": key, "title": key.title(), "kind": "manual", "pool": "crew", "undo": "none", "after": list(after),
        "target_seconds": 60, **rest,
    }  # fmt: skip


def part(key: str, *after: str, kind: str = "subflow", **rest: Any) -> dict[str, Any]:
    return {
        "key": key, "title": key, "kind": kind, "definition": "child", "after": list(after),
        "with": {"number": 1}, **rest,
    }  # fmt: skip


def each(key: str, *after: str, **rest: Any) -> dict[str, Any]:
    return part(key, *after, kind="each", **{"over": var("inputs.units"), **rest})


def wait(**rest: Any) -> dict[str, Any]:
    return {"key": "w", "title": "W", "kind": "wait", **rest}


@pytest.mark.parametrize(
    ("tasks", "place", "says"),
    [
        # conditions
        ([task("a", when=var("inputs.note"))], "tasks.a.when", "yes or no"),
        ([task("a", when={"==": [var("inputs.payment"), "cheque"]})], "tasks.a.when", "none of the choices"),
        ([task("a", when={"<": [var("inputs.express"), True]})], "tasks.a.when", "yes or no"),
        ([task("a", when={"in": ["x", var("inputs.outlets")]})], "tasks.a.when", "looks inside"),
        ([task("a", when={">": [var("inputs.note"), 3]})], "tasks.a.when", "cannot compare"),
        ([task("a"), task("b", "a", when={"==": [var("tasks.a.number"), "1"]})], "tasks.b.when", "never the same"),
        ([task("a", when=False)], "tasks.a.when", "never true"),
        ([task("a", when={"and": [paid("card"), paid("cash")]})], "tasks.a.when", "never true"),
        ([task("a", when=paid("card")), task("b", "a", when=paid("cash"))], "tasks.b.when", "after the tasks before"),
        ([task("a"), task("b", "a", when=var("tasks.a.skipped"))], "tasks.b.when", "after the tasks before"),
        ([task("a", when=False), task("b", "a")], "tasks.b.after", "none of the tasks before"),
        # what handlers take
        ([task("a", **given_(number=var("inputs.note")))], "tasks.a.with.number", "Expected is a number"),
        ([task("a", **given_(number=var("inputs.metres")))], "tasks.a.with.number", "whole number"),
        ([task("a", **given_(number="3"))], "tasks.a.with.number", "Expected is a number"),
        ([task("a", **given_(name=var("inputs.units")))], "tasks.a.with.name", "a list"),
        ([task("a", handler="tests.needs", **given_(name=None))], "tasks.a.with.name", "fill this in"),
        ([task("a", handler="tests.needs", **given_(name=""))], "tasks.a.with.name", "fill this in"),
        # waits
        ([wait(until=var("inputs.note"))], "tasks.w.until", "ends at a time"),
        ([wait(until="soon")], "tasks.w.until", "ends at a time"),
        ([wait(until=3, **given_(number=1))], "tasks.w.with", "takes no inputs"),
        ([wait(until=3, calendar="moon")], "tasks.w.calendar", "no such business calendar"),
        # other workflows
        ([part("a", definition="ghost")], "tasks.a.definition", "no published workflow"),
        ([part("a", **given_())], "tasks.a.with.number", "needs this input"),
        ([part("a", **given_(number=1, ghost=2))], "tasks.a.with.ghost", "no such input"),
        ([part("a", **given_(number=var("inputs.note")))], "tasks.a.with.number", "Expected is a number"),
        ([part("a", **given_(number=1, rooms=3))], "tasks.a.with.rooms", "Expected is a list"),
        ([part("a", definition="x")], "tasks.a.definition", "x → x"),
        ([part("a", definition="parent")], "tasks.a.definition", "x → parent → x"),
        ([part("a", undo="none")], "tasks.a.undo", "leave this out"),
        ([part("a", over=[1])], "tasks.a.over", "Only the kind"),
        ([part("a"), task("b", "a", **given_(name=var("tasks.a.ghost")))], "tasks.b.with.name", "Unknown name"),
        ([part("a"), task("b", "a", **given_(number=var("tasks.a.receipt")))], "tasks.b.with.number", "a number"),
        ([each("a", over=var("inputs.note"))], "tasks.a.over", "goes over a list"),
        ([each("a", over=None)], "tasks.a.over", "Which list"),
        ([each("a", at_once=0)], "tasks.a.at_once", "At least one"),
        ([each("a", over=["x"], **given_(number=var("item")))], "tasks.a.with.number", "Expected is a number"),
        ([each("a"), task("b", "a", **given_(number=var("tasks.a.items")))], "tasks.b.with.number", "a list"),
        ([task("a", **given_(name=var("item")))], "tasks.a.with.name", "Unknown name"),
        ([task("a", definition="child")], "tasks.a.definition", "Only the kinds"),
        # people
        ([manual("m", pool="ghosts")], "tasks.m.pool", "no such talent pool"),
        ([manual("m", category="ghosts")], "tasks.m.category", "no such ticket category"),
        ([manual("m", target_seconds=True)], "tasks.m.target_seconds", "expected type"),
        ([manual("m", target_seconds=-1)], "tasks.m.target_seconds", "not negative"),
        ([manual("m", outputs=[{"key": "n", "type": "integer", "minimum": "3"}])], "tasks.m.outputs", "minimum"),
        ([manual("m", outputs=[{"key": "n", "pattern": "("}])], "tasks.m.outputs", ""),
        ([manual("m", outputs=[{"key": "n", "type": "integer", "default": "x"}])], "tasks.m.outputs", "Default"),
        ([manual("m", outputs=[{"key": "n", "type": "choice", "choices": [[1]]}])], "tasks.m.outputs", ""),
    ],
)
def test_every_fault_is_named_at_its_place(tasks, place, says):
    found = checks.faults(document(*tasks), AROUND)
    assert place in found and any(says in message for message in found[place]), found


@pytest.mark.parametrize(
    ("top", "place"),
    [
        ({"results": {"x": var("tasks.ghost.y")}}, "results.x"),
        ({"results": {"Bad Name": 1}}, "results.Bad Name"),
        ({"results": [1]}, "results"),
        ({"layout": {"a": [1]}}, "layout"),
        ({"layout": [1]}, "layout"),
        ({"description": 5}, "description"),
        ({"inputs": [{"type": "list"}]}, "inputs"),
        ({"inputs": [{"key": "a"}, {"key": "a", "type": "list"}]}, "inputs"),
        ({"inputs": {"a": 1}}, "inputs"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_so_is_what_is_wrong_with_the_whole(top, place):
    assert list(checks.faults(document(task("a"), **top), AROUND)) == [place]


@pytest.mark.parametrize(
    "tasks",
    [
        [task("card", when=paid("card")), task("cash", when=paid("cash")), task("join", "card", "cash")],
        [task("card", when=paid("card")), task("cash", when={"not": paid("card")}), task("j", "card", "cash")],
        [
            task("card", when=paid("card")), task("cash", when=paid("cash")),
            task("join", "card", "cash", when=var("tasks.cash.skipped")), task("z", "join", when=paid("card")),
        ],
        [task("a", when={"in": [var("inputs.payment"), ["card"]]})],
        [task("a", when={"==": [var("inputs.note"), "x"]}), task("b", "a", when={"!=": [var("inputs.note"), "y"]})],
        [wait(until=var("inputs.starts_on"))],
        [wait(until="2026-12-24T08:00:00Z")],
        [wait(until={"if": [var("inputs.express"), 60, 3600]})],
        [each("a", **given_(number=var("item.number"))), task("b", "a", **given_(number=var("tasks.a.count")))],
        [each("a", over=[1, 2], **given_(number=var("item"))), part("b", "a", **given_(number=var("tasks.a.count")))],
        [part("a"), task("b", "a", **given_(name=var("tasks.a.receipt"), number=var("tasks.a.number")))],
        [task("a", **given_(name=var("inputs.starts_on"), number=var("inputs.options.deep.number")))],
    ],
)  # fmt: skip
def test_what_is_in_order_has_no_faults(tasks):
    assert checks.faults(document(*tasks), AROUND) == {}


def test_what_follows_from_a_fault_is_not_blamed_again():
    tasks = [task("a", handler="no.such"), task("b", "a", **given_(number=var("tasks.a.price")))]
    assert set(checks.faults(document(*tasks), AROUND)) == {"tasks.a.handler"}


def test_a_thousand_tasks_are_looked_through_while_one_waits():
    names = [f"t{number}" for number in range(1000)]
    tasks = [
        task(key, *names[max(0, index - 2) : index], when={"!=": [var("inputs.note"), key]}, **given_(name=key))
        for index, key in enumerate(names)
    ]
    begins = time.perf_counter()
    assert checks.faults(document(*tasks), AROUND) == {}
    assert checks.warnings(document(*tasks)) == {}
    assert time.perf_counter() - begins < 20


def test_results_and_layout_belong_to_a_document():
    top = {"results": {"paid": paid("card"), "number": var("tasks.a.number")}, "layout": {"a": [10, 20.5]}}
    assert checks.faults(document(task("a"), **top), AROUND) == {}


def test_warnings_say_what_is_mostly_not_meant_and_forbid_nothing():
    tasks = [
        manual("ask", target_seconds=None, outputs=[{"key": "seen", "label": "Seen"}, {"key": "metres"}]),
        task("a", "ask", retry={"backoff_seconds": 0}, **given_(name=var("tasks.ask.metres"))),
        task("mail", "a", point_of_no_return=True),
        task("z", "mail", handler="tests.needs", **given_(name=var("inputs.note"))),
    ]
    assert checks.faults(document(*tasks), AROUND) == {}
    found = checks.warnings(document(*tasks))
    assert set(found) == {
        "tasks.ask.target_seconds", "tasks.ask.outputs", "tasks.a.retry.backoff_seconds",
        "tasks.mail.point_of_no_return", "tasks.z.with.name",
    }  # fmt: skip
    assert found["tasks.ask.outputs"] == ["Nothing reads “Seen”."]
    assert checks.warnings(document(*chain("a", "b"))) == {}


def test_a_version_that_would_close_a_circle_is_not_rolled_back_to(alpha, system):
    plain = {"key": "one", "title": "One", "tasks": chain("a")}
    definitions.publish(actor=system, document=plain)
    second = {"key": "two", "title": "Two", "tasks": [part("s", definition="one", **given_())]}
    definitions.publish(actor=system, document=second)
    definitions.publish(actor=system, document={**second, "tasks": chain("a")})
    definitions.publish(actor=system, document={**plain, "tasks": [part("s", definition="two", **given_())]})
    two = Definition.objects.get(key="two")
    with pytest.raises(DefinitionRefused) as refused:
        definitions.roll_back(actor=system, definition=two, number=1)
    assert "two → one → two" in refused.value.fields["tasks.s.definition"][0]
    assert Definition.objects.get(key="two").current.number == 2


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = sorted({*shapes.TASK_FIELDS, "ghost"})


@settings(max_examples=400, deadline=None)
@given(
    st.dictionaries(st.sampled_from(sorted(shapes.TOP_FIELDS)), _JSON, max_size=4),
    st.lists(st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=4), max_size=3),
)
@example({"inputs": None, "results": None, "layout": None}, [])
def test_no_document_makes_the_checks_fail(top, tasks):
    sound = [{"key": f"t{index}", "title": "T", "handler": "tests.remote", **task} for index, task in enumerate(tasks)]
    whole = {"key": "x", "title": "X", "tasks": sound, **top}
    if not checks.faults(whole, AROUND):
        checks.warnings(whole)
