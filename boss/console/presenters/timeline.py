"""A run over time: a line for each task with its attempts, as shapes for the template and as a table."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.translation import gettext as _

from boss.console.presenters.marks import ATTEMPT, TASK, mark
from boss.console.presenters.runs import task_url
from boss.core import clock
from boss.look.marks import Mark
from workflow.models import Attempt, Run
from workflow.selectors import Graph, Node

LABEL_WIDTH, WIDTH, ROW = 200, 900, 26
LEAST = 4.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time: ``x`` and ``width`` in the drawing's units."""

    x: float
    width: float
    tone: str
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """One task: how long it went on, and its attempts on top of it."""

    title: str
    short: str
    url: str
    y: float
    text_y: float
    bar_y: float
    span: Bar | None
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Told:
    """One attempt as a row of the table."""

    title: str
    number: int
    is_undo: bool
    at: dt.datetime
    seconds: float
    worker: str
    mark: Mark
    error: str


@dataclass(frozen=True, slots=True)
class Timeline:
    lines: list[Line]
    told: list[Told]
    begins: dt.datetime
    ends: dt.datetime
    height: float
    width: int = WIDTH
    label_width: int = LABEL_WIDTH
    row: int = ROW


def timeline(run: Run, graph: Graph, attempts: list[Attempt]) -> Timeline:
    """Tasks that have begun, in the order of the graph."""
    ends = run.ended_at or clock.now()
    whole = max((ends - run.started_at).total_seconds(), 0.001)

    def bar(begin: dt.datetime, end: dt.datetime, tone: str, label: str) -> Bar:
        room = WIDTH - LABEL_WIDTH - 10
        x = LABEL_WIDTH + room * max(0.0, (begin - run.started_at).total_seconds()) / whole
        width = max(LEAST, room * (end - begin).total_seconds() / whole)
        return Bar(min(x, WIDTH - LEAST - 5), width, tone, label)

    by_task: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        by_task.setdefault(attempt.task.key, []).append(attempt)
    lines: list[Line] = []
    for node in graph.nodes:
        tried = by_task.get(node.key, [])
        begun = tried[0].started_at if tried else node.started_at
        if begun is None:
            continue
        y = len(lines) * ROW
        shown = mark(TASK, node.state)
        bars = [
            bar(
                attempt.started_at,
                attempt.ended_at,
                mark(ATTEMPT, attempt.outcome).tone if not attempt.is_undo else "undo",
                _("Attempt %(n)s: %(outcome)s") % {"n": attempt.number, "outcome": mark(ATTEMPT, attempt.outcome).word},
            )
            for attempt in tried
        ]
        last = node.ended_at or ends
        lines.append(
            Line(
                title=node.title,
                short=node.title if len(node.title) <= 28 else f"{node.title[:27]}…",
                url=task_url(run, node.key),
                y=y,
                text_y=y + ROW / 2 + 4,
                bar_y=y + 6,
                span=bar(begun, last, shown.tone, f"{node.title}: {shown.word}") if last > begun else None,
                bars=bars,
            )
        )
    return Timeline(lines, _told(graph, attempts), run.started_at, ends, height=len(lines) * ROW + 4)


def _told(graph: Graph, attempts: list[Attempt]) -> list[Told]:
    nodes: dict[str, Node] = {node.key: node for node in graph.nodes}
    return [
        Told(
            title=nodes[attempt.task.key].title,
            number=attempt.number,
            is_undo=attempt.is_undo,
            at=attempt.started_at,
            seconds=(attempt.ended_at - attempt.started_at).total_seconds(),
            worker=attempt.worker,
            mark=mark(ATTEMPT, attempt.outcome),
            error=attempt.error,
        )
        for attempt in attempts
    ]
