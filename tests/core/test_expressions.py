"""Conditions are small, typed and always end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boss.core.expressions import ExpressionError, evaluate, names_in, problems

NAMES = {"inputs": {"payment": "card", "families": ["mail", "dns"], "outlets": 2}, "tasks": {"verify": {"ok": True}}}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"==": [{"var": "inputs.payment"}, "card"]}, True),
        ({"!=": [{"var": "inputs.payment"}, "card"]}, False),
        ({"in": ["mail", {"var": "inputs.families"}]}, True),
        ({"contains": [{"var": "inputs.families"}, "voip"]}, False),
        ({">=": [{"var": "inputs.outlets"}, 2]}, True),
        ({"and": [{"var": "tasks.verify.ok"}, {"not": {"empty": {"var": "inputs.families"}}}]}, True),
        ({"or": [False, {"var": "inputs.missing"}]}, False),
        ({"if": [{"var": "inputs.missing"}, "a", "b"]}, "b"),
        ({"<": [{"var": "inputs.missing"}, 3]}, False),
        ({"==": [True, 1]}, False),
        ([1, {"var": "inputs.outlets"}], [1, 2]),
        ("literal", "literal"),
    ],
)
def test_an_expression_has_the_value_people_expect(expression, value):
    assert evaluate(expression, NAMES) == value


@pytest.mark.parametrize(
    "expression",
    [{"<": ["a", 1]}, {"eval": "1"}, {"==": [1]}, {"var": 3}, {"==": [1, 1], "!=": [1, 1]}, {"in": [1, 2]}],
)
def test_nonsense_is_refused_when_it_runs(expression):
    with pytest.raises(ExpressionError):
        evaluate(expression, NAMES)


def test_problems_are_found_before_it_runs():
    expression = {"and": [{"==": [{"var": "inputs.paymnet"}, "card"]}, {"xor": [1, 2]}]}
    assert problems(expression, {"inputs.payment"}.__contains__) == [
        "unknown name 'inputs.paymnet'",
        "unknown operator 'xor'",
    ]
    assert names_in(expression) == {"inputs.paymnet"}


def test_a_bottomless_expression_is_refused():
    expression = True
    for _level in range(200):
        expression = {"not": expression}
    with pytest.raises(ExpressionError):
        evaluate(expression, {})
    assert problems(expression) == ["nested too deeply"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["var", "==", "and", "in", "<", "not", "if", "zz"]), inner, max_size=2)
        ),
        max_leaves=20,
    )
)
def test_no_expression_does_anything_but_give_a_value_or_say_why_not(expression):
    try:
        evaluate(expression, NAMES)
    except ExpressionError as error:
        assert str(error)
