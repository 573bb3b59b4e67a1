"""What is wrong with a definition, found before it is published and said at the place where it is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields as fields_of
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from boss.core import expressions
from boss.core.schema import Characteristic, from_json
from workflow import graph
from workflow.choices import STARTS_RUNS, TaskKind
from workflow.contracts import TaskHandler
from workflow.graph import PLAIN_TYPES, Graph, RetryRule, TaskSpec
from workflow.registry import task_handlers

Faults = dict[str, list[str]]

_KEY = re.compile(r"[a-z][a-z0-9_]{0,59}\Z")
_TOP = {"key", "title", "inputs", "results", "tasks", "description", "layout"}
_TASK = {field.name for field in fields_of(TaskSpec)} - {"position", "with_"} | {"with"}
_RETRY = {field.name for field in fields_of(RetryRule)}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "key": str, "title": str, "kind": str, "handler": str, "with": dict, "after": list, "retry": dict, "undo": str,
    "pool": str, "category": str, "instructions": str, "undo_instructions": str, "outputs": list, "signal": str,
    "point_of_no_return": bool, "follow_up": str, "return_point": bool, "skippable": bool, "target_seconds": int,
    "deadline_seconds": (int, float), "on_deadline": str, "calendar": str, "definition": str, "at_once": int,
}  # fmt: skip
_UNDO = ("", "handler", "manual", "none")


def faults(document: Any) -> Faults:
    """Every fault of a document, by place; empty means that it can be published."""
    found: Faults = {}
    _shape(document, found)
    if found:
        return found
    _edges(document["tasks"], found)
    if found:
        return found
    read = graph.read(document)
    for spec in read.tasks:
        _work(spec, found)
        _undo(spec, found)
        _names(read, spec, found)
    _results(read, found)
    return found


def _add(found: Faults, place: str, message: str) -> None:
    found.setdefault(place, []).append(message)


def _shape(document: Any, found: Faults) -> None:
    if not isinstance(document, Mapping):
        _add(found, "document", _("A definition is an object with key, title and tasks."))
        return
    for name in set(document) - _TOP:
        _add(found, str(name), _("There is no such field here."))
    if not isinstance(document.get("key"), str) or not re.fullmatch(r"[a-z][a-z0-9_.-]{0,79}", document["key"]):
        _add(found, "key", _("Lower-case letters, digits, dots, hyphens and underscores, beginning with a letter."))
    if not isinstance(document.get("title"), str) or not document["title"].strip():
        _add(found, "title", _("Please fill this in."))
    _characteristics(document.get("inputs", []), "inputs", found, plain=True)
    if not isinstance(document.get("results", {}), Mapping):
        _add(found, "results", _("Results are an object: a name and an expression each."))
    tasks = document.get("tasks")
    if not isinstance(tasks, list) or not tasks:
        _add(found, "tasks", _("A workflow has at least one task."))
        return
    seen: set[str] = set()
    for index, task in enumerate(tasks):
        _task_shape(task, index, seen, found)


def _task_shape(task: Any, index: int, seen: set[str], found: Faults) -> None:
    if not isinstance(task, Mapping) or not isinstance(task.get("key"), str) or not _KEY.match(task["key"]):
        _add(found, f"tasks.{index}.key", _("Lower-case letters, digits and underscores, beginning with a letter."))
        return
    place = f"tasks.{task['key']}"
    if task["key"] in seen:
        _add(found, f"{place}.key", _("Two tasks have this key."))
    seen.add(task["key"])
    for name, value in task.items():
        if name not in _TASK:
            _add(found, f"{place}.{name}", _("There is no such field here."))
        elif name in _TYPES and value is not None and not isinstance(value, _TYPES[name]):
            _add(found, f"{place}.{name}", _("This is not of the expected type."))
    if not task.get("title"):
        _add(found, f"{place}.title", _("Please fill this in."))
    if task.get("kind", TaskKind.AUTOMATED) not in TaskKind.values:
        _add(found, f"{place}.kind", _("A task is automated, manual, wait, subflow or each."))
    if task.get("undo", "") not in _UNDO:
        _add(found, f"{place}.undo", _("Undo is handler, manual or none."))
    if task.get("on_deadline", "fail") not in ("fail", "done"):
        _add(found, f"{place}.on_deadline", _("At the deadline a wait is done or fails."))
    retry = task.get("retry") or {}
    for name, value in retry.items() if isinstance(retry, Mapping) else ():
        numeric = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        if name not in _RETRY or not numeric or (name == "attempts" and (not isinstance(value, int) or value < 1)):
            _add(found, f"{place}.retry.{name}", _("Retry takes attempts, back-off and limits as positive numbers."))
    _characteristics(task.get("outputs") or [], f"{place}.outputs", found)


def _characteristics(items: Any, place: str, found: Faults, *, plain: bool = False) -> None:
    try:
        from_json([item for item in items if not (plain and item.get("type") in PLAIN_TYPES)])
    except (ImproperlyConfigured, AttributeError, TypeError) as error:
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


def _work(spec: TaskSpec, found: Faults) -> None:
    place = f"tasks.{spec.key}"
    if spec.kind == TaskKind.AUTOMATED:
        handler = task_handlers.find(spec.handler)
        if handler is None:
            _add(found, f"{place}.handler", _("There is no handler %(key)s.") % {"key": spec.handler or "–"})
        else:
            _parameters(spec, handler, found)
        if spec.outputs:
            _add(found, f"{place}.outputs", _("An automated task has the outputs of its handler."))
        return
    if spec.kind in STARTS_RUNS:
        _parts(spec, found)
        return
    if spec.handler or (spec.with_ and spec.kind == TaskKind.WAIT):
        _add(found, f"{place}.handler", _("Only an automated task has a handler."))
    if spec.kind == TaskKind.MANUAL and not (spec.pool or spec.category):
        _add(found, f"{place}.pool", _("Who does it? A manual task names a pool or a category."))
    if spec.kind == TaskKind.WAIT and spec.until is None and not spec.signal:
        _add(found, f"{place}.until", _("A wait names a time (until), a signal, or both."))
    if spec.kind == TaskKind.WAIT and spec.deadline_seconds is not None and spec.until is not None:
        _add(found, f"{place}.deadline_seconds", _("A wait for a time (until) has no other deadline."))
    if spec.kind == TaskKind.WAIT and spec.until is None and spec.deadline_seconds is None:
        _add(found, f"{place}.deadline_seconds", _("How long may it wait for its signal, and what then (on_deadline)?"))


def _parts(spec: TaskSpec, found: Faults) -> None:
    place = f"tasks.{spec.key}"
    if not spec.definition:
        _add(found, f"{place}.definition", _("Which workflow does it start?"))
    if spec.kind == TaskKind.EACH and spec.over is None:
        _add(found, f"{place}.over", _("Which list does it go through?"))
    if spec.kind == TaskKind.SUBFLOW and spec.over is not None:
        _add(found, f"{place}.over", _("Only a task of the kind “each” goes through a list."))
    if spec.at_once is not None and (spec.kind != TaskKind.EACH or spec.at_once < 1):
        _add(found, f"{place}.at_once", _("How many at once: a whole number from 1, for the kind “each” only."))
    if spec.handler:
        _add(found, f"{place}.handler", _("Only an automated task has a handler."))
    if spec.outputs:
        _add(found, f"{place}.outputs", _("Its outputs are the results of the workflow it starts."))
    if spec.undo:
        _add(found, f"{place}.undo", _("It is undone by reversing the runs it started; leave this out."))


def _parameters(spec: TaskSpec, handler: TaskHandler, found: Faults) -> None:
    known = {item.key: item for item in handler.inputs}
    for parameter in set(spec.with_) - set(known):
        _add(found, f"tasks.{spec.key}.with.{parameter}", _("The handler has no such input."))
    for key, item in known.items():
        if item.required and key not in spec.with_:
            _add(found, f"tasks.{spec.key}.with.{key}", _("The handler needs this input."))


def _undo(spec: TaskSpec, found: Faults) -> None:
    place = f"tasks.{spec.key}.undo"
    handler = task_handlers.find(spec.handler) if spec.kind == TaskKind.AUTOMATED else None
    if spec.kind in STARTS_RUNS:
        return
    if spec.kind == TaskKind.WAIT:
        if spec.undo not in ("", "none"):
            _add(found, place, _("A wait has nothing to undo."))
    elif spec.kind == TaskKind.MANUAL:
        if spec.undo == "handler":
            _add(found, place, _("People's work is undone by people (manual), or needs no undo (none)."))
        elif not spec.undo and not spec.point_of_no_return:
            _add(found, place, _("Say how it is undone: manual, or none if there is nothing to undo."))
    elif handler is not None:
        if spec.undo == "handler" and handler.undo is None:
            _add(found, place, _("The handler cannot undo."))
        told = handler.undo is not None or handler.nothing_to_undo or spec.point_of_no_return
        if not spec.undo and not told:
            _add(found, place, _("The handler cannot undo. Say manual, or none if there is nothing to undo."))
    if effective_undo(spec) == "manual" and not (spec.pool or spec.category):
        _add(found, f"tasks.{spec.key}.pool", _("Who undoes it? Name a pool or a category."))


def _names(read: Graph, spec: TaskSpec, found: Faults) -> None:
    earlier = {read.tasks[position].key: read.tasks[position] for position in read.ancestors[spec.position]}
    inputs = read.input_names()

    def known(name: str) -> bool:
        parts = name.split(".")
        if parts[0] == "inputs":
            return len(parts) > 1 and parts[1] in inputs
        if parts[0] == "subject":
            return len(parts) == 2 and parts[1] in ("kind", "id")
        if parts[0] in ("item", "index") and spec.kind == TaskKind.EACH:
            return True
        if parts[0] == "tasks" and len(parts) > 1 and parts[1] in earlier:
            if earlier[parts[1]].kind == TaskKind.SUBFLOW:
                return True  # what it gives is declared by the version it starts on
            return len(parts) == 2 or parts[2] in output_names(earlier[parts[1]]) | {"skipped"}
        return False

    places = {"when": spec.when, "until": spec.until, "over": spec.over} | {
        f"with.{key}": value for key, value in spec.with_.items()
    }
    for place, expression in places.items():
        for message in expressions.problems(expression, known):
            _add(found, f"tasks.{spec.key}.{place}", message)


def _results(read: Graph, found: Faults) -> None:
    outputs = {spec.key: output_names(spec) | {"skipped"} for spec in read.tasks}
    open_ended = {spec.key for spec in read.tasks if spec.kind == TaskKind.SUBFLOW}
    inputs = read.input_names()

    def known(name: str) -> bool:
        parts = name.split(".")
        if parts[0] == "inputs":
            return len(parts) > 1 and parts[1] in inputs
        if parts[0] == "tasks" and len(parts) > 2:
            return parts[1] in open_ended or parts[2] in outputs.get(parts[1], ())
        return False

    for name, expression in read.results.items():
        for message in expressions.problems(expression, known):
            _add(found, f"results.{name}", message)


def outputs_of(spec: TaskSpec) -> tuple[Characteristic, ...]:
    """What the task gives: the handler's outputs, or those a person is asked for."""
    if spec.kind == TaskKind.AUTOMATED:
        handler = task_handlers.find(spec.handler)
        return tuple(handler.outputs) if handler else ()
    return spec.outputs


def output_names(spec: TaskSpec) -> set[str]:
    """Names later tasks can read. A wait gives ``timed_out`` and whatever its signal declared as outputs."""
    if spec.kind == TaskKind.EACH:
        return {"items", "count"}
    own = {item.key for item in outputs_of(spec)}
    return own | {"timed_out"} if spec.kind == TaskKind.WAIT else own


def effective_undo(spec: TaskSpec) -> str:
    """How the task is undone: ``handler``, ``manual``, or ``none``."""
    if spec.undo:
        return spec.undo
    if spec.kind in STARTS_RUNS:
        return "handler"
    if spec.kind != TaskKind.AUTOMATED:
        return "none"
    handler = task_handlers.find(spec.handler)
    return "handler" if handler is None or handler.undo is not None else "none"
