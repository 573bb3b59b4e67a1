"""My tasks: one piece of workflow work as the person who does it sees it, and how the work goes in his pools."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from boss.console.presenters import runs as present_runs
from boss.console.presenters.marks import TASK, mark
from boss.console.presenters.runs import Subject, Try
from boss.console.presenters.words import pairs
from boss.core import clock
from boss.look.marks import Mark
from ticketing.models import Ticket
from ticketing.selectors import PoolThroughput
from workflow.models import TaskRun


def url_of_task(ticket: Ticket) -> str:
    return reverse("console:my_task", args=[ticket.public_id])


@dataclass(frozen=True, slots=True)
class Line:
    """One piece of work in a list."""

    title: str
    number: str
    url: str
    pool: str
    opened_at: datetime
    due_at: datetime | None
    is_late: bool


def line(ticket: Ticket) -> Line:
    return Line(
        title=ticket.title,
        number=ticket.number,
        url=url_of_task(ticket),
        pool=ticket.pool.name if ticket.pool else "",
        opened_at=ticket.opened_at,
        due_at=ticket.due_at,
        is_late=bool(ticket.due_at and ticket.due_at < clock.now()),
    )


@dataclass(frozen=True, slots=True)
class Pool:
    name: str
    key: str
    waiting: int
    oldest_at: datetime | None
    taken: int
    done: int
    done_by_me: int


def pool(row: PoolThroughput) -> Pool:
    return Pool(row.pool.name, row.pool.key, row.waiting, row.oldest_at, row.taken, row.done, row.done_by_me)


@dataclass(frozen=True, slots=True)
class Work:
    """The starting information of one task: what it belongs to, what is known, what went wrong if anything did."""

    workflow: str
    run_url: str
    subject: Subject | None
    state: Mark
    instructions: str
    sentence: str
    known: list[tuple[str, str]]
    done_before: list[tuple[str, str]]
    error: str
    tries: list[Try]


def work(task: TaskRun) -> Work:
    panel = present_runs.panel(task)
    return Work(
        workflow=task.run.version.definition.title,
        run_url=present_runs.task_url(task.run, task.key),
        subject=present_runs.subject_of(task.run),
        state=mark(TASK, task.state),
        instructions=panel.instructions,
        sentence=panel.sentence,
        known=panel.inputs,
        # Who undoes something must know what was done.
        done_before=pairs(task.run.outputs.get(task.key, {})) if task.is_undo else [],
        error=task.error,
        tries=panel.tries,
    )
