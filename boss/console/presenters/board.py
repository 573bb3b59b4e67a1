"""The board of runs as the console shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.console.presenters.marks import RUN, TASK, mark
from boss.console.presenters.runs import url_of
from boss.look.marks import Mark
from workflow.board import Counts, DefinitionCount, Position, Standing
from workflow.choices import NEEDS_PEOPLE

SHOWN_PLACES = 3

LATE = Mark(gettext_lazy("Late"), "clock", "bad")
NEEDS_A_PERSON = Mark(gettext_lazy("Needs a person"), "alert-triangle", "bad")


@dataclass(frozen=True, slots=True)
class Place:
    """One task a run stands at."""

    title: str
    mark: Mark
    since: datetime | None
    due_at: datetime | None
    is_late: bool
    error: str


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One run. ``badges`` are facts about its tasks; ``more`` counts places that are not shown."""

    public_id: str
    title: str
    subject: str
    url: str
    state: Mark
    badges: list[Mark]
    places: list[Place]
    more: int
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    done: int
    total: int
    is_open: bool
    needs_people: bool


def row(position: Position) -> BoardRow:
    run = position.run
    badges = [NEEDS_A_PERSON] if position.needs_people else []
    badges += [LATE] if position.is_late else []
    # What needs somebody comes first.
    tasks = sorted(position.tasks, key=lambda task: (task.state not in NEEDS_PEOPLE, not task.is_late))
    return BoardRow(
        public_id=run.public_id,
        title=position.title,
        subject=position.subject,
        url=url_of(run),
        state=mark(RUN, run.state),
        badges=badges,
        places=[_place(task) for task in tasks[:SHOWN_PLACES]],
        more=max(0, len(tasks) - SHOWN_PLACES),
        started_at=run.started_at,
        started_by=run.started_by,
        ended_at=run.ended_at,
        done=position.done,
        total=position.total,
        is_open=not run.is_closed,
        needs_people=position.needs_people,
    )


def _place(task: Standing) -> Place:
    shown = mark(TASK, task.state)
    if task.retry_at is not None:
        shown = Mark(_("Failed, tries again"), "rotate-clockwise", "wait")
    return Place(task.title, shown, task.since, task.due_at, task.is_late, task.error)


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that opens its runs."""

    key: str
    word: str
    number: int
    url: str
    mark: Mark | None
    is_current: bool


def board_url(**wanted: str) -> str:
    given = {key: value for key, value in wanted.items() if value}
    return f"{reverse('console:runs')}?{urlencode(given)}" if given else reverse("console:runs")


def tiles(counts: Counts, current: str) -> list[Tile]:
    """Open runs by what is to be known of them; closed ones are not counted, there are too many."""
    shown = (
        ("open", _("Open"), counts.open, None),
        ("attention", _("Need a person"), counts.needs_people, NEEDS_A_PERSON),
        ("late", _("Late"), counts.late, LATE),
        ("waiting", _("Waiting"), counts.waiting, None),
        ("running", _("At work"), counts.running, None),
        ("reversing", _("Being undone"), counts.reversing, None),
    )
    return [
        Tile(state, word, number, board_url(state=state), alarm if number else None, state == current)
        for state, word, number, alarm in shown
    ]


@dataclass(frozen=True, slots=True)
class PlaceLine:
    key: str
    title: str
    there: int
    late: int
    needs_people: int
    url: str
    late_url: str
    people_url: str


@dataclass(frozen=True, slots=True)
class DefinitionBlock:
    """One workflow: how many runs are open and where they stand."""

    key: str
    title: str
    open: int
    url: str
    lines: list[PlaceLine]


def blocks(counts: Counts) -> list[DefinitionBlock]:
    return [_block(definition) for definition in counts.definitions]


def _block(definition: DefinitionCount) -> DefinitionBlock:
    def line_url(task: str, state: str = "") -> str:
        return board_url(definition=definition.key, task=task, state=state)

    lines = [
        PlaceLine(
            place.task, place.title, place.there, place.late, place.needs_people, line_url(place.task),
            line_url(place.task, "late"), line_url(place.task, "attention"),
        )
        for place in definition.places
    ]  # fmt: skip
    return DefinitionBlock(
        definition.key, definition.title, definition.open, board_url(definition=definition.key), lines
    )
