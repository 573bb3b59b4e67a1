"""What an expression gives, known before it ever runs.

Every name has a :class:`Type`; :func:`type_of` follows an expression through its operators and says what comes out and,
in plain sentences, what cannot be right: texts compared with numbers, a choice compared with a value that is no choice.
An expression without problems never raises when it is evaluated on values of its names' types. The one exception is
said openly: ``unknown``, for what nobody has declared (an object's inner fields), is let through and fails, if at all,
when it runs.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.utils.translation import gettext as _

from boss.core.expressions import DEEPEST, OPERATORS
from boss.core.schema import NUMBERS, WHOLE_NUMBERS, Characteristic

Kind = Literal["text", "number", "boolean", "date", "datetime", "list", "object", "null", "mixed", "unknown"]

_DAYS = ("date", "datetime")
_IN_ORDER = ("text", "number", *_DAYS)


@dataclass(frozen=True, slots=True)
class Type:
    """The values an expression can have.

    ``nullable``: it may be missing. ``values``: all a text can be (a choice, or the one text of a literal); None for
    any. ``whole``: a number without a fraction. ``item``: what a list holds. ``fields``: what an object has; None for
    an object nobody has described. ``mixed`` is one of several kinds: fine to hand on, not to calculate with.
    """

    kind: Kind
    nullable: bool = False
    values: frozenset[str] | None = None
    whole: bool = False
    item: Type | None = None
    fields: Mapping[str, Type] | None = None

    def or_null(self) -> Type:
        return replace(self, nullable=True)


UNKNOWN = Type("unknown", nullable=True)
MIXED = Type("mixed")
NULL = Type("null", nullable=True)
BOOLEAN = Type("boolean")
NUMBER = Type("number")
WHOLE = Type("number", whole=True)
TEXT = Type("text")
ANY_LIST = Type("list", item=UNKNOWN)
ANY_OBJECT = Type("object")


def record(fields: Mapping[str, Type]) -> Type:
    """An object with exactly these fields."""
    return Type("object", fields=fields)


def of_characteristic(item: Characteristic) -> Type:
    """The type of a characteristic's values; one that need not be given may be missing."""
    nullable = not item.required and item.default is None
    keys = frozenset(key for key, _label in item.options)
    if item.type in NUMBERS:
        return Type("number", nullable, whole=item.type in WHOLE_NUMBERS)
    if item.type == "boolean":
        return Type("boolean", nullable)
    if item.type in ("choice", "tree_choice"):
        return Type("text", nullable, values=keys)
    if item.type == "multi_choice":
        return Type("list", nullable, item=Type("text", values=keys))
    if item.type == "date":
        return Type("date", nullable)
    if item.type == "datetime":
        return Type("datetime", nullable)
    return Type("text", nullable)


def of_characteristics(items: Iterable[Characteristic]) -> dict[str, Type]:
    return {item.key: of_characteristic(item) for item in items}


def type_of(expression: Any, names: Type) -> tuple[Type, list[str]]:
    """The type of ``expression`` where ``names`` (an object) says what can be named, and what is wrong with it."""
    reader = _Reader(names)
    found = reader.read(expression, 0)
    return found, reader.problems


def condition_problems(expression: Any, names: Type) -> list[str]:
    """What is wrong with an expression that must say yes or no."""
    found, problems = type_of(expression, names)
    if not problems and not _is_condition(found):
        problems.append(
            _("A condition says yes or no; %(operand)s is %(kind)s.")
            % {"operand": _shown(expression), "kind": in_words(found)}
        )
    return problems


def misfit(given: Type, wanted: Type) -> str:
    """Why a value of type ``given`` is not what is ``wanted``, in a sentence; "" when it is."""
    if given.kind in ("unknown", "null") or wanted.kind == "unknown":
        return ""
    if given.kind in _DAYS and wanted.kind == "text" and wanted.values is None:
        return ""  # a day is a text as well
    if not _same_kind(given, wanted):
        return _expected(given, wanted)
    if wanted.whole and not given.whole:
        return _("Expected is a whole number, and this may have a fraction.")
    if wanted.values is not None and given.values is not None and (strange := given.values - wanted.values):
        return _no_choice(strange, wanted.values)
    if given.item is not None and wanted.item is not None:
        return misfit(given.item, wanted.item)
    return ""


def join(left: Type, right: Type) -> Type:
    """The type of what is one or the other."""
    nullable = left.nullable or right.nullable
    if left.kind == "null" or right.kind == "null":
        return (right if left.kind == "null" else left).or_null()
    if "unknown" in (left.kind, right.kind):
        return UNKNOWN
    if left.kind != right.kind:
        for day, other in ((left, right), (right, left)):
            if day.kind in _DAYS and _same_kind(day, other):
                return Type(day.kind, nullable)
        return Type("mixed", nullable)
    if left.kind == "text":
        values = None if left.values is None or right.values is None else left.values | right.values
        return Type("text", nullable, values=values)
    if left.kind == "list":
        items = [item for item in (left.item, right.item) if item is not None]
        return Type("list", nullable, item=_join_all(items) if items else None)
    if left.kind == "object":
        return Type("object", nullable, fields=_join_fields(left.fields, right.fields))
    return Type(left.kind, nullable, whole=left.whole and right.whole)


def in_words(of: Type) -> str:
    """“a text”, “a list”: the type as people call it."""
    return {
        "text": _("a text"),
        "number": _("a number"),
        "boolean": _("a yes or no"),
        "date": _("a date"),
        "datetime": _("a date and time"),
        "list": _("a list"),
        "object": _("an object"),
        "null": _("nothing"),
        "mixed": _("of more than one kind"),
        "unknown": _("of unknown kind"),
    }[of.kind]


def _join_all(types: list[Type]) -> Type:
    found = types[0]
    for other in types[1:]:
        found = join(found, other)
    return found


def _join_fields(left: Mapping[str, Type] | None, right: Mapping[str, Type] | None) -> dict[str, Type] | None:
    if left is None or right is None:
        return None
    both = {key: join(left[key], right[key]) for key in left.keys() & right.keys()}
    return both | {key: (left.get(key) or right[key]).or_null() for key in left.keys() ^ right.keys()}


class _Reader:
    """One walk through an expression, as :func:`boss.core.expressions.evaluate` goes, that collects problems."""

    def __init__(self, names: Type) -> None:
        self.names = names
        self.problems: list[str] = []

    def read(self, expression: Any, depth: int) -> Type:
        if depth > DEEPEST:
            return self._wrong(_("This is nested too deeply."))
        if isinstance(expression, list):
            items = [self.read(item, depth + 1) for item in expression]
            return Type("list", item=_join_all(items) if items else None)
        if not isinstance(expression, dict):
            return _literal(expression)
        if len(expression) != 1:
            return self._wrong(_("An expression has one operator, not %(count)s.") % {"count": len(expression)})
        operator, raw = next(iter(expression.items()))
        if operator == "var":
            return self._name(raw)
        if operator not in OPERATORS:
            return self._wrong(_("Unknown operator “%(operator)s”.") % {"operator": operator})
        operands = raw if isinstance(raw, list) else [raw]
        wanted = OPERATORS[operator]
        if wanted is not None and len(operands) != wanted:
            return self._wrong(
                _("“%(operator)s” takes %(wanted)s operands, not %(count)s.")
                % {"operator": operator, "wanted": wanted, "count": len(operands)}
            )
        before = len(self.problems)
        types = [self.read(item, depth + 1) for item in operands]
        # What is made of something wrong is not judged again.
        return self._apply(operator, operands, types, sound=len(self.problems) == before)

    def _wrong(self, sentence: str) -> Type:
        if sentence not in self.problems:
            self.problems.append(sentence)
        return UNKNOWN

    def _name(self, name: Any) -> Type:
        if not isinstance(name, str):
            return self._wrong(_("“var” takes a name."))
        found, walked = self.names, ""
        nullable = False
        for part in name.split("."):
            nullable = nullable or found.nullable
            if found.kind == "unknown" or (found.kind == "object" and found.fields is None):
                return UNKNOWN
            if found.kind != "object":
                return self._wrong(
                    _("Unknown name “%(name)s”: “%(whole)s” is %(kind)s and has no parts.")
                    % {"name": name, "whole": walked, "kind": in_words(found)}
                )
            inner = found.fields.get(part) if found.fields is not None else None
            if inner is None:
                return self._wrong(_("Unknown name “%(name)s”.") % {"name": name})
            found, walked = inner, f"{walked}.{part}".lstrip(".")
        return found.or_null() if nullable else found

    def _apply(self, operator: str, operands: list[Any], types: list[Type], *, sound: bool) -> Type:
        if operator == "if":
            if sound:
                self._conditions(operator, operands[:1], types[:1])
            return join(types[1], types[2])
        if sound and operator in ("and", "or", "not"):
            self._conditions(operator, operands, types)
        elif sound and operator in ("==", "!="):
            self._same(operands, types)
        elif sound and operator in ("<", "<=", ">", ">="):
            self._in_order(operator, operands, types)
        elif sound and operator == "in":
            self._inside(operator, operands[0], types[0], operands[1], types[1])
        elif sound and operator == "contains":
            self._inside(operator, operands[1], types[1], operands[0], types[0])
        return BOOLEAN

    def _conditions(self, operator: str, operands: list[Any], types: list[Type]) -> None:
        for operand, of in zip(operands, types, strict=True):
            if not _is_condition(of):
                self._wrong(
                    _("“%(operator)s” takes conditions; %(operand)s is %(kind)s. Compare it, or ask “empty”.")
                    % {"operator": operator, "operand": _shown(operand), "kind": in_words(of)}
                )

    def _same(self, operands: list[Any], types: list[Type]) -> None:
        left, right = types
        if {"null", "unknown", "mixed"} & {left.kind, right.kind}:
            return
        names = {"left": _shown(operands[0]), "right": _shown(operands[1])}
        if not _same_kind(left, right):
            self._wrong(
                _("%(left)s is %(one)s and %(right)s is %(other)s: they are never the same.")
                % {**names, "one": in_words(left), "other": in_words(right)}
            )
        elif left.values is not None and right.values is not None and not left.values & right.values:
            # The literal is what does not belong to the choices of the other.
            literal, choices = (right, left) if len(left.values) > len(right.values) else (left, right)
            self._wrong(_no_choice(literal.values or (), choices.values or ()))

    def _in_order(self, operator: str, operands: list[Any], types: list[Type]) -> None:
        left, right = types
        for operand, of in zip(operands, types, strict=True):
            if of.kind not in _IN_ORDER and of.kind != "unknown":
                self._wrong(
                    _("“%(operator)s” compares numbers, texts or dates; %(operand)s is %(kind)s.")
                    % {"operator": operator, "operand": _shown(operand), "kind": in_words(of)}
                )
                return
        if "unknown" not in (left.kind, right.kind) and not _same_kind(left, right):
            self._wrong(
                _("“%(operator)s” cannot compare %(left)s, %(one)s, with %(right)s, %(other)s.")
                % {
                    "operator": operator, "left": _shown(operands[0]), "right": _shown(operands[1]),
                    "one": in_words(left), "other": in_words(right),
                }
            )  # fmt: skip

    def _inside(self, operator: str, needle: Any, one: Type, haystack: Any, many: Type) -> None:
        if many.kind == "list":
            if isinstance(haystack, list):
                for item in haystack:
                    self._same([needle, item], [one, self.read(item, 0)])
            elif many.item is not None:
                self._same([needle, haystack], [one, many.item])
        elif many.kind == "text":
            if one.kind not in ("text", "null", "unknown"):
                self._wrong(
                    _("“%(operator)s” looks for a text in a text; %(operand)s is %(kind)s.")
                    % {"operator": operator, "operand": _shown(needle), "kind": in_words(one)}
                )
        elif many.kind not in ("unknown", "null"):
            self._wrong(
                _("“%(operator)s” looks inside a list or a text; %(operand)s is %(kind)s.")
                % {"operator": operator, "operand": _shown(haystack), "kind": in_words(many)}
            )


def _literal(value: Any) -> Type:
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int | float):
        return Type("number", whole=isinstance(value, int) or value.is_integer())
    if isinstance(value, str):
        return Type("text", values=frozenset([value]))
    return UNKNOWN


def _same_kind(left: Type, right: Type) -> bool:
    """Whether values of both can be compared; a literal text is a date when it reads as one."""
    if left.kind == right.kind:
        return True
    for day, other in ((left, right), (right, left)):
        if day.kind in _DAYS and other.kind == "text" and other.values:
            return all(_reads_as(day.kind, text) for text in other.values)
    return False


def _reads_as(kind: str, text: str) -> bool:
    try:
        if kind == "date":
            dt.date.fromisoformat(text)
        else:
            return dt.datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
    return True


def _is_condition(of: Type) -> bool:
    return of.kind in ("boolean", "unknown")


def _shown(expression: Any) -> str:
    """An operand as a sentence names it."""
    if isinstance(expression, dict) and isinstance(expression.get("var"), str):
        return f"“{expression['var']}”"
    if isinstance(expression, dict):
        return _("the result of “%(operator)s”") % {"operator": next(iter(expression), "")}
    text = json.dumps(expression, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"


def _expected(given: Type, wanted: Type) -> str:
    return _("Expected is %(wanted)s, and this is %(given)s.") % {
        "wanted": in_words(wanted),
        "given": in_words(given),
    }


def _no_choice(strange: Iterable[str], choices: Iterable[str]) -> str:
    return _("“%(value)s” is none of the choices: %(choices)s.") % {
        "value": "”, “".join(sorted(strange)),
        "choices": ", ".join(sorted(choices)),
    }
