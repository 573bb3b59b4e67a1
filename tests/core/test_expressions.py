"""Conditions are small, typed and always end."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boss.core.expression_types import (
    ANY_OBJECT,
    BOOLEAN,
    TEXT,
    WHOLE,
    Type,
    condition_problems,
    misfit,
    of_characteristic,
    record,
    type_of,
)
from boss.core.expressions import ExpressionError, evaluate, names_in
from boss.core.schema import Characteristic

NAMES = {"inputs": {"payment": "card", "families": ["mail", "dns"], "outlets": 2}, "tasks": {"verify": {"ok": True}}}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"==": [{"var": "inputs.payment"}, "card"]}, True),
        ({"!=": [{"var": "inputs.payment"}, "card"]}, False),
        ({"in": ["mail", {"var": "inputs.families"}]}, True),
        ({"in": [{"var": "inputs.missing"}, "mail"]}, False),
        ({"in": [True, [1]]}, False),
        ({"contains": [{"var": "inputs.families"}, "voip"]}, False),
        ({">=": [{"var": "inputs.outlets"}, 2]}, True),
        ({"and": [{"var": "tasks.verify.ok"}, {"not": {"empty": {"var": "inputs.families"}}}]}, True),
        ({"or": [False, {"var": "inputs.missing"}]}, False),
        ({"if": [{"var": "inputs.missing"}, "a", "b"]}, "b"),
        ({"<": [{"var": "inputs.missing"}, 3]}, False),
        ({"<": ["2026-01-01T10:00:00+02:00", "2026-01-01T09:00:00Z"]}, True),
        ({"==": [True, 1]}, False),
        ([1, {"var": "inputs.outlets"}], [1, 2]),
        ("literal", "literal"),
    ],
)
def test_an_expression_has_the_value_people_expect(expression, value):
    assert evaluate(expression, NAMES) == value


@pytest.mark.parametrize(
    "expression",
    [
        {"<": ["a", 1]}, {"eval": "1"}, {"==": [1]}, {"var": 3}, {"==": [1, 1], "!=": [1, 1]}, {"in": [1, 2]},
        {"if": [True, 1]}, {"not": [1, 2]}, {"in": [1, "1"]},
    ],
)  # fmt: skip
def test_nonsense_is_refused_when_it_runs(expression):
    with pytest.raises(ExpressionError):
        evaluate(expression, NAMES)


def test_a_bottomless_expression_is_refused():
    expression = True
    for _level in range(200):
        expression = {"not": expression}
    with pytest.raises(ExpressionError):
        evaluate(expression, {})
    assert problems(expression) == ["This is nested too deeply."]


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
    problems(expression)
    try:
        evaluate(expression, NAMES)
    except ExpressionError as error:
        assert str(error)


# Types

PAYMENT = Type("text", values=frozenset(["card", "cash"]))
TYPES = record(
    {
        "payment": PAYMENT,
        "speed": Type("text", values=frozenset(["slow", "fast"])),
        "name": TEXT.or_null(),
        "outlets": WHOLE,
        "metres": Type("number", nullable=True),
        "wanted": BOOLEAN,
        "visit_on": Type("date"),
        "called_at": Type("datetime", nullable=True),
        "families": Type("list", item=TEXT),
        "rooms": Type("list", nullable=True, item=PAYMENT),
        "site": record({"city": TEXT, "floor": WHOLE.or_null()}),
        "options": ANY_OBJECT,
    }
)


def problems(expression: Any) -> list[str]:
    return type_of(expression, TYPES)[1]


def var(name: str) -> dict[str, str]:
    return {"var": name}


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        (var("paymnet"), "Unknown name “paymnet”"),
        (var("site.street"), "Unknown name “site.street”"),
        (var("outlets.x"), "“outlets” is a number and has no parts"),
        (var(3), "takes a name"),
        ({"xor": [1, 2]}, "Unknown operator “xor”"),
        ({"==": [1]}, "takes 2 operands, not 1"),
        ({"==": [1, 1], "!=": [1, 1]}, "one operator, not 2"),
        ({"==": [var("payment"), "cheque"]}, "“cheque” is none of the choices: card, cash"),
        ({"!=": ["cheque", var("payment")]}, "“cheque” is none of the choices: card, cash"),
        ({"==": [var("payment"), var("speed")]}, "none of the choices"),
        ({"in": [var("payment"), ["card", "cheque"]]}, "“cheque” is none of the choices"),
        ({"in": ["cheque", var("rooms")]}, "“cheque” is none of the choices"),
        ({"==": [var("name"), 3]}, "“name” is a text and 3 is a number: they are never the same"),
        ({"==": [var("wanted"), 1]}, "“wanted” is a yes or no and 1 is a number"),
        ({"<": [var("wanted"), True]}, "“wanted” is a yes or no"),
        ({"<": [var("name"), 3]}, "cannot compare “name”, a text, with 3, a number"),
        ({">": [var("families"), 1]}, "“families” is a list"),
        ({"<": [{"if": [var("wanted"), 1, "a"]}, 3]}, "the result of “if” is of more than one kind"),
        ({"<": [var("visit_on"), "soon"]}, "cannot compare “visit_on”, a date"),
        ({"==": [var("visit_on"), var("called_at")]}, "a date and “called_at” is a date and time"),
        ({"in": [1, var("outlets")]}, "“outlets” is a number"),
        ({"in": [1, var("name")]}, "looks for a text in a text; 1 is a number"),
        ({"contains": [var("families"), 5]}, "never the same"),
        ({"and": [var("wanted"), var("name")]}, "“and” takes conditions; “name” is a text"),
        ({"not": var("families")}, "“not” takes conditions"),
        ({"if": [var("outlets"), 1, 2]}, "“if” takes conditions"),
    ],
)
def test_what_cannot_be_right_is_said_in_a_sentence(expression, says):
    found = problems(expression)
    assert len(found) == 1 and says in found[0], found


@pytest.mark.parametrize(
    "expression",
    [
        {"==": [var("payment"), "card"]},
        {"==": [var("name"), None]},
        {"in": [var("payment"), ["card"]]},
        {"in": [var("payment"), var("rooms")]},
        {"<": [var("visit_on"), "2026-12-24"]},
        {"==": [var("visit_on"), {"if": [var("wanted"), var("visit_on"), "2026-12-24"]}]},
        {"<": [var("outlets"), 2.5]},
        {"<": [var("options.anything.at.all"), 3]},
        {"and": [var("wanted"), {"not": {"empty": var("name")}}, var("options.x")]},
        {"in": ["x", var("name")]},
        {"==": [{"if": [var("wanted"), 1, "a"]}, 3]},
    ],
)
def test_what_may_be_right_is_let_through(expression):
    assert problems(expression) == []


def test_every_problem_of_an_expression_is_named_and_none_twice():
    expression = {"and": [{"==": [var("paymnet"), "card"]}, {"xor": [1, 2]}, {"!=": [var("paymnet"), "cash"]}]}
    assert problems(expression) == ["Unknown name “paymnet”.", "Unknown operator “xor”."]
    assert names_in(expression) == {"paymnet"}


def test_a_condition_says_yes_or_no():
    assert condition_problems({"==": [var("payment"), "card"]}, TYPES) == []
    assert condition_problems(var("options.express"), TYPES) == []
    assert condition_problems(var("name"), TYPES) == ["A condition says yes or no; “name” is a text."]
    assert "is a number" in condition_problems({"if": [var("wanted"), 1, 2]}, TYPES)[0]


@pytest.mark.parametrize(
    ("expression", "wanted", "says"),
    [
        (var("name"), Characteristic("x"), ""),
        (var("visit_on"), Characteristic("x"), ""),
        ("2026-12-24", Characteristic("x", "date"), ""),
        (var("outlets"), Characteristic("x", "decimal"), ""),
        (var("payment"), Characteristic("x", "choice", choices=(("card", ""), ("cash", ""), ("iou", ""))), ""),
        (var("options.x"), Characteristic("x", "integer"), ""),
        (["card"], Characteristic("x", "multi_choice", choices=(("card", ""),)), ""),
        (var("name"), Characteristic("x", "integer"), "Expected is a number, and this is a text."),
        ("3", Characteristic("x", "integer"), "Expected is a number, and this is a text."),
        (var("metres"), Characteristic("x", "integer"), "whole number"),
        (var("name"), Characteristic("x", "date"), "Expected is a date"),
        (var("families"), Characteristic("x"), "this is a list"),
        (var("payment"), Characteristic("x", "choice", choices=(("card", ""),)), "“cash” is none of the choices"),
        (["cash"], Characteristic("x", "multi_choice", choices=(("card", ""),)), "“cash” is none of the choices"),
    ],
)
def test_a_value_fits_what_is_asked_for_or_it_is_said_why_not(expression, wanted, says):
    found, wrong = type_of(expression, TYPES)
    assert not wrong
    sentence = misfit(found, of_characteristic(wanted))
    assert says in sentence if says else sentence == ""


# An expression that type-checks never raises

_DAY = st.dates().map(lambda day: day.isoformat())
_INSTANT = st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat())
_WORDS = st.text(max_size=4)
_NUMBERS = st.integers(-5, 5) | st.floats(-5, 5)


@st.composite
def typed_names(draw: Any) -> tuple[Type, dict[str, Any]]:
    """Names of every type with a value each, and now and then none."""
    values: dict[str, st.SearchStrategy[Any]] = {
        "t": _WORDS, "u": _WORDS, "n": _NUMBERS, "m": st.integers(), "b": st.booleans(), "d": _DAY, "e": _DAY,
        "i": _INSTANT, "j": _INSTANT, "c": st.sampled_from(["a", "b"]), "l": st.lists(_WORDS, max_size=3),
        "k": st.lists(st.sampled_from(["a", "b"]), max_size=2),
        "o": st.fixed_dictionaries({"n": _NUMBERS, "t": _WORDS}),
    }  # fmt: skip
    choice = Type("text", values=frozenset("ab"))
    types = {
        "t": TEXT, "u": TEXT, "n": Type("number"), "m": WHOLE, "b": BOOLEAN, "d": Type("date"), "e": Type("date"),
        "i": Type("datetime"), "j": Type("datetime"), "c": choice, "l": Type("list", item=TEXT),
        "k": Type("list", item=choice), "o": record({"n": Type("number"), "t": TEXT}),
    }  # fmt: skip
    given: dict[str, Any] = {}
    for name, strategy in values.items():
        if draw(st.booleans()):
            types[name] = types[name].or_null()
            given[name] = draw(st.none() | strategy)
        else:
            given[name] = draw(strategy)
    return record(types), given


_LEAVES: dict[str, list[Any]] = {
    "text": [var("t"), var("u"), var("c"), var("o.t"), "a", "b", "zz", ""],
    "number": [var("n"), var("m"), var("o.n"), 0, 1.5],
    "date": [var("d"), var("e"), "2026-01-01"],
    "datetime": [var("i"), var("j"), "2026-01-01T00:00:00Z"],
    "list": [var("l"), var("k"), [], ["a", var("t")], [1, "a", None]],
    "condition": [var("b"), True, False],
    "other": [None, var("o"), [[]]],
}
_ORDERED = ("text", "number", "date", "datetime")


def grown(chance: Random, kind: str, depth: int = 3) -> Any:
    """An expression of a kind that mostly makes sense; now and then an operand is of any kind."""
    if chance.random() < 0.04:
        kind = chance.choice(sorted(_LEAVES))
    if depth == 0 or kind == "other" or chance.random() < 0.25:
        return chance.choice(_LEAVES[kind])

    def of(*kinds: str) -> list[Any]:
        return [grown(chance, one, depth - 1) for one in kinds]

    if kind != "condition":
        return {"if": of("condition", kind, kind)}
    operator = chance.choice(["==", "!=", "<", "<=", ">", ">=", "in", "contains", "and", "or", "not", "empty"])
    same = chance.choice(_ORDERED)
    if operator in ("and", "or"):
        return {operator: of(*["condition"] * chance.randrange(4))}
    if operator in ("in", "contains"):
        pair = of("text", chance.choice(["text", "list"]))
        return {operator: pair if operator == "in" else pair[::-1]}
    if operator == "empty":
        return {operator: of(chance.choice(sorted(_LEAVES)))}
    return {operator: of("condition") if operator == "not" else of(same, same)}


def _kind_fits(value: Any, of: Type) -> bool:
    if value is None:
        return of.nullable
    if of.kind in ("mixed", "unknown"):
        return True
    python = {"text": str, "date": str, "datetime": str, "boolean": bool, "list": list, "object": dict}
    if of.kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return of.kind in python and isinstance(value, python[of.kind])


@settings(max_examples=400, deadline=None)
@given(typed_names(), st.integers(0, 2**32))
def test_an_expression_without_problems_never_raises_and_gives_what_its_type_says(names, seed):
    types, values = names
    chance = Random(seed)
    for kind in ("condition", "condition", "condition", "list", "other"):
        holds_its_promise(grown(chance, kind), types, values)


def holds_its_promise(expression, types, values):
    of, wrong = type_of(expression, types)
    if wrong:
        return
    value = evaluate(expression, values)
    assert _kind_fits(value, of)
    if of.values is not None and value is not None:
        assert value in of.values
    if of.whole and value is not None:
        assert float(value).is_integer()
