"""Quick and slow work: which a task is, and which of them this process may go on to by itself.

Manual tasks, waits and local handlers take milliseconds. A handler that leaves the process may hang until its limit.
"""

from __future__ import annotations

from typing import Any

from boss.core.lanes import KINDS, Kind, all_of
from workflow.checks import effective_undo
from workflow.choices import TaskKind
from workflow.graph import Graph, TaskSpec
from workflow.registry import task_handlers

_served: set[str] = set(KINDS)


def kind_of(spec: TaskSpec, *, undo: bool = False) -> Kind:
    """Whether the task, or its undo, is quick or slow work."""
    if spec.kind != TaskKind.AUTOMATED or (undo and effective_undo(spec) == "manual"):
        return "quick"
    handler = task_handlers.find(spec.handler)
    return "slow" if handler is not None and handler.is_slow else "quick"


def kind_of_any(graph: Graph, key: str, *, undo: bool) -> Kind:
    """The same for a task of a version that was looked up without a lock: a run that is moved at this moment may show
    its old version and a task of the new one. Such a task is rung for as slow work, which hinders nobody."""
    spec = graph.by_key.get(key)
    return kind_of(spec, undo=undo) if spec is not None else "slow"


def may_go_on_with(spec: TaskSpec) -> bool:
    """Whether this process may do the task inline. Slow work only where slow work is served: its workers may go on to
    a quick step, which costs them nothing, but those for quick work must come back to their queue."""
    return "slow" in _served or kind_of(spec) == "quick"


def serve(*kinds: Kind) -> None:
    """Say what this process, and what it forks, is there for."""
    _served.clear()
    _served.update(kinds)


def take_note(instance: Any, **_signal: Any) -> None:
    """Handler of Celery's ``celeryd_after_setup``: a worker knows its queues before it forks."""
    names = instance.app.amqp.queues.consume_from
    serve(*(kind for kind in KINDS if any(name in names for name in all_of(kind))))
