"""Work for people: the tickets the engine opens, always in the transaction that needs them, one per task and matter."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.utils.translation import gettext as _

from boss.core import events
from boss.core.actors import Actor
from ticketing import selectors as desk
from ticketing.choices import OPEN_STATES, CategoryKind, Priority
from ticketing.models import Ticket
from ticketing.registry import subject_kinds
from ticketing.services import categories, tickets
from workflow.engine import times
from workflow.engine.ledger import Book
from workflow.events import TaskNeedsAttention
from workflow.graph import TaskSpec
from workflow.models import Attempt, TaskRun
from workflow.registry import run_subject_kinds
from workflow.values import for_people

SUBJECT_KIND = "workflow.task"
FALLOUT_CATEGORY = "workflow-fallout"
WORK_CATEGORY = "workflow-work"


def dedupe_key(task: TaskRun, matter: str = "") -> str:
    """One open ticket per task and matter ("", "undo", "follow-up", "late", "end")."""
    return ":".join(part for part in (SUBJECT_KIND, str(task.pk), matter) if part)


def ask_about_failure(book: Book, task: TaskRun) -> Ticket:
    """The task (or its undo) cannot go on by itself. Opens its ticket with all a person needs."""
    spec = book.spec(task)
    undo = task.is_undo
    title = _("Undo of “%(task)s” failed") if undo else _("“%(task)s” failed")
    ticket = _open(
        book, task, FALLOUT_CATEGORY, title % {"task": spec.title}, _failure_text(book, task, spec),
        matter="undo" if undo else "", category=spec.category if undo or spec.kind == "automated" else "",
        priority=Priority.HIGH,
    )  # fmt: skip
    book.note("task.ticket", task, ticket=ticket.number, error=task.error, undo=undo)
    events.publish(TaskNeedsAttention(task_id=task.pk, ticket_id=ticket.pk))
    return ticket


def give_work(book: Book, task: TaskRun, inputs: dict[str, Any], *, undo: bool) -> Ticket:
    """A manual task's ticket, or that of a task people must undo."""
    spec = book.spec(task)
    title = _("Undo: %(task)s") % {"task": spec.title} if undo else spec.title
    instructions = spec.undo_instructions if undo else spec.instructions
    lines = [instructions, *_about(book), *_values(_("What is known"), inputs)]
    if undo:
        lines += _values(_("What was done"), book.run.outputs.get(task.key, {}))
    due_at = times.after(book, spec.target_seconds, spec.calendar) if spec.target_seconds else None
    ticket = _open(
        book, task, WORK_CATEGORY, title, "\n".join(line for line in lines if line), matter="undo" if undo else "",
        category=spec.category, due_at=due_at,
    )  # fmt: skip
    book.note("task.work", task, ticket=ticket.number, undo=undo, pool=spec.pool)
    return ticket


def ask_follow_up(book: Book, task: TaskRun) -> None:
    """The run is reversed past this task's point of no return: people get the follow-up it names."""
    spec = book.spec(task)
    ticket = _open(
        book, task, WORK_CATEGORY, _("Follow up: %(task)s") % {"task": spec.title},
        "\n".join([spec.follow_up, *_about(book)]), matter="follow-up", category=spec.category, free=True,
    )  # fmt: skip
    book.note("task.follow_up", task, ticket=ticket.number)


def ask_about_late_effect(book: Book, task: TaskRun) -> None:
    """A worker believed lost came back after its task had been undone: people look whether something is left."""
    title = book.spec(task).title
    text = _("A worker came back after “%(task)s” had been undone. Look whether something of it is left.")
    ticket = _open(
        book, task, FALLOUT_CATEGORY, _("Late: %(task)s") % {"task": title},
        "\n".join([text % {"task": title}, *_about(book), *_values(_("Inputs"), task.inputs)]),
        matter="late", free=True,
    )  # fmt: skip
    book.note("task.follow_up", task, ticket=ticket.number)


def ask_about_refused_end(book: Book, task: TaskRun, error: str) -> None:
    """A run cannot come to its end behind this task, as the room of its subject refuses. It is tried again and again
    meanwhile; one ticket says what stands in the way."""
    if Ticket.objects.filter(dedupe_key=dedupe_key(task, "end"), state__in=OPEN_STATES).exists():
        return
    title = book.spec(task).title
    ticket = _open(
        book, task, FALLOUT_CATEGORY, _("The end of a workflow is refused after “%(task)s”") % {"task": title},
        "\n".join([f"{_('Last error')}: {error}", *_about(book)]), matter="end", priority=Priority.HIGH, free=True,
    )  # fmt: skip
    book.note("task.follow_up", task, ticket=ticket.number)


def withdraw_refused_end(book: Book, task: TaskRun) -> None:
    """What stood in the way of the run's end is gone."""
    reason = _("The workflow went on.")
    tickets.close_obsolete(actor=_machine(book), dedupe_key=dedupe_key(task, "end"), reason=reason)


def withdraw(book: Book, task: TaskRun, *, reason: str) -> None:
    """Close the ticket of a task that nobody needs to look at any more."""
    if task.ticket_id is None:
        return
    reasons = {
        "reversed": _("The run was reversed."),
        "taken_back": _("The task was taken back; it may be done again."),
        "settled": _("The task was settled elsewhere."),
    }
    for matter in ("", "undo"):
        closed = tickets.close_obsolete(
            actor=_machine(book), dedupe_key=dedupe_key(task, matter), reason=reasons[reason]
        )
        if closed is not None:
            book.note("task.ticket_closed", task, ticket=closed.number, reason=reason)
    task.ticket = None


def _open(
    book: Book, task: TaskRun, default_category: str, title: str, body: str, *, matter: str, category: str = "",
    priority: int | None = None, due_at: dt.datetime | None = None, free: bool = False,
) -> Ticket:  # fmt: skip
    spec = book.spec(task)
    links = _links(book)
    ticket = tickets.open(
        actor=_machine(book),
        category_key=_category(book, category, default_category),
        title=title,
        body=body,
        # A follow-up ends as people see fit; the others end by what they do to the task.
        subject=None if free else (SUBJECT_KIND, task.pk),
        pool_key=spec.pool if spec.pool and desk.find_pool(spec.pool) else None,
        priority=priority,
        dedupe_key=dedupe_key(task, matter),
        due_at=due_at,
        links=[*links, (SUBJECT_KIND, task.pk)] if free else links,
    )
    if not free:
        task.ticket = ticket
    return ticket


def _machine(book: Book) -> Actor:
    return Actor.system(book.run.realm_id)


def _links(book: Book) -> list[tuple[str, int]]:
    """What the run is about, where tickets can be about such things."""
    subject = book.run.subject
    return [subject] if subject is not None and subject[0] in subject_kinds else []


def _category(book: Book, wanted: str, default: str) -> str:
    """The wanted category, else the engine's own, made on first use: a ticket must never fail for want of one."""
    if wanted:
        found = desk.find_category(wanted)
        if found is not None and not found.is_archived:
            return wanted
    if desk.find_category(default) is None:
        work = default == WORK_CATEGORY
        categories.create(
            actor=_machine(book),
            key=default,
            name=_("Workflow task") if work else _("Workflow fallout"),
            kind=CategoryKind.WORK if work else CategoryKind.FALLOUT,
        )
    return default


def _about(book: Book) -> list[str]:
    kind = run_subject_kinds.find(book.run.subject_kind)
    lines = [f"{_('Workflow')}: {book.graph.title} ({book.run.public_id})"]
    if kind is not None and book.run.subject_id is not None:
        lines.append(f"{kind.title}: {kind.label(book.run.subject_id)}")
    return lines


def _values(heading: str, values: dict[str, Any]) -> list[str]:
    shown = for_people(values)
    return [f"{heading}:", *(f"  {key}: {_short(value)}" for key, value in shown.items())] if shown else []


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 300 else text[:299] + "…"


def _failure_text(book: Book, task: TaskRun, spec: TaskSpec) -> str:
    lines = [
        _("“%(task)s” has failed and BOSS will not try again by itself.") % {"task": spec.title},
        f"{_('Last error')}: {task.error}",
        *_about(book),
        *_values(_("Inputs"), task.inputs),
        f"{_('Attempts')}:",
    ]
    attempts = Attempt.objects.filter(task=task).order_by("-number")[:10]
    lines += [f"  {a.number}. {a.started_at:%Y-%m-%d %H:%M:%S} UTC {a.outcome}: {_short(a.error)}" for a in attempts]
    if spec.instructions:
        lines += ["", spec.instructions]
    return "\n".join(lines)
