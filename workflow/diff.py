"""What differs in behaviour between two documents of a definition. Order of tasks and the drawing's layout do not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from workflow.choices import TaskKind
from workflow.graph import RetryRule, TaskSpec

_NOT_BEHAVIOUR = {"tasks", "layout"}
_PARTS = ("with", "retry", "results")
"""Objects compared member by member: "with.number"."""

_DEFAULTS: dict[str, Any] = {
    item.name: item.default for item in fields(TaskSpec) if item.name not in ("position", "key", "title", "kind")
} | {"kind": TaskKind.AUTOMATED, "after": [], "outputs": [], "retry": {}, "with": {}}
_RETRY = {item.name: item.default for item in fields(RetryRule)}
_EMPTY: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True, slots=True)
class NamedTask:
    key: str
    title: str


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs; ``key`` is the task's, or "" at the top. None: it was, or is, not given."""

    key: str
    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Difference:
    tasks_added: list[NamedTask] = field(default_factory=list)
    tasks_removed: list[NamedTask] = field(default_factory=list)
    tasks_changed: list[Change] = field(default_factory=list)
    top: list[Change] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.tasks_added or self.tasks_removed or self.tasks_changed or self.top)


def between(before: Mapping[str, Any], after: Mapping[str, Any]) -> Difference:
    """What one would have to do to ``before`` to get what does the same as ``after``."""
    old = {task["key"]: task for task in before["tasks"]}
    new = {task["key"]: task for task in after["tasks"]}
    return Difference(
        tasks_added=[NamedTask(key, task["title"]) for key, task in new.items() if key not in old],
        tasks_removed=[NamedTask(key, task["title"]) for key, task in old.items() if key not in new],
        tasks_changed=[change for key in new if key in old for change in _changes(key, old[key], new[key])],
        top=list(_changes("", _top(before), _top(after))),
    )


def _top(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in _NOT_BEHAVIOUR}


def _changes(key: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in [*after, *(name for name in before if name not in after)]:
        old, new = _effective(key, name, before.get(name)), _effective(key, name, after.get(name))
        if _same(old, new):
            continue
        if name in _PARTS and isinstance(old or {}, dict) and isinstance(new or {}, dict):
            old, new = old or {}, new or {}
            for part in [*new, *(part for part in old if part not in new)]:
                if not _same(old.get(part), new.get(part)):
                    yield Change(key, f"{name}.{part}", old.get(part), new.get(part))
        else:
            yield Change(key, name, old, new)


def _same(left: Any, right: Any) -> bool:
    # As JSON, where yes is not 1.
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def _effective(key: str, name: str, value: Any) -> Any:
    """What is said by saying nothing is the same as nothing said."""
    if value in _EMPTY:
        return None
    if not key:
        return value
    if name == "after":
        return sorted(value)
    if name == "retry":
        return {part: number for part, number in value.items() if number != _RETRY.get(part)} or None
    return None if value == _DEFAULTS.get(name) else value
