"""Definitions as text: YAML that people can read and change, and that reads back as the equal document."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from django.utils.translation import gettext as _

_TOP = ("key", "title", "description", "inputs", "results", "tasks", "layout")
_TASK = (
    "key", "title", "kind", "handler", "definition", "over", "at_once", "with", "after", "when", "until", "signal",
    "deadline_seconds", "on_deadline", "retry", "pool", "category", "calendar", "target_seconds", "instructions",
    "outputs", "skippable", "return_point", "undo", "undo_instructions", "point_of_no_return", "follow_up",
)  # fmt: skip
_CHARACTERISTIC = (
    "key", "type", "label", "help", "required", "default", "choices", "minimum", "maximum", "max_length", "pattern",
    "expects", "unit", "staff_only",
)  # fmt: skip
_RETRY = ("attempts", "backoff_seconds", "backoff_factor", "max_seconds", "time_limit_seconds")
_WIDEST = 100
_OTHER_BREAKS = "\x85\u2028\u2029\ufeff"
"""Ends of lines to YAML, letters to everybody else: safe only when they are escaped."""
_NUMBER = re.compile(r"[-+]?[0-9.][0-9_.]*([eE][-+]?[0-9]+)?|0[xo][0-9a-fA-F]+")
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class Unreadable(ValueError):
    """The text is no YAML, or the document holds what JSON cannot say."""


def from_yaml(text: str) -> Any:
    """The document a text holds. Raises :class:`Unreadable`."""
    try:
        return plain(yaml.load(text, Loader=_Loader))  # noqa: S506 - a safe loader that knows less
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Unreadable(str(error)) from None


def plain(document: Any) -> Any:
    """The document as it will be stored. What JSON cannot say (dates, infinity) is found here: raises
    :class:`Unreadable`."""
    try:
        text = json.dumps(document, allow_nan=False, ensure_ascii=False)
        text.encode()  # half of a surrogate pair fails here
        if _NUL.search(text):
            raise Unreadable(_("A text contains a character that cannot be stored."))
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from None


def to_yaml(document: Mapping[str, Any]) -> str:
    """A published document as text: always the same for the same document, keys in the order people think in."""
    top = _ordered(document, _TOP)
    parts = []
    for name, value in top.items():
        if name == "tasks":
            tasks = [_dump([_task(task)]) for task in value]
            parts.append("tasks:\n" + "\n".join(textwrap.indent(task, "  ") for task in tasks))
        elif name == "inputs" and value:
            fields = [_dump([_flow_field(field)]) for field in value]
            parts.append("inputs:\n" + "".join(textwrap.indent(field, "  ") for field in fields))
        elif name == "layout":
            parts.append(_dump({"layout": {key: _FlowList(at) for key, at in sorted(value.items())}}))
        else:
            parts.append(_dump({name: _laid_out(value, len(name))}))
    return "".join(parts)


def _task(task: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in _ordered(task, _TASK).items():
        if name == "outputs" and value:
            found[name] = [_flow_field(field) for field in value]
        else:
            found[name] = _laid_out(value, len(name))
    return found


def _ordered(given: Mapping[str, Any], order: Iterable[str]) -> dict[str, Any]:
    known = [name for name in order if name in given]
    return {name: given[name] for name in [*known, *sorted(given.keys() - set(known))]}


def _laid_out(value: Any, before: int) -> Any:
    """What fits stands on one line, the rest below one another. The database keeps no order of names."""
    if not isinstance(value, dict | list):
        return value
    if isinstance(value, dict):
        value = _ordered(value, _RETRY)
    if len(json.dumps(value, ensure_ascii=False)) + before <= _WIDEST:
        return _flow(value)
    if isinstance(value, dict):
        return {key: _laid_out(item, len(key)) for key, item in value.items()}
    return [_laid_out(item, 2) for item in value]


def _flow(value: Any) -> Any:
    if isinstance(value, dict):
        return _Flow({key: _flow(item) for key, item in _ordered(value, _RETRY).items()})
    return _FlowList(map(_flow, value)) if isinstance(value, list) else value


def _flow_field(field: Mapping[str, Any]) -> Any:
    return _Flow({name: _flow(value) for name, value in _ordered(field, _CHARACTERISTIC).items()})


class _Flow(dict[str, Any]):
    """Written on one line."""


class _FlowList(list[Any]):
    """Written on one line."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text.strip("\n") else None
    if any(letter in text for letter in _OTHER_BREAKS):
        style = '"'
    elif _NUMBER.fullmatch(text):
        style = "'"  # other readers of YAML take 1e3 for a number
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(
    _Flow, lambda dumper, value: dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=True)
)
_Dumper.add_representer(
    _FlowList, lambda dumper, value: dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)
)
_Dumper.add_representer(str, _represent_text)


def _dump(value: Any) -> str:
    return yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=float("inf")
    )


class _Loader(yaml.SafeLoader):
    """A few lines of aliases of aliases can stand for more than memory holds, so there are none."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError(_("Aliases (*name) are not read: write out what they stand for."))
        return super().compose_node(parent, index)
