"""Definitions as text, and what differs between two of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boss.platform import demo
from tests.workflow.workshop import chain, task
from workflow import diff, documents, shapes

SHIPPED = sorted((Path(demo.__file__).parent / "definitions").glob("*.yaml"))

DOCUMENT = {
    "layout": {"b": [120, 0.5], "a": [0, 0]},
    "tasks": [
        {
            "after": [],
            "title": "First: the “best”",
            "key": "a",
            "handler": "tests.remote",
            "with": {
                "number": {"var": "inputs.number"},
                "name": {"if": [{"==": [{"var": "inputs.way"}, "no"]}, "x" * 60, "no"]},
            },
            "retry": {"attempts": 3, "backoff_seconds": 1e-7},
        },
        {
            "key": "b",
            "title": "Yes",
            "kind": "manual",
            "pool": "crew",
            "undo": "none",
            "instructions": "Go there.\n\n  - look\n  - key: a\nCome back.\n",
            "outputs": [{"type": "choice", "key": "how", "choices": [["on", "1e3"], ["off", "null"]]}],
        },
    ],
    "inputs": [{"type": "integer", "key": "number", "required": True}, {"key": "way"}],
    "title": "Both",
    "description": "Two lines\nof it",
    "results": {"n": {"var": "tasks.a.number"}},
    "key": "both",
}  # fmt: skip

TEXT = """\
key: both
title: Both
description: |-
  Two lines
  of it
inputs:
  - {key: number, type: integer, required: true}
  - {key: way}
results: {n: {var: tasks.a.number}}
tasks:
  - key: a
    title: 'First: the “best”'
    handler: tests.remote
    with:
      name:
        if:
          - {==: [{var: inputs.way}, 'no']}
          - xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
          - 'no'
      number: {var: inputs.number}
    after: []
    retry: {attempts: 3, backoff_seconds: 1.0e-07}

  - key: b
    title: 'Yes'
    kind: manual
    pool: crew
    instructions: |
      Go there.

        - look
        - key: a
      Come back.
    outputs:
      - {key: how, type: choice, choices: [['on', '1e3'], ['off', 'null']]}
    undo: none
layout:
  a: [0, 0]
  b: [120, 0.5]
"""


def test_a_definition_is_written_as_people_would_write_it():
    assert documents.to_yaml(DOCUMENT) == TEXT
    assert documents.from_yaml(TEXT) == DOCUMENT


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_is_shipped_survives_the_way_out_and_in(path):
    document = documents.from_yaml(path.read_text())
    text = documents.to_yaml(document)
    assert documents.from_yaml(text) == document
    assert documents.to_yaml(documents.from_yaml(text)) == text


_TEXTS = st.text(max_size=30) | st.text(
    alphabet=" \n\t-:#'\"|>{}[],&*!%@`~=0123456789.enoyabc\\\x85\u2028", max_size=30
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=8,
)
_TASKS = st.lists(
    st.dictionaries(st.sampled_from(sorted(shapes.TASK_FIELDS - {"outputs"})), _VALUES, max_size=6),
    min_size=1,
    max_size=3,
)


@settings(max_examples=300, deadline=None)
@given(_TASKS, _VALUES, _TEXTS)
def test_any_document_reads_back_equal_and_is_always_written_the_same(tasks, results, title):
    document = {"tasks": tasks, "results": results, "title": title}
    try:
        document = documents.plain(document)
    except documents.Unreadable:
        return
    text = documents.to_yaml(document)
    assert documents.from_yaml(text) == document
    assert documents.to_yaml(dict(reversed(document.items()))) == text


@pytest.mark.parametrize(
    "text",
    [
        "a: [", "a: 2026-01-01", "a: .inf", "a: .nan", 'a: "\\0"', "a: !!python/object:os.system x",
        "a: &x [1]\nb: [*x, *x]", "[" * 5000, "{? {a: 1} : 2}",
    ],
)  # fmt: skip
def test_text_that_is_no_document_is_refused(text):
    with pytest.raises(documents.Unreadable):
        documents.from_yaml(text)


# Differences


def document(*tasks: dict[str, Any], **top: Any) -> dict[str, Any]:
    return {"key": "x", "title": "X", "tasks": list(tasks), **top}


def test_tasks_that_came_and_went_are_named():
    found = diff.between(document(*chain("a", "b")), document(*chain("a", "c")))
    assert found.tasks_added == [diff.NamedTask("c", "C")]
    assert found.tasks_removed == [diff.NamedTask("b", "B")]
    assert found.tasks_changed == [] and found.top == []


def test_what_changed_in_a_task_is_named_part_by_part():
    before = task("a", **{"with": {"number": 1, "name": "x"}, "retry": {"attempts": 3}, "when": {"var": "inputs.go"}})
    after = task("a", **{"with": {"number": True, "name": "x"}, "retry": {"attempts": 4}, "pool": "crew"})
    found = diff.between(document(before), document(after))
    assert found.tasks_changed == [
        diff.Change("a", "with.number", 1, True),
        diff.Change("a", "retry.attempts", 3, 4),
        diff.Change("a", "pool", None, "crew"),
        diff.Change("a", "when", {"var": "inputs.go"}, None),
    ]


def test_what_changed_at_the_top_is_named():
    before = document(task("a"), inputs=[{"key": "n", "type": "integer"}], results={"x": 1})
    found = diff.between(before, document(task("a"), title="Y", results={"x": 2, "y": 3}))
    assert found.top == [
        diff.Change("", "title", "X", "Y"),
        diff.Change("", "results.x", 1, 2),
        diff.Change("", "results.y", None, 3),
        diff.Change("", "inputs", [{"key": "n", "type": "integer"}], None),
    ]


def test_what_does_the_same_is_no_difference():
    before = document(task("a"), task("b"), task("c", "a", "b"), layout={"a": [0, 0]})
    plain = {"kind": "automated", "undo": "", "retry": {"attempts": 5}, "skippable": False, "on_deadline": "fail"}
    after = document(
        task("b"),
        {**task("a", **plain), "pool": None, "with": {}},
        task("c", "b", "a"),
        layout={"a": [9, 9]},
        inputs=[],
    )
    assert not diff.between(before, after)
    assert not diff.between(after, before)
