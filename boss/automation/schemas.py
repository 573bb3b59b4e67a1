"""JSON Schemas of scripts: a part of the language that is quick to check and fetches nothing.

No references (a checker would fetch them), no patterns (some take for ever on the right text), objects say whether
they are open. What is left describes what a script takes and gives.
"""

from __future__ import annotations

from typing import Any

import jsonschema
from django.utils.translation import gettext as _

from boss.core.problems import InvalidInput

_KNOWN = {
    "type", "title", "description", "properties", "required", "additionalProperties", "items", "enum", "const",
    "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "default", "format",
}  # fmt: skip
_DEEPEST = 8
_MOST_NAMES = 200
_FORMATS = jsonschema.FormatChecker(["date", "date-time", "email", "ipv4", "ipv6", "uuid"])
_SHOWN = 5


def faults(schema: Any) -> list[str]:
    """What is wrong with a schema, in sentences."""
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return [_('A schema describes an object: {"type": "object", "properties": {…}}.')]
    found = _unknown(schema, 0)
    if not found:
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            found = [f"{'.'.join(map(str, error.absolute_path))}: {error.message}"[:300]]
    return found


def _unknown(schema: Any, depth: int) -> list[str]:
    if isinstance(schema, bool):
        return []
    if not isinstance(schema, dict):
        return [_("A schema is an object.")]
    if depth > _DEEPEST:
        return [_("Schemas within schemas: at most %(n)s.") % {"n": _DEEPEST}]
    strange = set(schema) - _KNOWN
    if strange:
        return [_("These words of JSON Schema are not used here: %(words)s") % {"words": ", ".join(sorted(strange))}]
    inner = schema.get("properties", {})
    if not isinstance(inner, dict) or len(inner) > _MOST_NAMES:
        return [_("Properties are an object of at most %(n)s names.") % {"n": _MOST_NAMES}]
    below = [*inner.values(), *(schema[name] for name in ("items", "additionalProperties") if name in schema)]
    return [fault for one in below for fault in _unknown(one, depth + 1)]


def misfits(schema: Any, value: Any) -> list[str]:
    """Why a value is not what the schema describes; empty when it is."""
    checker = jsonschema.Draft202012Validator(schema or {"type": "object"}, format_checker=_FORMATS)
    found = []
    for error in checker.iter_errors(value):
        place = ".".join(map(str, error.absolute_path))
        found.append((f"{place}: " if place else "") + error.message[:200])
        if len(found) == _SHOWN:
            break
    return found


def require(schema: Any, value: Any, *, prefix: str) -> None:
    """Raises :class:`InvalidInput`."""
    if wrong := misfits(schema, value):
        raise InvalidInput(fields={prefix: wrong})
