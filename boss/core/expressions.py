"""The one small language for conditions and expressions: a JSON-logic subset, evaluated on the server.

An expression is a literal, a list of expressions, or an object with exactly one operator::

    {"==": [{"var": "inputs.payment"}, "card"]}
    {"and": [{"in": ["mail", {"var": "inputs.families"}]}, {"not": {"var": "tasks.verify.skipped"}}]}

Strict where JSON-logic is lax: comparing values of different types is an error, unknown operators are refused, and a
name that is missing gives null (``empty``). There are no loops, so evaluation ends after as many steps as the
expression has nodes. What is wrong with an expression is found before it runs by ``boss.core.expression_types``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

DEEPEST = 40
"""How many levels an expression may have."""

OPERATORS: dict[str, int | None] = {
    "var": 1, "and": None, "or": None, "not": 1, "if": 3, "==": 2, "!=": 2, "<": 2, "<=": 2, ">": 2, ">=": 2,
    "in": 2, "contains": 2, "empty": 1,
}  # fmt: skip
"""Every operator and how many operands it takes; None for any number."""


class ExpressionError(ValueError):
    """The expression cannot be read or its operands do not fit; the message says which operator."""


def evaluate(expression: Any, names: Mapping[str, Any]) -> Any:
    """The value of ``expression`` with ``names`` (nested dicts, reached by dots). Raises :class:`ExpressionError`."""
    return _value(expression, names, 0)


def names_in(expression: Any) -> set[str]:
    """Every name the expression reads, however deep."""
    found: set[str] = set()
    rest = [expression]
    while rest:
        inner = rest.pop()
        if isinstance(inner, list):
            rest += inner
        elif isinstance(inner, dict):
            for operator, operands in inner.items():
                if operator != "var":
                    rest.append(operands)
                elif isinstance(operands, str):
                    found.add(operands)
    return found


def _value(expression: Any, names: Mapping[str, Any], depth: int) -> Any:
    if depth > DEEPEST:
        raise ExpressionError("nested too deeply")
    if isinstance(expression, list):
        return [_value(item, names, depth + 1) for item in expression]
    if not isinstance(expression, dict):
        return expression
    operator, raw = _single(expression)
    if operator == "var":
        return _look_up(raw, names)
    operands = raw if isinstance(raw, list) else [raw]
    if (count := OPERATORS[operator]) is not None and len(operands) != count:
        raise ExpressionError(f"{operator} takes {count} operands, not {len(operands)}")
    if operator == "and":
        return all(_truth(_value(item, names, depth + 1)) for item in operands)
    if operator == "or":
        return any(_truth(_value(item, names, depth + 1)) for item in operands)
    if operator == "if":
        condition, then, otherwise = operands
        return _value(then if _truth(_value(condition, names, depth + 1)) else otherwise, names, depth + 1)
    values = [_value(item, names, depth + 1) for item in operands]
    return _FUNCTIONS[operator](*values)


def _single(expression: dict[str, Any]) -> tuple[str, Any]:
    if len(expression) != 1:
        raise ExpressionError(f"an expression has one operator, not {sorted(expression)}")
    operator, operands = next(iter(expression.items()))
    if operator not in OPERATORS:
        raise ExpressionError(f"unknown operator {operator!r}")
    return operator, operands


def _look_up(name: Any, names: Mapping[str, Any]) -> Any:
    if not isinstance(name, str):
        raise ExpressionError("var takes a name")
    value: Any = names
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def _truth(value: Any) -> bool:
    return value is not None and value is not False and value != 0 and value != "" and value != [] and value != {}


def _equal(left: Any, right: Any) -> bool:
    # In Python True == 1; here a yes/no is never a number.
    return type(left) is type(right) and left == right if bool in (type(left), type(right)) else bool(left == right)


def _order(operator: str, test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(left: Any, right: Any) -> bool:
        if left is None or right is None:
            return False
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        texts = isinstance(left, str) and isinstance(right, str)
        if not (numbers or texts) or bool in (type(left), type(right)):
            raise ExpressionError(f"{operator} cannot compare {left!r} with {right!r}")
        if texts and (instants := _instants(left, right)):
            return test(*instants)
        return test(left, right)

    return compare


def _instants(left: str, right: str) -> tuple[dt.datetime, dt.datetime] | None:
    """Two times of perhaps different zones, of which the letters say nothing."""
    if "T" not in left or "T" not in right:
        return None
    try:
        one, other = dt.datetime.fromisoformat(left), dt.datetime.fromisoformat(right)
    except ValueError:
        return None
    return (one, other) if one.tzinfo and other.tzinfo else None


def _inside(needle: Any, haystack: Any) -> bool:
    if haystack is None:
        return False
    if isinstance(haystack, str) and (needle is None or isinstance(needle, str)):
        return needle is not None and needle in haystack
    if isinstance(haystack, list | tuple):
        return any(_equal(needle, item) for item in haystack)
    raise ExpressionError(f"in cannot look for {needle!r} inside {haystack!r}")


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<": _order("<", lambda a, b: a < b),
    "<=": _order("<=", lambda a, b: a <= b),
    ">": _order(">", lambda a, b: a > b),
    ">=": _order(">=", lambda a, b: a >= b),
    "not": lambda value: not _truth(value),
    "in": _inside,
    "contains": lambda haystack, needle: _inside(needle, haystack),
    "empty": lambda value: not _truth(value),
}
