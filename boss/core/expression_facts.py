"""What follows from a condition being true: which values a name can still have, and whether it can be true at all.

Only what a condition says of single names is followed (a choice, a yes or no, a comparison with a literal); of the rest
nothing is concluded, so "it cannot be true" is always right and "it may be true" says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from boss.core.expression_types import Type, type_of
from boss.core.expressions import ExpressionError, evaluate, names_in

Facts = Mapping[str, frozenset[str]]
"""By name, the values it may still have, each as JSON text (in which yes is not 1). A name left out: any value."""

NOTHING: Facts = {}
_TURNED = {"==": "!=", "!=": "=="}


def assume(condition: Any, facts: Facts, names: Type, *, truth: bool = True) -> Facts | None:
    """The facts when ``condition`` is true as well (or false, with ``truth=False``); None when it cannot be.

    ``condition`` has no problems where ``names`` says what can be named.
    """
    if not names_in(condition):
        return facts if _constant(condition) is truth else None
    operator, raw = next(iter(condition.items()))
    operands = raw if isinstance(raw, list) else [raw]
    if operator == "var":
        return _narrow(raw, [True] if truth else [False, None], facts, names)
    if operator == "not":
        return assume(operands[0], facts, names, truth=not truth)
    if operator in ("and", "or"):
        if (operator == "and") is truth:
            return _all(operands, facts, names, truth)
        return either(assume(operand, facts, names, truth=truth) for operand in operands)
    if operator in _TURNED:
        equal = (operator == "==") is truth
        for name, literal in (operands, reversed(operands)):
            if _is_name(name) and _is_scalar(literal):
                return (_narrow if equal else _exclude)(name["var"], [literal], facts, names)
    if operator in ("in", "contains"):
        name, values = operands if operator == "in" else reversed(operands)
        if _is_name(name) and isinstance(values, list) and all(_is_scalar(value) for value in values):
            return (_narrow if truth else _exclude)(name["var"], values, facts, names)
    return facts


def either(alternatives: Iterable[Facts | None]) -> Facts | None:
    """The facts when one of several holds; None when none can."""
    possible = [facts for facts in alternatives if facts is not None]
    if not possible:
        return None
    named = set(possible[0]).intersection(*possible[1:])
    return {name: frozenset().union(*(facts[name] for facts in possible)) for name in named}


def _all(operands: list[Any], facts: Facts, names: Type, truth: bool) -> Facts | None:
    for operand in operands:
        narrower = assume(operand, facts, names, truth=truth)
        if narrower is None:
            return None
        facts = narrower
    return facts


def _constant(condition: Any) -> bool | None:
    try:
        return bool(evaluate(condition, {}))
    except ExpressionError:
        return None


def _is_name(expression: Any) -> bool:
    return isinstance(expression, dict) and isinstance(expression.get("var"), str)


def _is_scalar(expression: Any) -> bool:
    return expression is None or isinstance(expression, str | bool | int | float)


def _narrow(name: str, values: Iterable[Any], facts: Facts, names: Type) -> Facts | None:
    wanted = frozenset(map(_written, values))
    known = _possible(name, facts, names)
    left = wanted if known is None else known & wanted
    return {**facts, name: left} if left else None


def _exclude(name: str, values: Iterable[Any], facts: Facts, names: Type) -> Facts | None:
    known = _possible(name, facts, names)
    if known is None:
        return facts
    left = known - frozenset(map(_written, values))
    return {**facts, name: left} if left else None


def _written(value: Any) -> str:
    # 1 and 1.0 are the same number.
    return json.dumps(float(value) if isinstance(value, int) and not isinstance(value, bool) else value)


def _possible(name: str, facts: Facts, names: Type) -> frozenset[str] | None:
    if name in facts:
        return facts[name]
    of, _problems = type_of({"var": name}, names)
    if of.kind == "boolean":
        values: list[Any] = [True, False]
    elif of.kind == "text" and of.values is not None:
        values = list(of.values)
    else:
        return None
    return frozenset(map(_written, [*values, None] if of.nullable else values))
