"""Conditions in few words, for drawings and lists; the editor says the same (``editor/src/expressions.ts``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

_SIGNS = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "!=": "≠"}


def in_words(expression: Any, labels: Mapping[str, str]) -> str:
    """``{"==": [{"var": "inputs.payment"}, "card"]}`` as “Payment is card”. ``labels`` by name: ``inputs.payment``."""
    if expression is None:
        return ""
    words = _words(expression, labels)
    return _("by a condition") if words is None else words


def _words(expression: Any, labels: Mapping[str, str]) -> str | None:
    if not isinstance(expression, Mapping) or len(expression) != 1:
        return None
    operator, raw = next(iter(expression.items()))
    if operator == "var":
        return _label(raw, labels)
    operands = raw if isinstance(raw, list) else [raw]
    if operator in ("and", "or"):
        parts = [_words(part, labels) for part in operands]
        told = [part for part in parts if part is not None]
        return (_(" and ") if operator == "and" else _(" or ")).join(told) if len(told) == len(parts) else None
    values = [_value(operand, labels) for operand in operands]
    if any(value is None for value in values):
        return None
    if operator == "not" and len(values) == 1:
        return _("not: %(what)s") % {"what": values[0]}
    if operator == "empty" and len(values) == 1:
        return _("%(what)s is not given") % {"what": values[0]}
    if len(values) != 2:
        return None
    left, right = values
    if operator == "==":
        return _("%(left)s is %(right)s") % {"left": left, "right": right}
    if operator in ("in", "contains"):
        part, whole = (left, right) if operator == "in" else (right, left)
        return _("%(part)s in %(whole)s") % {"part": part, "whole": whole}
    return f"{left} {_SIGNS[operator]} {right}" if operator in _SIGNS else None


def _value(operand: Any, labels: Mapping[str, str]) -> str | None:
    if isinstance(operand, Mapping):
        return _words(operand, labels)
    if isinstance(operand, list):
        return ", ".join(str(item) for item in operand)
    if isinstance(operand, bool):
        return _("yes") if operand else _("no")
    return "–" if operand is None else str(operand)


def _label(name: Any, labels: Mapping[str, str]) -> str:
    return labels.get(str(name)) or str(name).rpartition(".")[2].replace("_", " ")
