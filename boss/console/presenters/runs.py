"""Runs and their tasks as the console shows them."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

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
from workflow.engine.ledger import MACHINE
from workflow.journal import TROUBLE, Sentence, journal
from workflow.models import Attempt, Run, TaskRun
from workflow.registry import run_subject_kinds, task_handlers
from workflow.selectors import Graph, Node, Parts
from workflow.services import tasks as task_services
from workflow.values import for_people

JOURNAL_SHOWN = 12
JOURNAL_AT_MOST = 500


def url_of(run: Run) -> str:
    return reverse("console:run", args=[run.public_id])


def task_url(run: Run, key: str) -> str:
    return f"{url_of(run)}?task={key}#task"


def part_of(task: TaskRun) -> tuple[str, str]:
    """The run and task this run is a part of, in words, and where they are."""
    title = _("%(run)s, “%(task)s”") % {"run": task.run.version.definition.title, "task": selectors.title_of(task)}
    return title, task_url(task.run, task.key)


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
class JournalLook:
    """What of the journal somebody wants to see: ``what`` ("", "trouble", "people"), about which task, and how far."""

    what: str = ""
    about: str = ""
    whole: bool = False

    @property
    def asked(self) -> dict[str, str]:
        given = {"what": self.what, "about": self.about, "journal": "all" if self.whole else ""}
        return {name: value for name, value in given.items() if value}

    def shows(self, sentence: Sentence) -> bool:
        if self.about and sentence.task_key != self.about:
            return False
        if self.what == "trouble":
            return sentence.kind in TROUBLE
        return self.what != "people" or (not sentence.is_attempt and sentence.who != MACHINE)


@dataclass(frozen=True, slots=True)
class Story:
    """The journal, newest first. ``more`` counts what is not shown."""

    entries: list[Entry]
    more: int


def story(run: Run, look: JournalLook | None = None) -> Story:
    """The latest of the journal, or (nearly) all of it, as far as it is asked for."""
    look = look or JournalLook()
    sentences = [sentence for sentence in journal(run) if look.shows(sentence)]
    shown = sentences[-(JOURNAL_AT_MOST if look.whole else JOURNAL_SHOWN) :]
    return Story([_entry(sentence) for sentence in reversed(shown)], len(sentences) - len(shown))


@dataclass(frozen=True, slots=True)
class Live:
    """The part of a run's page that changes while one looks. ``token`` changes with it."""

    run: Run
    state: Mark
    is_open: bool
    picture: Picture
    nodes: list[tuple[Node, Mark, str]]
    done: int
    total: int
    attention: list[tuple[Node, str]]
    people: list[tuple[Node, str]]
    parts: list[PartGroup]
    token: str
    live_url: str


def _ticket_url(node: Node) -> str:
    return reverse("console:ticket", args=[node.ticket_address]) if node.ticket_address else ""


def live(run: Run, graph: Graph, chosen: str = "", *, look: JournalLook | None = None) -> Live:
    ended = REVERSE_END if run.state in (RunState.REVERSING, RunState.REVERSED) else FORWARD_END
    parts = selectors.list_parts(run)
    asked = {"task": chosen, **(look or JournalLook()).asked}
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
        parts=[_part_group(group) for group in parts],
        token=selectors.pulse_of(run, graph, parts).token,
        live_url=f"{reverse('console:run_live', args=[run.public_id])}?{urlencode(asked)}",
    )


@dataclass(frozen=True, slots=True)
class PartLine:
    """One of the runs within a run."""

    title: str
    url: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class PartGroup:
    """The runs one task started: how many in which state, the first of them, and how many are not shown."""

    key: str
    title: str
    counts: list[tuple[int, Mark]]
    lines: list[PartLine]
    more: int


def _part_group(parts: Parts) -> PartGroup:
    lines = []
    for part, needs_people in parts.shown:
        title = str(part.version.definition.title)
        if parts.total > 1 and part.index is not None:
            title = _("%(title)s, number %(n)s") % {"title": title, "n": part.index + 1}
        shown = mark(TASK, TaskState.ATTENTION) if needs_people else mark(RUN, part.state)
        lines.append(PartLine(title, url_of(part), shown))
    counts = [(count, mark(RUN, state)) for state, count in sorted(parts.counts.items())]
    return PartGroup(parts.key, parts.title, counts, lines, parts.total - len(lines))


def told(run: Run, tickets: Container[str] = ()) -> list[Entry]:
    """What happened in the run for an account's timeline: without the beginning of every attempt, and without the
    opening of ``tickets`` (numbers), which the timeline tells itself."""
    return [
        _entry(sentence)
        for sentence in journal(run)
        if not sentence.is_attempt and sentence.opens_ticket not in tickets
    ]


def _entry(sentence: Sentence) -> Entry:
    return Entry(sentence.at, sentence.text, sentence_mark(sentence), sentence.who, log=sentence.log)


_SENTENCE_MARKS = {
    "attempt": Mark("", "clock", "idle"),
    "run.completed": Mark("", "circle-check", "ok"),
    "run.reversing": Mark("", "arrow-back-up", "undo"),
    "run.reversed": Mark("", "arrow-back-up", "undo"),
    "task.done": Mark("", "check", "ok"),
    "task.by_hand": Mark("", "user", "ok"),
    "task.failed": Mark("", "x", "bad"),
    "task.lost": Mark("", "plug-connected", "bad"),
    "task.ticket": Mark("", "ticket", "bad"),
    "task.work": Mark("", "ticket", "wait"),
    "task.waiting": Mark("", "hourglass", "wait"),
    "task.retried": Mark("", "rotate-clockwise", "busy"),
    "task.undone": Mark("", "arrow-back-up", "undo"),
    "task.undone_by_hand": Mark("", "user", "undo"),
    "task.kept": Mark("", "lock", "wait"),
}


def sentence_mark(sentence: Sentence) -> Mark:
    """The icon a line of the journal stands under."""
    return _SENTENCE_MARKS.get(sentence.kind, Mark("", "circle-dot", "idle"))


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
    may_send_back: bool


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
        may_send_back=spec.return_point
        and run.state == RunState.RUNNING
        and run.taken_back is None
        and task.state != TaskState.PENDING,
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
