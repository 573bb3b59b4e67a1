"""The shape of a definition: keys, types, edges. What follows may rely on it, so nothing else is looked at before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields as fields_of
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from boss.core.problems import InvalidInput
from boss.core.schema import from_json, validate
from workflow import graph
from workflow.choices import TaskKind
from workflow.graph import PLAIN_TYPES, RetryRule, TaskSpec

Faults = dict[str, list[str]]

MOST_TASKS = 1000

DEFINITION_KEY = re.compile(r"[a-z][a-z0-9_.-]{0,79}")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,59}\Z")
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
TOP_FIELDS = {"key", "title", "description", "inputs", "results", "tasks", "layout"}
TASK_FIELDS = {field.name for field in fields_of(TaskSpec)} - {"position", "with_"} | {"with"}
RETRY_FIELDS = {field.name for field in fields_of(RetryRule)}
_MOST = {"attempts": 100, "backoff_factor": 100}
_NUMBER = (int, float)
_TYPES: dict[str, type | tuple[type, ...]] = {
    "key": str, "title": str, "kind": str, "handler": str, "with": dict, "after": list, "retry": dict, "undo": str,
    "pool": str, "category": str, "instructions": str, "undo_instructions": str, "outputs": list, "signal": str,
    "point_of_no_return": bool, "follow_up": str, "return_point": bool, "skippable": bool, "target_seconds": int,
    "deadline_seconds": _NUMBER, "on_deadline": str, "calendar": str, "definition": str, "at_once": int,
}  # fmt: skip
_CHARACTERISTIC: dict[str, type | tuple[type, ...]] = {
    "key": str, "type": str, "label": str, "help": str, "required": bool, "minimum": _NUMBER, "maximum": _NUMBER,
    "max_length": int, "pattern": str, "unit": str, "choices": list,
    "staff_only": bool, "expects": str,
}  # fmt: skip
_LONGEST = {"title": 160, "signal": 80}
_UNDO = ("", "handler", "manual", "none")


def faults(document: Any) -> Faults:
    """Why a document cannot even be read as a graph, by place; empty when it can."""
    found: Faults = {}
    _shape(document, found)
    if not found:
        _edges(document["tasks"], found)
    return found


def key_rule() -> str:
    """What the key of a definition looks like."""
    return _("Lower-case letters, digits, dots, hyphens and underscores, beginning with a letter.")


def _add(found: Faults, place: str, message: str) -> None:
    found.setdefault(place, []).append(message)


def _shape(document: Any, found: Faults) -> None:
    if not isinstance(document, Mapping):
        _add(found, "document", _("A definition is an object with key, title and tasks."))
        return
    for name in set(document) - TOP_FIELDS:
        _add(found, str(name), _("There is no such field here."))
    if not isinstance(document.get("key"), str) or not DEFINITION_KEY.fullmatch(document["key"]):
        _add(found, "key", key_rule())
    _title(document.get("title"), "title", found)
    if not isinstance(document.get("description", ""), str):
        _add(found, "description", _("This is not of the expected type."))
    _characteristics(document.get("inputs") or [], "inputs", found, plain=True)
    _results(document.get("results") or {}, found)
    _layout(document.get("layout") or {}, found)
    tasks = document.get("tasks")
    if not isinstance(tasks, list) or not tasks:
        _add(found, "tasks", _("A workflow has at least one task."))
        return
    if len(tasks) > MOST_TASKS:
        _add(found, "tasks", _("A workflow has at most %(count)s tasks.") % {"count": MOST_TASKS})
        return
    seen: set[str] = set()
    for index, task in enumerate(tasks):
        _task_shape(task, index, seen, found)


def _title(title: Any, place: str, found: Faults) -> None:
    if not isinstance(title, str) or not title.strip():
        _add(found, place, _("Please fill this in."))
    elif len(title) > _LONGEST["title"]:
        _add(found, place, _("At most %(count)s characters.") % {"count": _LONGEST["title"]})


def _results(results: Any, found: Faults) -> None:
    if not isinstance(results, Mapping):
        _add(found, "results", _("Results are expressions by name."))
        return
    for name in results:
        if not _NAME.match(name):
            _add(found, f"results.{name}", _("Lower-case letters, digits and underscores, beginning with a letter."))


def _layout(layout: Any, found: Faults) -> None:
    places = layout.values() if isinstance(layout, Mapping) else [None]
    if not all(isinstance(at, list) and len(at) == 2 and all(_is(one, _NUMBER) for one in at) for at in places):
        _add(found, "layout", _("The layout holds two numbers for each task: how far right and how far down."))


def _task_shape(task: Any, index: int, seen: set[str], found: Faults) -> None:
    if not isinstance(task, Mapping) or not isinstance(task.get("key"), str) or not _KEY.match(task["key"]):
        _add(found, f"tasks.{index}.key", _("Lower-case letters, digits and underscores, beginning with a letter."))
        return
    place = f"tasks.{task['key']}"
    if task["key"] in seen:
        _add(found, f"{place}.key", _("Two tasks have this key."))
    seen.add(task["key"])
    for name, value in task.items():
        if name not in TASK_FIELDS:
            _add(found, f"{place}.{name}", _("There is no such field here."))
        elif name in _TYPES and value is not None and not _is(value, _TYPES[name]):
            _add(found, f"{place}.{name}", _("This is not of the expected type."))
        elif (
            name in ("target_seconds", "deadline_seconds")
            and value is not None
            and not (0 <= value <= graph.LONGEST_SECONDS)
        ):
            _add(found, f"{place}.{name}", _("A duration is not negative and at most a hundred years."))
        elif name == "signal" and len(value or "") > _LONGEST[name]:
            _add(found, f"{place}.{name}", _("At most %(count)s characters.") % {"count": _LONGEST[name]})
    _title(task.get("title"), f"{place}.title", found)
    if (task.get("kind") or TaskKind.AUTOMATED) not in TaskKind.values:
        _add(found, f"{place}.kind", _("A task is automated, manual, wait, subflow or each."))
    if (task.get("undo") or "") not in _UNDO:
        _add(found, f"{place}.undo", _("Undo is handler, manual or none."))
    if (task.get("on_deadline") or "fail") not in ("fail", "done"):
        _add(found, f"{place}.on_deadline", _("At the deadline a wait is done or fails."))
    if not all(isinstance(before, str) for before in _list(task.get("after"))):
        _add(found, f"{place}.after", _("After names tasks by their keys."))
    retry = task.get("retry") or {}
    for name, value in retry.items() if isinstance(retry, Mapping) else ():
        most = _MOST.get(name, graph.LONGEST_SECONDS)
        numeric = _is(value, _NUMBER) and 0 <= value <= most
        if (
            name not in RETRY_FIELDS
            or not numeric
            or (name == "attempts" and (not isinstance(value, int) or value < 1))
        ):
            sentence = _("Retry takes attempts, back-off and limits as positive numbers, here at most %(most)s.")
            _add(found, f"{place}.retry.{name}", sentence % {"most": most})
    _characteristics(task.get("outputs") or [], f"{place}.outputs", found)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is(value: Any, wanted: type | tuple[type, ...]) -> bool:
    """isinstance for which a yes or no is no number, as in JSON."""
    return isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))


def _characteristics(items: Any, place: str, found: Faults, *, plain: bool = False) -> None:
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        _add(found, place, _("This is a list of fields, each with key and type."))
        return
    keys = [item.get("key") for item in items]
    for key, item in zip(keys, items, strict=True):
        wrong = [name for name, kind in _CHARACTERISTIC.items() if name in item and not _is(item[name], kind)]
        if not isinstance(key, str) or not _NAME.match(key) or keys.count(key) > 1 or wrong:
            what = _("“%(key)s”: a field has a key of its own and every part in its type.") % {"key": key}
            _add(found, place, f"{what} {', '.join(wrong)}".strip())
            return
    try:
        read = from_json([item for item in items if not (plain and item.get("type") in PLAIN_TYPES)])
        for item in read:
            re.compile(item.pattern)
            if item.default is not None:
                validate([item], {item.key: item.default})
    except InvalidInput as error:
        _add(found, place, f"{_('Default')}: {'; '.join(f'{key}: {said[0]}' for key, said in error.fields.items())}")
    except (ImproperlyConfigured, AttributeError, IndexError, TypeError, re.error) as error:
        _add(found, place, str(error))


def _edges(tasks: list[dict[str, Any]], found: Faults) -> None:
    keys = {task["key"] for task in tasks}
    for task in tasks:
        for before in task.get("after") or ():
            if before not in keys:
                # Nothing ever decides such an edge: the task could not be reached.
                _add(found, f"tasks.{task['key']}.after", _("Unreachable: there is no task %(key)s.") % {"key": before})
        if len(set(task.get("after") or ())) != len(task.get("after") or ()):
            _add(found, f"tasks.{task['key']}.after", _("A task is named twice."))
    _order, cycle = graph.order({task["key"]: task.get("after") or () for task in tasks})
    for key in cycle:
        _add(found, f"tasks.{key}.after", _("Unreachable: it stands in or behind a cycle."))
