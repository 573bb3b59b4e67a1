"""The one small language for conditions and expressions: a JSON-logic subset, evaluated on the server.

An expression is a literal, a list of expressions, or an object with exactly one operator::

    {"==": [{"var": "inputs.payment"}, "card"]}
    {"and": [{"in": ["mail", {"var": "inputs.families"}]}, {"not": {"var": "tasks.verify.skipped"}}]}

Strict where JSON-logic is lax: comparing values of different types is an error, unknown operators are refused, and a
name that is missing gives null (``empty``). There are no loops, so evaluation ends after as many steps as the
expression has nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_DEEPEST = 40


class ExpressionError(ValueError):
    """The expression cannot be read or its operands do not fit; the message says which operator."""


def evaluate(expression: Any, names: Mapping[str, Any]) -> Any:
    """The value of ``expression`` with ``names`` (nested dicts, reached by dots). Raises :class:`ExpressionError`."""
    return _value(expression, names, 0)


def problems(expression: Any, known: Callable[[str], bool] | None = None) -> list[str]:
    """What is wrong with the text of an expression before it ever runs. ``known`` says whether a name exists."""
    found: list[str] = []
    _inspect(expression, known, found, 0)
    return found


def names_in(expression: Any) -> set[str]:
    """Every name the expression reads."""
    found: set[str] = set()
    if isinstance(expression, dict):
        for operator, operands in expression.items():
            if operator == "var" and isinstance(operands, str):
                found.add(operands)
            elif operator != "var":
                found |= names_in(operands)
    elif isinstance(expression, list):
        for item in expression:
            found |= names_in(item)
    return found


def _value(expression: Any, names: Mapping[str, Any], depth: int) -> Any:
    if depth > _DEEPEST:
        raise ExpressionError("nested too deeply")
    if isinstance(expression, list):
        return [_value(item, names, depth + 1) for item in expression]
    if not isinstance(expression, dict):
        return expression
    operator, raw = _single(expression)
    if operator == "var":
        return _look_up(raw, names)
    operands = raw if isinstance(raw, list) else [raw]
    if operator == "and":
        return all(_truth(_value(item, names, depth + 1)) for item in operands)
    if operator == "or":
        return any(_truth(_value(item, names, depth + 1)) for item in operands)
    if operator == "if":
        condition, then, otherwise = _exactly(operands, 3, "if")
        return _value(then if _truth(_value(condition, names, depth + 1)) else otherwise, names, depth + 1)
    values = [_value(item, names, depth + 1) for item in operands]
    return _OPERATORS[operator](values)


def _single(expression: dict[str, Any]) -> tuple[str, Any]:
    if len(expression) != 1:
        raise ExpressionError(f"an expression has one operator, not {sorted(expression)}")
    operator, operands = next(iter(expression.items()))
    if operator not in _KNOWN:
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


def _exactly(operands: list[Any], count: int, operator: str) -> list[Any]:
    if len(operands) != count:
        raise ExpressionError(f"{operator} takes {count} operands, not {len(operands)}")
    return operands


def _equal(values: list[Any]) -> bool:
    left, right = _exactly(values, 2, "==")
    # In Python True == 1; here a yes/no is never a number.
    return type(left) is type(right) and left == right if bool in (type(left), type(right)) else bool(left == right)


def _order(operator: str, test: Callable[[Any, Any], bool]) -> Callable[[list[Any]], bool]:
    def compare(values: list[Any]) -> bool:
        left, right = _exactly(values, 2, operator)
        if left is None or right is None:
            return False
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        texts = isinstance(left, str) and isinstance(right, str)
        if not (numbers or texts) or bool in (type(left), type(right)):
            raise ExpressionError(f"{operator} cannot compare {left!r} with {right!r}")
        return test(left, right)

    return compare


def _inside(values: list[Any]) -> bool:
    needle, haystack = _exactly(values, 2, "in")
    if haystack is None:
        return False
    if isinstance(haystack, str) and isinstance(needle, str):
        return needle in haystack
    if isinstance(haystack, list | tuple):
        return needle in haystack
    raise ExpressionError(f"in cannot look inside {haystack!r}")


_OPERATORS: dict[str, Callable[[list[Any]], Any]] = {
    "==": _equal,
    "!=": lambda values: not _equal(values),
    "<": _order("<", lambda a, b: a < b),
    "<=": _order("<=", lambda a, b: a <= b),
    ">": _order(">", lambda a, b: a > b),
    ">=": _order(">=", lambda a, b: a >= b),
    "not": lambda values: not _truth(_exactly(values, 1, "not")[0]),
    "in": _inside,
    "contains": lambda values: _inside(list(reversed(_exactly(values, 2, "contains")))),
    "empty": lambda values: not _truth(_exactly(values, 1, "empty")[0]),
}
_KNOWN = frozenset(_OPERATORS) | {"var", "and", "or", "if"}


def _inspect(expression: Any, known: Callable[[str], bool] | None, found: list[str], depth: int) -> None:
    if depth > _DEEPEST:
        found.append("nested too deeply")
    elif isinstance(expression, list):
        for item in expression:
            _inspect(item, known, found, depth + 1)
    elif isinstance(expression, dict):
        try:
            operator, operands = _single(expression)
        except ExpressionError as error:
            found.append(str(error))
            return
        if operator == "var":
            if not isinstance(operands, str):
                found.append("var takes a name")
            elif known is not None and not known(operands):
                found.append(f"unknown name {operands!r}")
        else:
            _inspect(operands, known, found, depth + 1)
