"""Workflow definitions as the console shows them: drawn, as a list of tasks, version beside version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.console.graph.picture import Picture, Step, draw_steps
from boss.console.presenters import conditions
from boss.look.marks import Mark
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


def url_of(public_id: str) -> str:
    return reverse("console:workflow", args=[public_id])


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


def plan_of(document: Mapping[str, Any], pools: Mapping[str, str]) -> Plan:
    """Read a document, published or half drawn. ``pools`` are names by key. A task's link leads to its line."""
    tasks = [task for task in document.get("tasks") or () if isinstance(task, Mapping) and task.get("key")]
    titles = {task["key"]: str(task.get("title") or task["key"]) for task in tasks}
    labels = _labels(document, tasks)
    lines = []
    for task in tasks:
        kind = KINDS.get(task.get("kind") or "automated", KINDS["automated"])
        condition = conditions.in_words(task.get("when"), labels)
        lines.append(
            TaskLine(
                key=task["key"],
                title=titles[task["key"]],
                kind=kind,
                who=_who(task, pools),
                after=[titles[key] for key in task.get("after") or () if key in titles],
                condition=condition,
                undo=_undo(task),
                stays=bool(task.get("point_of_no_return")),
            )
        )
    steps = [
        Step(line.key, line.title, line.condition or line.who or str(line.kind.word), line.kind.icon, tuple(task.get("after") or ()))
        for line, task in zip(lines, tasks, strict=True)
    ]
    picture = draw_steps(str(document.get("title") or ""), steps, lambda key: f"#task-{key}", document.get("layout"))
    return Plan(picture if steps else None, lines)


def _labels(document: Mapping[str, Any], tasks: list[Mapping[str, Any]]) -> dict[str, str]:
    found = {f"inputs.{item['key']}": item.get("label", "") for item in document.get("inputs") or () if item.get("key")}
    for task in tasks:
        handler = task_handlers.find(task.get("handler") or "")
        for item in handler.outputs if handler else ():
            found[f"tasks.{task['key']}.{item.key}"] = item.title
        for item in task.get("outputs") or ():
            found[f"tasks.{task['key']}.{item.get('key')}"] = item.get("label", "")
    return found


def _who(task: Mapping[str, Any], pools: Mapping[str, str]) -> str:
    kind = task.get("kind") or "automated"
    if kind == "automated":
        handler = task_handlers.find(task.get("handler") or "")
        return str(handler.title) if handler else str(task.get("handler") or "")
    if kind == "manual":
        return pools.get(task.get("pool") or "", str(task.get("pool") or ""))
    if kind == "wait" and task.get("signal"):
        return _("until “%(signal)s”") % {"signal": task["signal"]}
    return str(task.get("definition") or "")


def _undo(task: Mapping[str, Any]) -> str:
    if task.get("point_of_no_return"):
        return _("stays: point of no return")
    said = task.get("undo") or ""
    kind = task.get("kind") or "automated"
    handler = task_handlers.find(task.get("handler") or "") if kind == "automated" else None
    if said == "manual":
        return _("by people")
    if said == "none" or kind == "wait":
        return _("nothing to undo")
    if kind in ("subflow", "each"):
        return _("with its runs")
    if said == "handler" or (handler is not None and handler.undo is not None):
        return _("by its handler")
    return _("nothing to undo") if handler is not None and handler.nothing_to_undo else ""
