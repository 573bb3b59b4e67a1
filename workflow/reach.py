"""Tasks that can never be taken, because a condition can never be true where the task stands."""

from __future__ import annotations

from boss.core.expression_facts import NOTHING, Facts, assume, either
from boss.core.expressions import names_in
from workflow.graph import Graph
from workflow.naming import Names

_DONE = frozenset(["false", "null"])


def never_taken(read: Graph, names: Names) -> dict[str, str]:
    """By task key, why it is never taken: ``condition`` (never true), ``contradiction`` (never true after what leads
    to it), ``predecessors`` (nothing that leads to it is ever taken)."""
    found: dict[str, str] = {}
    after: dict[int, dict[str, frozenset[str]]] = {}
    asked = set().union(*(names_in(spec.when) for spec in read.tasks))
    for spec in read.tasks:
        before: Facts | None = NOTHING
        if spec.after:
            ways = [position for position in read.predecessors[spec.position] if position in after]
            before = either(after[way] | _was_done(read.tasks[way].key, asked) for way in ways)
        if before is None:
            found[spec.key] = "predecessors"
            continue
        types = names.for_task(spec)
        facts = before if spec.when is None else assume(spec.when, before, types)
        if facts is None:
            found[spec.key] = "condition" if assume(spec.when, NOTHING, types) is None else "contradiction"
        else:
            after[spec.position] = dict(facts)
    return found


def _was_done(key: str, asked: set[str]) -> dict[str, frozenset[str]]:
    name = f"tasks.{key}.skipped"
    return {name: _DONE} if name in asked else {}
