"""What is wrong with a definition, found before it is published and said at the place where it is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields as fields_of
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from boss.core.expression_types import (
    Type,
    condition_problems,
    in_words,
    misfit,
    of_characteristic,
    type_of,
)
from boss.core.expressions import names_in
from boss.core.problems import InvalidInput
from boss.core.schema import Characteristic, from_json, validate
from workflow import graph
from workflow.choices import STARTS_RUNS, TaskKind
from workflow.graph import PLAIN_TYPES, Graph, RetryRule, TaskSpec
from workflow.naming import Names, input_types, outputs_of
from workflow.reach import never_taken
from workflow.registry import task_handlers
from workflow.surroundings import Surroundings

__all__ = ["Faults", "effective_undo", "endless", "faults", "outputs_of", "warnings"]

Faults = dict[str, list[str]]

MOST_TASKS = 1000

DEFINITION_KEY = re.compile(r"[a-z][a-z0-9_.-]{0,79}")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,59}\Z")
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_TOP = {"key", "title", "description", "inputs", "results", "tasks", "layout"}
_TASK = {field.name for field in fields_of(TaskSpec)} - {"position", "with_"} | {"with"}
_RETRY = {field.name for field in fields_of(RetryRule)}
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
}  # fmt: skip
_LONGEST = {"title": 160, "signal": 80}
_UNDO = ("", "handler", "manual", "none")


def faults(document: Any, around: Surroundings | None = None) -> Faults:
    """Every fault of a document, by place; empty means that it can be published.

    ``around`` is what it may name elsewhere in its realm; without it such names are taken for good.
    """
    found: Faults = {}
    _shape(document, found)
    if found:
        return found
    _edges(document["tasks"], found)
    if found:
        return found
    read = graph.read(document)
    names = Names(read, around.documents if around else {})
    if around is not None:
        found |= endless(document, around)
    for spec in read.tasks:
        _work(spec, found)
        _undo(spec, found)
        if around is not None:
            _elsewhere(read, spec, around, found)
        _expressions(read, spec, names, around, found)
    for name, expression in read.results.items():
        for sentence in type_of(expression, names.at_end())[1]:
            _add(found, f"results.{name}", sentence)
    if not found:
        _never_taken(read, names, found)
    return found


def warnings(document: Any) -> Faults:
    """What may be meant and mostly is not, by place. Nothing while the document cannot even be read."""
    found: Faults = {}
    _shape(document, found)
    if not found:
        _edges(document["tasks"], found)
    if found:
        return {}
    read = graph.read(document)
    used = _names_used(read)
    for spec in read.tasks:
        place = f"tasks.{spec.key}"
        if spec.kind == TaskKind.MANUAL:
            if not spec.target_seconds:
                _add(found, f"{place}.target_seconds", _("Without a target nobody can tell when it is late."))
            for item in spec.outputs:
                if not {f"{place}.{item.key}", place} & used:
                    _add(found, f"{place}.outputs", _("Nothing reads “%(name)s”.") % {"name": item.title})
        if spec.kind == TaskKind.AUTOMATED and spec.retry.attempts > 1 and not spec.retry.backoff_seconds:
            _add(found, f"{place}.retry.backoff_seconds", _("It is tried again at once: what is down stays down."))
        if spec.point_of_no_return and read.successors[spec.position]:
            _add(
                found, f"{place}.point_of_no_return",
                _("Tasks behind it may still fail, and then this one cannot be taken back. Put it last."),
            )  # fmt: skip
        handler = task_handlers.find(spec.handler)
        for item in handler.inputs if handler and spec.kind == TaskKind.AUTOMATED else ():
            if item.required and _may_be_missing(read, spec.with_.get(item.key)):
                _add(found, f"{place}.with.{item.key}", _("The handler needs it, and a run may start without it."))
    return found


def key_rule() -> str:
    """What the key of a definition looks like."""
    return _("Lower-case letters, digits, dots, hyphens and underscores, beginning with a letter.")


def _add(found: Faults, place: str, message: str) -> None:
    found.setdefault(place, []).append(message)


# The shape: everything after it may rely on types and keys


def _shape(document: Any, found: Faults) -> None:
    if not isinstance(document, Mapping):
        _add(found, "document", _("A definition is an object with key, title and tasks."))
        return
    for name in set(document) - _TOP:
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
        if name not in _TASK:
            _add(found, f"{place}.{name}", _("There is no such field here."))
        elif name in _TYPES and value is not None and not _is(value, _TYPES[name]):
            _add(found, f"{place}.{name}", _("This is not of the expected type."))
        elif (
            name in ("target_seconds", "deadline_seconds")
            and value is not None
            and not (0 <= value <= graph.LONGEST_SECONDS)
        ):
            _add(found, f"{place}.{name}", _("A duration is not negative and at most ten years."))
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
        if name not in _RETRY or not numeric or (name == "attempts" and (not isinstance(value, int) or value < 1)):
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


# What each kind of task needs


def _work(spec: TaskSpec, found: Faults) -> None:
    place = f"tasks.{spec.key}"
    if spec.kind == TaskKind.AUTOMATED:
        handler = task_handlers.find(spec.handler)
        if handler is None:
            _add(found, f"{place}.handler", _("There is no handler %(key)s.") % {"key": spec.handler or "–"})
        if spec.outputs:
            _add(found, f"{place}.outputs", _("An automated task has the outputs of its handler."))
    elif spec.handler:
        _add(found, f"{place}.handler", _("Only an automated task has a handler."))
    if spec.kind == TaskKind.MANUAL and not (spec.pool or spec.category):
        _add(found, f"{place}.pool", _("Who does it? A manual task names a pool or a category."))
    if spec.kind == TaskKind.WAIT:
        _wait(spec, found)
    if spec.kind in STARTS_RUNS:
        if not spec.definition:
            _add(found, f"{place}.definition", _("Which workflow does it start?"))
        if spec.outputs:
            _add(found, f"{place}.outputs", _("Its outputs are the results of the workflow it starts."))
    elif spec.definition:
        _add(found, f"{place}.definition", _("Only the kinds “subflow” and “each” start another workflow."))
    if spec.kind == TaskKind.EACH and spec.over is None:
        _add(found, f"{place}.over", _("Which list does it go through?"))
    if spec.kind == TaskKind.EACH and spec.at_once is not None and spec.at_once < 1:
        _add(found, f"{place}.at_once", _("At least one at a time."))
    for name in ("over", "at_once"):
        if spec.kind != TaskKind.EACH and getattr(spec, name) is not None:
            _add(found, f"{place}.{name}", _("Only the kind “each” goes through a list."))


def _wait(spec: TaskSpec, found: Faults) -> None:
    place = f"tasks.{spec.key}"
    if spec.with_:
        _add(found, f"{place}.with", _("A wait takes no inputs."))
    if spec.until is None and not spec.signal:
        _add(found, f"{place}.until", _("A wait names a time (until), a signal, or both."))
    if spec.deadline_seconds is not None and spec.until is not None:
        _add(found, f"{place}.deadline_seconds", _("A wait for a time (until) has no other deadline."))
    if spec.until is None and spec.deadline_seconds is None:
        _add(found, f"{place}.deadline_seconds", _("How long may it wait for its signal, and what then (on_deadline)?"))


def _undo(spec: TaskSpec, found: Faults) -> None:
    place = f"tasks.{spec.key}.undo"
    handler = task_handlers.find(spec.handler) if spec.kind == TaskKind.AUTOMATED else None
    if spec.kind == TaskKind.WAIT:
        if spec.undo not in ("", "none"):
            _add(found, place, _("A wait has nothing to undo."))
    elif spec.kind in STARTS_RUNS:
        if spec.undo:
            _add(found, place, _("It is undone by reversing the runs it started; leave this out."))
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


# What it names


def _elsewhere(read: Graph, spec: TaskSpec, around: Surroundings, found: Faults) -> None:
    """Work nobody sees is lost work: what a task names must be there."""
    place = f"tasks.{spec.key}"
    if spec.pool and spec.pool not in around.pools:
        _add(found, f"{place}.pool", _("There is no such talent pool."))
    if spec.category and spec.category not in around.categories:
        _add(found, f"{place}.category", _("There is no such ticket category."))
    if spec.calendar and spec.calendar not in around.calendars:
        _add(found, f"{place}.calendar", _("There is no such business calendar."))
    if spec.definition and spec.definition != read.key and spec.definition not in around.documents:
        _add(found, f"{place}.definition", _("There is no published workflow of this key."))


def endless(document: Mapping[str, Any], around: Surroundings) -> Faults:
    """Tasks through which the workflow would run itself, perhaps by way of others, by place."""
    found: Faults = {}
    for task in document["tasks"]:
        if task.get("definition") and (circle := _circle(document["key"], task["definition"], around)):
            sentence = _("It would run itself for ever: %(circle)s.") % {"circle": " → ".join(circle)}
            _add(found, f"tasks.{task['key']}.definition", sentence)
    return found


def _circle(key: str, definition: str, around: Surroundings) -> list[str]:
    """The way from ``definition`` back to ``key`` through what runs what; empty when there is none."""
    ways: list[list[str]] = [[key, definition]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        if way[-1] == key:
            return way
        if way[-1] not in seen and way[-1] in around.documents:
            seen.add(way[-1])
            inner = (task.get("definition") for task in around.documents[way[-1]]["tasks"])
            ways += [[*way, name] for name in inner if name]
    return []


def _expressions(read: Graph, spec: TaskSpec, names: Names, around: Surroundings | None, found: Faults) -> None:
    place = f"tasks.{spec.key}"
    known = names.for_task(spec)
    if spec.when is not None:
        found |= _at(f"{place}.when", condition_problems(spec.when, known))
    if spec.until is not None:
        of, wrong = type_of(spec.until, known)
        if not wrong and of.kind not in ("number", "date", "datetime", "unknown"):
            wrong = [_("A wait ends at a time or after seconds; this is %(kind)s.") % {"kind": in_words(of)}]
            if not misfit(of, Type("datetime")) or not misfit(of, Type("date")):
                wrong = []
        found |= _at(f"{place}.until", wrong)
    if spec.over is not None:
        of, wrong = type_of(spec.over, known)
        if not wrong and of.kind not in ("list", "unknown"):
            wrong = [_("It goes over a list, and this is %(kind)s.") % {"kind": in_words(of)}]
        found |= _at(f"{place}.over", wrong)
    _parameters(spec, names.for_items(spec) if spec.kind == TaskKind.EACH else known, around, found)


def _at(place: str, sentences: list[str]) -> Faults:
    return {place: sentences} if sentences else {}


def _parameters(spec: TaskSpec, known: Type, around: Surroundings | None, found: Faults) -> None:
    """``with``: every expression by itself, and against what the handler or the other workflow takes."""
    wanted: Mapping[str, Type] | None = None
    items: dict[str, Characteristic] = {}
    if spec.kind == TaskKind.AUTOMATED and (handler := task_handlers.find(spec.handler)) is not None:
        items = {item.key: item for item in handler.inputs}
        wanted = {key: of_characteristic(item) for key, item in items.items()}
    elif spec.kind in STARTS_RUNS and around is not None and spec.definition in around.documents:
        child = graph.read(around.documents[spec.definition])
        items = {item.key: item for item in child.inputs}
        wanted = input_types(child)
    for parameter, expression in spec.with_.items():
        place = f"tasks.{spec.key}.with.{parameter}"
        of, wrong = type_of(expression, known)
        if not wrong and wanted is not None:
            wrong = _given(parameter, expression, of, wanted, items)
        found |= _at(place, wrong)
    for key, item in items.items():
        # A workflow's input has its default when the run starts; a handler's as well.
        if item.required and item.default is None and key not in spec.with_:
            sentence = _("The handler needs this input.") if spec.handler else _("The workflow needs this input.")
            _add(found, f"tasks.{spec.key}.with.{key}", sentence)


def _given(
    parameter: str, expression: Any, of: Type, wanted: Mapping[str, Type], items: Mapping[str, Characteristic]
) -> list[str]:
    if parameter not in wanted:
        return [_("There is no such input.")]
    item = items.get(parameter)
    if sentence := misfit(of, wanted[parameter]):
        return [sentence]
    if item is not None and expression is None and item.required:
        return [_("Please fill this in.")]
    if item is not None and not isinstance(expression, dict) and not names_in(expression):
        try:
            validate([item], {item.key: expression})
        except InvalidInput as error:
            return error.fields[item.key]
    return []


def _never_taken(read: Graph, names: Names, found: Faults) -> None:
    sentences = {
        "condition": ("when", _("Unreachable: this is never true.")),
        "contradiction": ("when", _("Unreachable: after the tasks before it this is never true.")),
        "predecessors": ("after", _("Unreachable: none of the tasks before it is ever done.")),
    }
    for key, reason in never_taken(read, names).items():
        field, sentence = sentences[reason]
        _add(found, f"tasks.{key}.{field}", sentence)


# For warnings


def _names_used(read: Graph) -> set[str]:
    used: set[str] = set()
    for spec in read.tasks:
        for expression in (spec.when, spec.until, spec.over, *spec.with_.values()):
            used |= names_in(expression)
    for expression in read.results.values():
        used |= names_in(expression)
    # A part of a value (tasks.ask.site.city) uses the value.
    return used | {".".join(name.split(".")[:3]) for name in used}


def _may_be_missing(read: Graph, expression: Any) -> bool:
    """Whether the value is an input of the run that need not be given, handed on as it is."""
    name = expression.get("var") if isinstance(expression, dict) else None
    if not isinstance(name, str) or not name.startswith("inputs."):
        return False
    of = input_types(read).get(name.removeprefix("inputs."))
    return of is not None and of.nullable


# What else asks


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
