"""What the past teaches, as the console shows it: numbers that open their runs, and bars that say the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from boss.console.presenters.board import board_url
from boss.console.presenters.runs import url_of
from workflow.board import Position
from workflow.insight import InJeopardy, Learning, TaskLearning

LABEL_WIDTH, WIDTH, ROW = 230, 940, 30


def insight_url(key: str, days: int) -> str:
    return f"{reverse('console:insight_of', args=[key])}?days={days}"


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "—"


@dataclass(frozen=True, slots=True)
class Summary:
    """One workflow as a row; each ``_url`` opens the runs the number counts."""

    title: str
    url: str
    ended: int
    ended_url: str
    p50: float | None
    p90: float | None
    completed_url: str
    fallen: str
    fallen_url: str
    undone: str
    undone_url: str
    people_minutes: float | None
    people_url: str
    bottleneck: str
    bottleneck_seconds: float | None
    bottleneck_url: str


def summary(learned: Learning) -> Summary:
    def runs_url(state: str = "closed", **wanted: str) -> str:
        return board_url(definition=learned.key, state=state, sample=learned.sample.token, **wanted)

    slowest = learned.bottleneck
    return Summary(
        title=learned.title,
        url=insight_url(learned.key, learned.days),
        ended=learned.ended,
        ended_url=runs_url(),
        p50=learned.p50,
        p90=learned.p90,
        completed_url=runs_url("completed"),
        fallen=percent(learned.fallen, learned.ended),
        fallen_url=runs_url(happened="fallout"),
        undone=percent(learned.undone, learned.ended),
        undone_url=runs_url("reversed"),
        people_minutes=learned.people_seconds / 60 / learned.ended if learned.ended else None,
        people_url=runs_url(happened="people"),
        bottleneck=slowest.title if slowest else "",
        bottleneck_seconds=slowest.p50 if slowest else None,
        bottleneck_url=done_url(learned, slowest) if slowest else "",
    )


@dataclass(frozen=True, slots=True)
class TaskRow:
    key: str
    title: str
    kind: str
    on_path: bool
    is_bottleneck: bool
    done: int
    p50: float
    p90: float
    work: float
    done_url: str
    failed: int
    failed_url: str
    retried: int
    retried_url: str
    people_minutes: float
    people_url: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A task in the drawing: the median in full, up to the ninetieth of a hundred in outline."""

    title: str
    short: str
    text_y: float
    bar_y: float
    x: float
    median: float
    ninety: float
    on_path: bool
    words_x: float
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Chart:
    bars: list[Bar]
    height: float
    width: int = WIDTH


def rows(learned: Learning) -> list[TaskRow]:
    slowest = learned.bottleneck
    return [_row(learned, task, slowest is not None and task.key == slowest.key) for task in learned.tasks]


def done_url(learned: Learning, task: TaskLearning) -> str:
    """The runs from which the times of the task were taken."""
    return _task_runs_url(learned, task, "completed", "done")


def _task_runs_url(learned: Learning, task: TaskLearning, state: str, happened: str) -> str:
    return board_url(definition=learned.key, task=task.key, state=state, sample=learned.sample.token, happened=happened)


def _row(learned: Learning, task: TaskLearning, is_bottleneck: bool) -> TaskRow:
    def runs_url(happened: str) -> str:
        return _task_runs_url(learned, task, "closed", happened)

    return TaskRow(
        key=task.key,
        title=task.title,
        kind=task.kind,
        on_path=task.on_path,
        is_bottleneck=is_bottleneck,
        done=task.done,
        p50=task.p50,
        p90=task.p90,
        work=task.work_seconds,
        done_url=done_url(learned, task),
        failed=task.failed,
        failed_url=runs_url("fallout"),
        retried=task.retried,
        retried_url=runs_url("retried"),
        people_minutes=task.people_seconds / 60,
        people_url=runs_url("people"),
    )


def chart(learned: Learning, in_words: Callable[[float], str]) -> Chart:
    """Bars on one scale. ``in_words`` tells seconds as a length of time."""
    told = [task for task in learned.tasks if task.done]
    longest = max((task.p90 for task in told), default=0.0) or 1.0
    room = WIDTH - LABEL_WIDTH - 170
    bars = []
    for number, task in enumerate(told):
        y = number * ROW
        ninety = max(2.0, room * task.p90 / longest)
        words = _("%(half)s, at most %(ninety)s in nine of ten") % {
            "half": in_words(task.p50),
            "ninety": in_words(task.p90),
        }
        bars.append(
            Bar(
                title=f"{task.title}: {words}",
                short=task.title if len(task.title) <= 28 else f"{task.title[:27]}…",
                text_y=y + ROW / 2 + 4,
                bar_y=y + 8,
                x=LABEL_WIDTH,
                median=max(2.0, room * task.p50 / longest),
                ninety=ninety,
                on_path=task.on_path,
                words_x=LABEL_WIDTH + ninety + 8,
                words=f"{in_words(task.p50)} – {in_words(task.p90)}",
                url=done_url(learned, task),
            )
        )
    return Chart(bars, len(bars) * ROW + 4)


@dataclass(frozen=True, slots=True)
class LateLine:
    title: str
    url: str
    place: str
    expected: float
    over: float


def late_lines(found: list[InJeopardy], positions: list[Position]) -> list[LateLine]:
    """Runs that will probably be late, with where they stand."""
    known = {position.run.pk: position for position in positions}
    lines = []
    for one in found:
        position = known[one.run.pk]
        lines.append(
            LateLine(
                title=position.subject or f"{position.title} {one.run.public_id}",
                url=url_of(one.run),
                place=", ".join(task.title for task in position.tasks),
                expected=one.expected_seconds,
                over=one.over_seconds,
            )
        )
    return lines
