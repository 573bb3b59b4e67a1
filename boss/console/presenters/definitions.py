"""Workflow definitions as the console shows them: drawn, as a list of tasks, version beside version."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.console.graph.picture import Picture, Step, draw_steps
from boss.console.presenters import conditions
from boss.look.marks import Mark
from workflow.contracts import TaskHandler
from workflow.diff import Change, Difference
from workflow.models import Definition, DefinitionDraft, DefinitionVersion
from workflow.registry import task_handlers

# The editor's Icon.tsx has the same icons.
KINDS = {
    "automated": Mark(gettext_lazy("Automated"), "bolt", "idle"),
    "manual": Mark(gettext_lazy("People's work"), "user", "idle"),
    "wait": Mark(gettext_lazy("Wait"), "hourglass", "idle"),
    "subflow": Mark(gettext_lazy("Another workflow"), "git-branch", "idle"),
    "each": Mark(gettext_lazy("For each of a list"), "stack-2", "idle"),
}
CURRENT = Mark(gettext_lazy("Current"), "circle-check", "ok")
ARCHIVED = Mark(gettext_lazy("Archived"), "lock", "idle")
NOT_PUBLISHED = Mark(gettext_lazy("Not published"), "edit", "wait")
ADDED = Mark(gettext_lazy("New task"), "plus", "ok")
REMOVED = Mark(gettext_lazy("Task is gone"), "trash", "bad")
CHANGED = Mark(gettext_lazy("Changed"), "edit", "busy")
FIELDS = {
    "title": gettext_lazy("Title"),
    "description": gettext_lazy("Description"),
    "inputs": gettext_lazy("What a run is given"),
    "results": gettext_lazy("Result"),
    "kind": gettext_lazy("Kind"),
    "handler": gettext_lazy("Handler"),
    "definition": gettext_lazy("Workflow"),
    "over": gettext_lazy("For each of"),
    "at_once": gettext_lazy("At most open at once"),
    "with": gettext_lazy("Given"),
    "after": gettext_lazy("After"),
    "when": gettext_lazy("Only if"),
    "until": gettext_lazy("Until"),
    "signal": gettext_lazy("Signal"),
    "deadline_seconds": gettext_lazy("At most (seconds)"),
    "on_deadline": gettext_lazy("When the time is up"),
    "retry": gettext_lazy("If it fails"),
    "undo": gettext_lazy("Undo"),
    "undo_instructions": gettext_lazy("Instructions for undoing"),
    "point_of_no_return": gettext_lazy("Point of no return"),
    "follow_up": gettext_lazy("What is to be done if it stays"),
    "return_point": gettext_lazy("A run may be sent back to it"),
    "pool": gettext_lazy("Pool"),
    "category": gettext_lazy("Ticket category"),
    "instructions": gettext_lazy("Instructions"),
    "outputs": gettext_lazy("What a person fills in"),
    "skippable": gettext_lazy("People may leave it out"),
    "target_seconds": gettext_lazy("It should take (seconds)"),
    "calendar": gettext_lazy("Business calendar"),
}
TYPES = {
    "text": gettext_lazy("Text"),
    "long_text": gettext_lazy("Long text"),
    "integer": gettext_lazy("Whole number"),
    "decimal": gettext_lazy("Number"),
    "boolean": gettext_lazy("Yes or no"),
    "choice": gettext_lazy("One choice"),
    "multi_choice": gettext_lazy("Several choices"),
    "date": gettext_lazy("Date"),
    "datetime": gettext_lazy("Date and time"),
    "email": gettext_lazy("E-mail"),
    "phone": gettext_lazy("Phone"),
    "money": gettext_lazy("Amount of money"),
    "tree_choice": gettext_lazy("Choice from a tree"),
    "duration": gettext_lazy("Duration"),
    "url": gettext_lazy("Web address"),
    "prefix": gettext_lazy("Network"),
    "rating": gettext_lazy("Rating"),
    "list": gettext_lazy("List"),
    "object": gettext_lazy("Object"),
}


def url_of(public_id: str) -> str:
    return reverse("console:workflow", args=[public_id])


def export_url(public_id: str) -> str:
    return f"{reverse('api:workflow-definitions-detail', args=[public_id])}yaml/"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list: a definition with its draft, or a draft of what was never published."""

    title: str
    key: str
    number: int | None
    open_runs: int
    url: str
    export_url: str
    draft: DefinitionDraft | None
    draft_url: str
    mark: Mark = NOT_PUBLISHED


def rows(
    definitions: Iterable[Definition],
    drafts: Iterable[DefinitionDraft],
    open_runs: Mapping[int, int],
    *,
    published: Container[str] | None,
) -> list[Row]:
    """Drafts beside their definitions; those of nothing ``published`` come first, and not at all if that is None."""
    by_key = {draft.key: draft for draft in drafts}
    found = [
        Row(draft.title, draft.key, None, 0, "", "", draft, reverse("console:workflow_draft", args=[draft.public_id]))
        for draft in by_key.values()
        if published is not None and draft.key not in published
    ]
    for definition in definitions:
        draft = by_key.get(definition.key)
        found.append(
            Row(
                title=definition.title,
                key=definition.key,
                number=definition.current.number if definition.current else None,
                open_runs=open_runs.get(definition.pk, 0),
                url=url_of(definition.public_id),
                export_url=export_url(definition.public_id),
                draft=draft,
                draft_url=reverse("console:workflow_draft", args=[draft.public_id]) if draft else "",
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class VersionLine:
    number: int
    published_at: datetime
    published_by: str
    note: str
    is_current: bool
    open_runs: int
    url: str
    diff_url: str
    runs_url: str


def versions(
    definition: Definition, found: Iterable[DefinitionVersion], open_runs: Mapping[int, int]
) -> list[VersionLine]:
    """All versions, newest first. An older one is compared with the current one, the way from it to there."""
    page = url_of(definition.public_id)
    current = definition.current.number if definition.current else 0
    lines = []
    for version in found:
        ends = sorted((version.number, current))
        lines.append(
            VersionLine(
                number=version.number,
                published_at=version.published_at,
                published_by=version.published_by,
                note=version.note,
                is_current=version.pk == definition.current_id,
                open_runs=open_runs.get(version.pk, 0),
                url=f"{page}?version={version.number}",
                diff_url=f"{reverse('console:workflow_diff', args=[definition.public_id])}?from={ends[0]}&to={ends[1]}",
                runs_url=f"{reverse('console:runs')}?definition={definition.key}",
            )
        )
    return lines


@dataclass(frozen=True, slots=True)
class InputLine:
    key: str
    label: str
    type: str
    required: bool


def inputs_of(document: Mapping[str, Any]) -> list[InputLine]:
    """What a run is given."""
    return [
        InputLine(
            key=item["key"],
            label=item.get("label") or item["key"].replace("_", " ").capitalize(),
            type=str(TYPES.get(item["type"], item["type"])) if "type" in item else str(TYPES["text"]),
            required=bool(item.get("required")),
        )
        for item in document.get("inputs") or ()
    ]


def titles_of(document: Mapping[str, Any]) -> dict[str, str]:
    return {task["key"]: task["title"] for task in document["tasks"]}


@dataclass(frozen=True, slots=True)
class ChangeLine:
    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Group:
    """What changed about one task, or about the workflow as a whole."""

    title: str
    mark: Mark
    changes: list[ChangeLine]


def groups(found: Difference, titles: Mapping[str, str]) -> list[Group]:
    """The difference of two versions: the whole first, then tasks that are new, gone, changed."""
    told = []
    if found.top:
        told.append(Group(_("The workflow"), CHANGED, [_change(change) for change in found.top]))
    told += [Group(task.title, ADDED, []) for task in found.tasks_added]
    told += [Group(task.title, REMOVED, []) for task in found.tasks_removed]
    for key in dict.fromkeys(change.key for change in found.tasks_changed):
        lines = [_change(change) for change in found.tasks_changed if change.key == key]
        told.append(Group(titles.get(key, key), CHANGED, lines))
    return told


def _change(change: Change) -> ChangeLine:
    name, _dot, part = change.field.partition(".")
    what = str(FIELDS.get(name, name))
    return ChangeLine(f"{what}: {part}" if part else what, _as_text(change.before), _as_text(change.after))


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class TaskLine:
    """One task of a definition in words."""

    key: str
    title: str
    kind: Mark
    who: str
    after: list[str]
    condition: str
    undo: str
    stays: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A document to be read: drawn (unless its edges go in a circle) and as a list."""

    picture: Picture | None
    lines: list[TaskLine]


def plan_of(document: Any, pools: Mapping[str, str]) -> Plan:
    """Read a document, published or half drawn. ``pools`` are names by key. A task's link leads to its line."""
    readable = document if isinstance(document, Mapping) else {}
    tasks = [task for task in _mappings(readable.get("tasks")) if isinstance(task.get("key"), str)]
    titles = {task["key"]: str(task.get("title") or task["key"]) for task in tasks}
    labels = _labels(readable, tasks)
    lines, steps = [], []
    for task in tasks:
        after = [key for key in task.get("after") or () if key in titles] if isinstance(task.get("after"), list) else []
        line = TaskLine(
            key=task["key"],
            title=titles[task["key"]],
            kind=_kind(task),
            who=_who(task, pools),
            after=[titles[key] for key in after],
            condition=conditions.in_words(task.get("when"), labels),
            undo=_undo(task),
            stays=bool(task.get("point_of_no_return")),
        )
        lines.append(line)
        word = line.condition or (line.who if line.who != line.title else "") or str(line.kind.word)
        steps.append(Step(line.key, line.title, word, line.kind.icon, tuple(after)))
    unique = list({step.key: step for step in steps}.values())
    title = str(readable.get("title") or "")
    picture = draw_steps(title, unique, lambda key: f"#task-{key}", readable.get("layout")) if unique else None
    return Plan(picture, lines)


def _mappings(given: Any) -> list[Mapping[str, Any]]:
    return [item for item in given if isinstance(item, Mapping)] if isinstance(given, list) else []


def _kind(task: Mapping[str, Any]) -> Mark:
    return KINDS.get(str(task.get("kind") or "automated"), KINDS["automated"])


def _handler(task: Mapping[str, Any]) -> TaskHandler | None:
    return task_handlers.find(str(task.get("handler") or "")) if _kind(task) is KINDS["automated"] else None


def _labels(document: Mapping[str, Any], tasks: list[Mapping[str, Any]]) -> dict[str, str]:
    """What people call the names conditions read."""
    found = {f"inputs.{item.get('key')}": str(item.get("label") or "") for item in _mappings(document.get("inputs"))}
    for task in tasks:
        handler = _handler(task)
        for item in handler.outputs if handler else ():
            found[f"tasks.{task['key']}.{item.key}"] = item.title
        for asked in _mappings(task.get("outputs")):
            found[f"tasks.{task['key']}.{asked.get('key')}"] = str(asked.get("label") or "")
    return found


def _who(task: Mapping[str, Any], pools: Mapping[str, str]) -> str:
    kind = _kind(task)
    if kind is KINDS["automated"]:
        handler = _handler(task)
        return str(handler.title) if handler else str(task.get("handler") or "")
    if kind is KINDS["manual"]:
        pool = str(task.get("pool") or "")
        return pools.get(pool, pool)
    if kind is KINDS["wait"]:
        return _("until “%(signal)s”") % {"signal": task["signal"]} if task.get("signal") else ""
    return str(task.get("definition") or "")


def _undo(task: Mapping[str, Any]) -> str:
    kind, said, handler = _kind(task), task.get("undo"), _handler(task)
    if task.get("point_of_no_return"):
        return _("stays: point of no return")
    if said == "manual":
        return _("by people")
    if kind in (KINDS["subflow"], KINDS["each"]):
        return _("with its runs")
    if said == "none" or kind is KINDS["wait"]:
        return _("nothing to undo")
    if said == "handler" or (handler is not None and handler.undo is not None):
        return _("by its handler")
    return _("nothing to undo") if handler is not None and handler.nothing_to_undo else ""
