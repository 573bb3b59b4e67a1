"""What is wrong with a definition, found before it is published and said at the place where it is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from boss.core.expression_types import (
    UNKNOWN,
    Type,
    condition_problems,
    in_words,
    misfit,
    of_characteristic,
    type_of,
)
from boss.core.expressions import names_in
from boss.core.problems import InvalidInput
from boss.core.schema import Characteristic, validate
from workflow import graph, shapes
from workflow.choices import STARTS_RUNS, TaskKind
from workflow.graph import Graph, TaskSpec
from workflow.naming import Names, input_types, outputs_of
from workflow.reach import never_taken
from workflow.registry import task_handlers
from workflow.shapes import Faults
from workflow.surroundings import Surroundings

__all__ = ["Faults", "effective_undo", "endless", "faults", "outputs_of", "warnings"]


def faults(document: Any, around: Surroundings | None = None) -> Faults:
    """Every fault of a document, by place; empty means that it can be published.

    ``around`` is what it may name elsewhere in its realm; without it such names are taken for good.
    """
    found = shapes.faults(document)
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
    if shapes.faults(document):
        return found
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


def _add(found: Faults, place: str, message: str) -> None:
    found.setdefault(place, []).append(message)


# What each kind of task needs


def _work(spec: TaskSpec, found: Faults) -> None:
    place = f"tasks.{spec.key}"
    if spec.kind == TaskKind.AUTOMATED:
        handler = task_handlers.find(spec.handler)
        if handler is None:
            _add(found, f"{place}.handler", _("There is no handler %(key)s.") % {"key": spec.handler or "–"})
        if spec.outputs and not (handler and handler.open):
            _add(found, f"{place}.outputs", _("An automated task has the outputs of its handler."))
        own = {item.key for item in handler.outputs} if handler else set()
        for item in spec.outputs:
            if item.key in own:
                _add(found, f"{place}.outputs", _("The handler gives “%(name)s” itself.") % {"name": item.key})
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
    """Tasks through which the workflow would run itself, perhaps by way of others, or more runs within runs than are
    possible, by place."""
    found: Faults = {}
    for task in document["tasks"]:
        place, definition = f"tasks.{task['key']}.definition", task.get("definition")
        if definition and (circle := _circle(document["key"], definition, around)):
            sentence = _("It would run itself for ever: %(circle)s.") % {"circle": " → ".join(circle)}
            _add(found, place, sentence)
        elif definition and not _ends_within(definition, graph.MOST_LEVELS, around):
            sentence = _("Workflows within workflows: at most %(count)s levels are possible.")
            _add(found, place, sentence % {"count": graph.MOST_LEVELS})
    return found


def _ends_within(definition: str, levels: int, around: Surroundings) -> bool:
    names = {definition}
    for _level in range(levels):
        documents = (around.documents[name] for name in names if name in around.documents)
        names = {task["definition"] for document in documents for task in document["tasks"] if task.get("definition")}
    return not names


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
        if handler.open:
            wanted |= dict.fromkeys(spec.with_.keys() - wanted.keys(), UNKNOWN)
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
