"""A dry run: which way a definition goes with given inputs and answers, how long it takes, who gets work, and what a
reversal at some point would undo. It asks no database and calls no handler.

Conditions and inputs are evaluated as in a run. A task is done after its target duration (or a given one) with sample
outputs, unless its answer says otherwise. Answers for tasks of another workflow that a task starts are given as
"task.inner_task" and hold for all runs it starts.
"""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils.translation import gettext as _

from boss.core.expressions import ExpressionError, evaluate
from boss.core.problems import InvalidInput
from boss.core.samples import sample
from boss.core.schema import Characteristic, validate
from workflow import graph
from workflow.choices import STARTS_RUNS, TaskKind, TaskState
from workflow.engine.parts import MOST_AT_ONCE, MOST_ITEMS
from workflow.graph import LONGEST_SECONDS, Graph, TaskSpec
from workflow.naming import outputs_of
from workflow.registry import task_handlers
from workflow.surroundings import Surroundings
from workflow.undoing import PlannedUndo, planned

State = Literal["done", "skipped", "attention", "waiting"]
Outcome = Literal["done", "fails", "skipped"]

MOST_STEPS = 20_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody supposes about one task. ``signal``: whether the signal it waits for comes."""

    outcome: Outcome = "done"
    outputs: Mapping[str, Any] = field(default_factory=dict)
    signal: bool | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one task, in seconds from the start. ``waiting``: it is never come to, or never ends."""

    key: str
    title: str
    state: State
    starts_at: float | None
    ends_at: float | None
    why: str


@dataclass(frozen=True, slots=True)
class PoolWork:
    """What people of a pool ("" for none) get to do."""

    pool: str
    tasks: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Simulation:
    """``inputs`` are those it went by: what was not given and must be there is a sample."""

    inputs: Mapping[str, Any]
    path: tuple[Step, ...]
    completes: bool
    lead_seconds: float
    work: tuple[PoolWork, ...]
    reversal: tuple[PlannedUndo, ...]


def simulate(
    document: Mapping[str, Any],
    *,
    inputs: Mapping[str, Any],
    answers: Mapping[str, Answer],
    around: Surroundings,
    starts: dt.datetime,
    reverse_at: str | None = None,
    durations: Mapping[str, float] | None = None,
) -> Simulation:
    """Play a document without faults. ``durations`` by task key come before target durations; ``reverse_at`` names the
    task after whose end the run is reversed.

    Raises :class:`boss.core.problems.InvalidInput` with fields ``inputs.<key>``, ``answers.<task>…``, ``reverse_at``.
    """
    read = graph.read(document)
    _refuse_strange(read, answers, reverse_at)
    given = read.checked_inputs(_filled(read.inputs, inputs))
    play = _Play(read, given, answers, durations or {}, around, starts, [MOST_STEPS])
    play.go()
    return Simulation(
        inputs=given,
        path=tuple(play.steps),
        completes=play.completes,
        lead_seconds=play.lead,
        work=tuple(PoolWork(pool, tasks, seconds) for pool, (tasks, seconds) in sorted(play.work.items())),
        reversal=tuple(_reversal(read, play.steps, play.lead, reverse_at)) if reverse_at else (),
    )


def _refuse_strange(read: Graph, answers: Mapping[str, Answer], reverse_at: str | None) -> None:
    fields: dict[str, list[str]] = {}
    for key, answer in answers.items():
        spec = read.by_key.get(key.partition(".")[0])
        if spec is None or ("." in key and spec.kind not in STARTS_RUNS):
            fields[f"answers.{key}"] = [_("There is no such task.")]
        elif "." not in key and answer.outcome == "skipped" and not spec.skippable:
            fields[f"answers.{key}.outcome"] = [_("The workflow does not allow this task to be skipped.")]
        elif "." not in key and spec.kind in (TaskKind.AUTOMATED, TaskKind.MANUAL):
            known = [item for item in outputs_of(spec) if item.key in answer.outputs]
            try:
                validate(known, dict(answer.outputs), prefix=f"answers.{key}.outputs.")
            except InvalidInput as error:
                fields |= error.fields
    if reverse_at and reverse_at not in read.by_key:
        fields["reverse_at"] = [_("There is no such task.")]
    if fields:
        raise InvalidInput(fields=fields)


def _filled(items: tuple[Characteristic, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    missing = [item for item in items if item.required and given.get(item.key) in (None, "")]
    return {**given, **{item.key: sample(item) for item in missing}}


class _Play:
    """One run, its own or a part of another. Positions are in topological order, so one pass is enough."""

    def __init__(
        self, read: Graph, inputs: Mapping[str, Any], answers: Mapping[str, Answer], durations: Mapping[str, float],
        around: Surroundings, starts: dt.datetime, left: list[int],
    ) -> None:  # fmt: skip
        self.graph = read
        self.inputs = inputs
        self.answers = answers
        self.durations = durations
        self.around = around
        self.starts = starts
        self.left = left
        self.outputs: dict[str, Any] = {}
        self.steps: list[Step] = []
        self.work: dict[str, tuple[int, float]] = {}

    @property
    def completes(self) -> bool:
        return all(step.state in ("done", "skipped") for step in self.steps)

    @property
    def lead(self) -> float:
        return max((step.ends_at for step in self.steps if step.ends_at is not None), default=0.0)

    def go(self) -> None:
        for spec in self.graph.tasks:
            self.left[0] -= 1
            if self.left[0] < 0:
                raise InvalidInput(fields={"document": [_("This is too large to be played through.")]})
            self.steps.append(self._step(spec))

    def names(self) -> dict[str, Any]:
        return graph.names(self.inputs, self.outputs, None)

    def results(self) -> dict[str, Any]:
        return {name: evaluate(expression, self.names()) for name, expression in self.graph.results.items()}

    # One task

    def _step(self, spec: TaskSpec) -> Step:
        before = [self.steps[position] for position in self.graph.predecessors[spec.position]]
        held = next((step for step in before if step.state in ("attention", "waiting")), None)
        if held is not None:
            return Step(spec.key, spec.title, "waiting", None, None, _("Waits for “%(task)s”.") % {"task": held.title})
        at = max((step.ends_at or 0.0 for step in before), default=0.0)
        if before and all(step.state == "skipped" for step in before):
            return self._skipped(spec, at, _("Nothing that leads to it was done."))
        try:
            if not graph.holds(spec, self.names()):
                return self._skipped(spec, at, _("Its condition is false."))
            return self._taken(spec, at, self.answers.get(spec.key, Answer()))
        except (ValueError, OverflowError, InvalidInput) as error:
            return self._attention(spec, at, at, _because(error))

    def _taken(self, spec: TaskSpec, at: float, answer: Answer) -> Step:
        if answer.outcome == "skipped":
            return self._skipped(spec, at, _("Somebody skips it."))
        if spec.kind in STARTS_RUNS:
            return self._parts(spec, at, answer)
        graph.resolve_inputs(spec, self.names())
        if spec.kind == TaskKind.WAIT:
            return self._wait(spec, at, answer)
        seconds = self._seconds(spec, at)
        if spec.kind == TaskKind.MANUAL:
            self._give_work(spec.pool, seconds)
            if answer.outcome == "fails":
                return self._attention(spec, at, at + seconds, _("It cannot be done."), work=False)
            return self._done(spec, at, at + seconds, answer, _("People do it."))
        if answer.outcome == "fails":
            return self._attention(spec, at, at + _until_given_up(spec, seconds), _("It fails until it is given up."))
        return self._done(spec, at, at + seconds, answer, _("It is done."))

    def _wait(self, spec: TaskSpec, at: float, answer: Answer) -> Step:
        if answer.outcome == "fails":
            return self._attention(spec, at, at, _("It cannot be done."))
        until = self._open(spec, at, spec.deadline_seconds)
        if spec.until is not None:
            until = self._until(spec, at)
        comes = bool(spec.signal) and (answer.signal if answer.signal is not None else spec.until is None)
        if comes:
            seconds = self._seconds(spec, at)
            ends = at + (seconds if until is None else min(seconds, until))
            return self._done(spec, at, ends, answer, _("“%(signal)s” comes.") % {"signal": spec.signal})
        ends = at + (until or 0.0)
        if spec.until is None and spec.on_deadline == "fail":
            return self._attention(spec, at, ends, _("“%(signal)s” does not come in time.") % {"signal": spec.signal})
        self.outputs[spec.key] = {"timed_out": True}
        return Step(spec.key, spec.title, "done", at, ends, _("Its time has come."))

    def _parts(self, spec: TaskSpec, at: float, answer: Answer) -> Step:
        if answer.outcome == "fails":
            return self._attention(spec, at, at, _("It cannot be done."))
        items = [None] if spec.kind == TaskKind.SUBFLOW else self._items(spec)
        document = self.around.documents.get(spec.definition)
        if document is None:
            return self._done(spec, at, at + self._seconds(spec, at), answer, _("It is done."))
        child = graph.read(document)
        inner = {key.partition(".")[2]: found for key, found in self.answers.items() if key.startswith(f"{spec.key}.")}
        slots = [at] * min(len(items), spec.at_once or MOST_AT_ONCE)
        ends, results, held = at, [], ""
        for index, item in enumerate(items):
            if not slots:
                break  # all that may be open at a time wait for people
            begins = heapq.heappop(slots)
            known = {**self.names(), "item": item, "index": index}
            inputs = child.checked_inputs(graph.resolve_inputs(spec, known))
            moment = self.starts + dt.timedelta(seconds=begins)
            part = _Play(child, inputs, inner, self.durations, self.around, moment, self.left)
            part.go()
            for pool, (tasks, seconds) in part.work.items():
                self._give_work(pool, seconds, tasks)
            if not part.completes:
                stuck = next(step for step in part.steps if step.state in ("attention", "waiting"))
                held = held or _("“%(task)s” of a run it started needs people.") % {"task": stuck.title}
                continue
            heapq.heappush(slots, begins + part.lead)
            ends = max(ends, begins + part.lead)
            results.append(part.results())
        if held:
            return Step(spec.key, spec.title, "waiting", at, None, held)
        given = results[0] if spec.kind == TaskKind.SUBFLOW else {"items": results, "count": len(results)}
        self.outputs[spec.key] = {**given, **answer.outputs}
        why = _("Runs: %(count)s of “%(title)s”.") % {"count": len(items), "title": child.title}
        return Step(spec.key, spec.title, "done", at, ends, why)

    def _items(self, spec: TaskSpec) -> list[Any]:
        items = evaluate(spec.over, self.names())
        if not isinstance(items, list) or len(items) > MOST_ITEMS:
            raise ExpressionError(_("It goes over a list of at most %(count)s items.") % {"count": MOST_ITEMS})
        return items

    # How it ends

    def _skipped(self, spec: TaskSpec, at: float, why: str) -> Step:
        self.outputs[spec.key] = {"skipped": True}
        return Step(spec.key, spec.title, "skipped", at, at, why)

    def _done(self, spec: TaskSpec, at: float, ends: float, answer: Answer, why: str) -> Step:
        self.outputs[spec.key] = {item.key: sample(item) for item in outputs_of(spec)} | dict(answer.outputs)
        return Step(spec.key, spec.title, "done", at, ends, why)

    def _attention(self, spec: TaskSpec, at: float, ends: float, why: str, *, work: bool = True) -> Step:
        if work:
            self._give_work(spec.pool, 0.0)
        return Step(spec.key, spec.title, "attention", at, ends, why)

    def _give_work(self, pool: str, seconds: float, tasks: int = 1) -> None:
        before = self.work.get(pool, (0, 0.0))
        self.work[pool] = (before[0] + tasks, before[1] + seconds)

    # How long it takes

    def _seconds(self, spec: TaskSpec, at: float) -> float:
        known = self.durations.get(spec.key)
        return known if known is not None else self._open(spec, at, spec.target_seconds) or 0.0

    def _open(self, spec: TaskSpec, at: float, seconds: float | None) -> float | None:
        """Seconds by the clock, where the task counts open hours of its calendar."""
        calendar = self.around.calendars.get(spec.calendar)
        if seconds is None or calendar is None:
            return seconds
        begins = self.starts + dt.timedelta(seconds=at)
        return (calendar.add(begins, dt.timedelta(seconds=seconds)) - begins).total_seconds()

    def _until(self, spec: TaskSpec, at: float) -> float:
        until = evaluate(spec.until, self.names())
        if isinstance(until, int | float) and not isinstance(until, bool):
            if until > LONGEST_SECONDS:
                raise ExpressionError(_("“until” is more than a hundred years away."))
            return max(0.0, self._open(spec, at, float(until)) or 0.0)
        try:
            instant = dt.datetime.fromisoformat(until)
        except (TypeError, ValueError):
            raise ExpressionError(_("“until” gives no time.")) from None
        instant = instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)
        return max(0.0, (instant - self.starts).total_seconds() - at)


def _because(error: Exception) -> str:
    if isinstance(error, InvalidInput):
        return "; ".join(f"{place}: {' '.join(said)}" for place, said in error.fields.items())
    return str(error)


def _until_given_up(spec: TaskSpec, seconds: float) -> float:
    rule = spec.retry
    pauses = (min(rule.max_seconds, rule.backoff_seconds * rule.backoff_factor**n) for n in range(rule.attempts - 1))
    return rule.attempts * seconds + sum(pauses)


# In reverse


def _reversal(read: Graph, steps: list[Step], lead: float, reverse_at: str) -> list[PlannedUndo]:
    """What is undone when the run is reversed as soon as the task has ended, or where everything has come to a halt."""
    target = read.by_key[reverse_at].position
    ended = steps[target].ends_at
    moment = (lead if ended is None else ended, target if ended is not None else len(steps))
    found = []
    for spec in reversed(read.tasks):
        state = _state_at(steps[spec.position], spec, moment)
        found.append(planned(spec, state, left=_may_have_left(spec, state)))
    return found


def _state_at(step: Step, spec: TaskSpec, moment: tuple[float, int]) -> str:
    if step.starts_at is None:
        return TaskState.PENDING
    if step.ends_at is not None and (step.ends_at, spec.position) <= moment:
        return {"done": TaskState.DONE, "skipped": TaskState.SKIPPED}.get(step.state, TaskState.ATTENTION)
    if step.state == "skipped" or (step.starts_at, spec.position) > moment:
        return TaskState.PENDING
    return TaskState.RUNNING if spec.kind == TaskKind.AUTOMATED else TaskState.WAITING


def _may_have_left(spec: TaskSpec, state: str) -> bool:
    if spec.kind in STARTS_RUNS:
        return state == TaskState.WAITING
    handler = task_handlers.find(spec.handler)
    # Attempts of a local handler went away with their transactions.
    return state == TaskState.ATTENTION and spec.kind == TaskKind.AUTOMATED and not (handler and handler.local)
