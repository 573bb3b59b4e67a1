"""Handlers for tests. ``plans`` says what a task does on its attempts, ``effects`` what was done and not undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from boss.core.problems import Problem
from boss.core.schema import Characteristic
from workflow.contracts import Done, Fail, Outcome, Retry, RunSubjectKind, TaskContext, TaskHandler, UndoContext
from workflow.registry import run_subject_kinds, task_handlers

Step = Callable[[TaskContext], Outcome | None] | Exception | Outcome


class Refused(Problem):
    code = "tests.refused"


class Busy(Problem):
    code = "tests.busy"
    retryable = True


@dataclass
class Workshop:
    calls: list[tuple[str, str, int]] = field(default_factory=list)  # (do|undo, task key, attempt)
    effects: dict[str, dict[str, Any]] = field(default_factory=dict)  # by idempotency key
    keys: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    plans: dict[str, list[Step]] = field(default_factory=dict)
    undo_plans: dict[str, list[Step]] = field(default_factory=dict)
    contexts: dict[str, TaskContext] = field(default_factory=dict)
    local: MutableMapping[str, dict[str, Any]] | None = None  # where local handlers leave theirs, if elsewhere
    closed: list[tuple[int, str]] = field(default_factory=list)
    refuse_closing: bool = False


shop = Workshop()


def clean() -> None:
    shop.__init__()  # type: ignore[misc]


def _follow(steps: list[Step], context: TaskContext) -> Outcome | None:
    step = steps.pop(0)
    if isinstance(step, Exception):
        raise step
    return step(context) if callable(step) else step


def effects(local: bool = False) -> MutableMapping[str, dict[str, Any]]:
    """What is there now, made by handlers of one kind."""
    return shop.local if local and shop.local is not None else shop.effects


def run(context: TaskContext, local: bool = False) -> Outcome | None:
    shop.calls.append(("do", context.task_key, context.attempt))
    shop.contexts[context.task_key] = context
    shop.keys.setdefault(("do", context.task_key), set()).add(context.idempotency_key)
    plan = shop.plans.get(context.task_key)
    if plan:
        outcome = _follow(plan, context)
        if not isinstance(outcome, Done | None):
            return outcome
        effects(local)[context.idempotency_key] = context.inputs
        return outcome
    effects(local)[context.idempotency_key] = context.inputs
    return Done({"number": context.inputs.get("number") or 1, "receipt": f"receipt of {context.task_key}"})


def undo(context: UndoContext, local: bool = False) -> Outcome | None:
    shop.calls.append(("undo", context.task_key, context.attempt))
    shop.contexts[f"undo {context.task_key}"] = context
    shop.keys.setdefault(("undo", context.task_key), set()).add(context.idempotency_key)
    plan = shop.undo_plans.get(context.task_key)
    outcome = _follow(plan, context) if plan else Done()
    if isinstance(outcome, Done | None):
        effects(local).pop(context.forward_key, None)
    return outcome


_INPUTS = [Characteristic("number", "integer"), Characteristic("name")]
_OUTPUTS = [Characteristic("number", "integer"), Characteristic("receipt")]


def _closed(actor: Any, of: Any, end: str) -> None:
    if shop.refuse_closing:
        raise Refused("the order is locked")
    shop.closed.append((of.pk, end))


def _limits(inputs: Mapping[str, Any]) -> list[str]:
    if inputs["name"] == "boom":
        raise LookupError("no such server")
    return [f"server:{inputs['name']}"]


for handler in (
    TaskHandler("tests.limited", "Limited", run, undo=undo, inputs=_INPUTS, outputs=_OUTPUTS, limits=_limits),
    TaskHandler("tests.remote", "Remote work", run, undo=undo, inputs=_INPUTS, outputs=_OUTPUTS),
    TaskHandler(
        "tests.local",
        "Local work",
        partial(run, local=True),
        undo=partial(undo, local=True),
        inputs=_INPUTS,
        outputs=_OUTPUTS,
        local=True,
    ),
    TaskHandler("tests.check", "A check", run, nothing_to_undo=True, inputs=_INPUTS, outputs=_OUTPUTS),
    TaskHandler("tests.stubborn", "Cannot be undone", run, inputs=_INPUTS, outputs=_OUTPUTS),
    TaskHandler("tests.needs", "Needs a name", run, undo=undo, inputs=[Characteristic("name", required=True)]),
):
    task_handlers.register(handler.key, handler)
run_subject_kinds.register(
    "tests.order",
    RunSubjectKind("tests.order", "Order", label=lambda pk: f"O-{pk}", account_id=lambda pk: 70 + pk, closed=_closed),
)

__all__ = ["Busy", "Done", "Fail", "Refused", "Retry", "clean", "shop"]


def task(key: str, *after: str, handler: str = "tests.remote", **rest: Any) -> dict[str, Any]:
    """An automated task of a definition."""
    return {"key": key, "title": key.title(), "handler": handler, "after": list(after), **rest}


def chain(*keys: str, **rest: Any) -> list[dict[str, Any]]:
    """Tasks one after the other."""
    return [task(key, *keys[max(0, index - 1) : index], **rest) for index, key in enumerate(keys)]
