"""Runs and their tasks as the console shows them."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from boss.console.graph.picture import Picture, draw, mark_of
from boss.console.presenters.marks import ATTEMPT, RUN, TASK, mark
from boss.console.presenters.stories import Entry
from boss.console.presenters.words import pairs
from boss.core.schema import Characteristic
from boss.look.marks import Mark
from workflow import checks, selectors
from workflow.choices import FORWARD_END, NEEDS_PEOPLE, REVERSE_END, RunState, TaskState
from workflow.engine import graphs
from workflow.journal import Sentence, journal
from workflow.models import Attempt, Run, TaskRun
from workflow.registry import run_subject_kinds, task_handlers
from workflow.selectors import Graph, Node
from workflow.services import tasks as task_services
from workflow.values import for_people

JOURNAL_SHOWN = 12
JOURNAL_AT_MOST = 500


def url_of(run: Run) -> str:
    return reverse("console:run", args=[run.public_id])


def task_url(run: Run, key: str) -> str:
    return f"{url_of(run)}?task={key}#task"


@dataclass(frozen=True, slots=True)
class Subject:
    """What the run is about."""

    title: str
    label: str
    url: str


def subject_of(run: Run) -> Subject | None:
    kind = run_subject_kinds.find(run.subject_kind)
    if kind is None or run.subject_id is None:
        return None
    return Subject(str(kind.title), kind.label(run.subject_id), kind.url(run.subject_id))


@dataclass(frozen=True, slots=True)
class Live:
    """The part of a run's page that changes while one looks. ``fingerprint`` changes with it."""

    run: Run
    state: Mark
    is_open: bool
    picture: Picture
    nodes: list[tuple[Node, Mark, str]]
    done: int
    total: int
    attention: list[tuple[Node, str]]
    people: list[tuple[Node, str]]
    fingerprint: str
    live_url: str


def _ticket_url(node: Node) -> str:
    return reverse("console:ticket", args=[node.ticket_address]) if node.ticket_address else ""


def fingerprint(run: Run, graph: Graph) -> str:
    """Short name of the state that is shown."""
    parts = [run.state, str(run.sequence)]
    parts += [f"{node.key}:{node.state}:{node.attempts}:{node.ticket_number}" for node in graph.nodes]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def live(run: Run, graph: Graph, chosen: str = "", *, whole: bool = False) -> Live:
    ended = REVERSE_END if run.state in (RunState.REVERSING, RunState.REVERSED) else FORWARD_END
    return Live(
        run=run,
        state=mark(RUN, run.state),
        is_open=not run.is_closed,
        picture=draw(graph, lambda key: task_url(run, key), chosen, run.version.document.get("layout")),
        nodes=[(node, mark_of(node), task_url(run, node.key)) for node in graph.nodes],
        done=sum(node.state in ended for node in graph.nodes),
        total=len(graph.nodes),
        attention=[(node, _ticket_url(node)) for node in graph.nodes if node.state in NEEDS_PEOPLE],
        people=[
            (node, _ticket_url(node))
            for node in graph.nodes
            if node.ticket_number and node.state in (TaskState.WAITING, TaskState.UNDO_WAITING)
        ],
        fingerprint=fingerprint(run, graph),
        live_url=f"{reverse('console:run_live', args=[run.public_id])}?task={chosen}{'&journal=all' if whole else ''}",
    )


@dataclass(frozen=True, slots=True)
class Story:
    """The journal, newest first. ``more`` counts what is not shown."""

    entries: list[Entry]
    more: int


def story(run: Run, *, whole: bool = False) -> Story:
    """The latest of the journal, or (nearly) all of it."""
    sentences = journal(run)
    shown = sentences[-(JOURNAL_AT_MOST if whole else JOURNAL_SHOWN) :]
    return Story([_entry(sentence) for sentence in reversed(shown)], len(sentences) - len(shown))


def told(run: Run, tickets: Container[str] = ()) -> list[Entry]:
    """What happened in the run for an account's timeline: without the beginning of every attempt, and without the
    opening of ``tickets`` (numbers), which the timeline tells itself."""
    return [
        _entry(sentence)
        for sentence in journal(run)
        if not sentence.is_attempt and sentence.opens_ticket not in tickets
    ]


def _entry(sentence: Sentence) -> Entry:
    return Entry(sentence.at, sentence.text, Mark("", sentence_icon(sentence), "idle"), sentence.who)


def sentence_icon(sentence: Sentence) -> str:
    return "clock" if sentence.is_attempt else "circle-dot"


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt."""

    number: int
    mark: Mark
    at: datetime
    seconds: float
    error: str
    worker: str
    again_at: datetime | None
    is_undo: bool


def _try(attempt: Attempt) -> Try:
    return Try(
        number=attempt.number,
        mark=mark(ATTEMPT, attempt.outcome),
        at=attempt.started_at,
        seconds=(attempt.ended_at - attempt.started_at).total_seconds(),
        error=attempt.error,
        worker=attempt.worker,
        again_at=attempt.retry_at,
        is_undo=attempt.is_undo,
    )


@dataclass(frozen=True, slots=True)
class TaskPanel:
    """Everything about one task, and which buttons make sense now."""

    task: TaskRun
    key: str
    title: str
    state: Mark
    kind: str
    sentence: str
    instructions: str
    tries: list[Try]
    inputs: list[tuple[str, str]]
    outputs: list[tuple[str, str]]
    asked: tuple[Characteristic, ...]
    ticket_url: str
    may_retry: bool
    may_complete: bool
    may_skip: bool


def panel(task: TaskRun) -> TaskPanel:
    run = task.run
    spec = graphs.of_run(run).tasks[task.position]
    with_people = task_services.is_with_people(task)
    waits_for_retry = task.state in (TaskState.READY, TaskState.UNDO_READY) and task.not_before is not None
    return TaskPanel(
        task=task,
        key=task.key,
        title=spec.title,
        state=mark(TASK, task.state),
        kind=str(task.get_kind_display()),
        sentence=_sentence(spec.handler, task.inputs),
        instructions=spec.undo_instructions if task.is_undo else spec.instructions,
        tries=[_try(attempt) for attempt in selectors.list_attempts(task)],
        inputs=pairs(for_people(task.inputs)),
        outputs=pairs(for_people(run.outputs.get(task.key))),
        asked=() if task.is_undo else tuple(checks.outputs_of(spec)),
        ticket_url=reverse("console:ticket", args=[task.ticket.public_id]) if task.ticket else "",
        may_retry=task.state in NEEDS_PEOPLE or waits_for_retry,
        may_complete=with_people,
        may_skip=with_people and spec.skippable and not task.is_undo and run.state == RunState.RUNNING,
    )


def _sentence(handler_key: str, inputs: Mapping[str, Any]) -> str:
    handler = task_handlers.find(handler_key) if handler_key else None
    if handler is None:
        return ""
    if handler.describe is not None and inputs:
        return handler.describe(inputs)
    return str(handler.title)


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One line of a reversal's plan."""

    title: str
    words: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class PlanView:
    """A reversal's plan: what is undone or stays, in order, and the titles of what is never begun."""

    steps: list[PlanStep]
    stopped: list[str]


def plan_view(plan: selectors.ReversalPlan) -> PlanView:
    told = {
        "undone": (_("will be undone"), Mark(_("Undo"), "arrow-back-up", "undo")),
        "people": (_("a person gets the work of undoing it"), Mark(_("By hand"), "user", "wait")),
        "kept": (_("cannot be taken back"), Mark(_("Stays"), "lock", "bad")),
        "after_attempt": (_("is finishing its attempt, then undone"), Mark(_("Running"), "loader-2", "busy")),
    }
    steps = []
    for step in plan.steps:
        if step.how not in told:
            continue
        words, shown = told[step.how]
        if step.pool and step.how == "people":
            words = _("%(words)s (pool %(pool)s)") % {"words": words, "pool": step.pool}
        if step.follow_up:
            words = f"{words}. {step.follow_up}"
        steps.append(PlanStep(step.title, words, shown))
    return PlanView(steps, [step.title for step in plan.steps if step.how == "stopped"])
