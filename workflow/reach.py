"""Tasks that can never be taken, because a condition can never be true where the task stands."""

from __future__ import annotations

from boss.core.expression_facts import NOTHING, Facts, assume, either
from workflow.graph import Graph
from workflow.naming import Names

_DONE = frozenset(["false", "null"])


def never_taken(read: Graph, names: Names) -> dict[str, str]:
    """By task key, why it is never taken: ``condition`` (never true), ``contradiction`` (never true after what leads
    to it), ``predecessors`` (nothing that leads to it is ever taken)."""
    found: dict[str, str] = {}
    after: dict[int, Facts] = {}
    for spec in read.tasks:
        before: Facts | None = NOTHING
        if spec.after:
            ways = [position for position in read.predecessors[spec.position] if position in after]
            before = either({**after[way], f"tasks.{read.tasks[way].key}.skipped": _DONE} for way in ways)
        if before is None:
            found[spec.key] = "predecessors"
            continue
        types = names.for_task(spec)
        facts = before if spec.when is None else assume(spec.when, before, types)
        if facts is None:
            found[spec.key] = "condition" if assume(spec.when, NOTHING, types) is None else "contradiction"
        else:
            after[spec.position] = facts
    return found
