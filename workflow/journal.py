"""The journal: what happened in a run, in sentences, in order, with when and who."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from workflow.engine import graphs
from workflow.models import Attempt, Run, RunEvent


@dataclass(frozen=True, slots=True)
class Sentence:
    """One line of the journal. ``task_key`` is empty for what concerns the whole run; ``kind`` is the event's.

    ``is_attempt`` marks the beginning of an attempt, which says little unless one looks closely;
    ``opens_ticket`` is the number of the ticket the line says was opened; ``log`` is what the work itself wrote, for
    the provider's people alone."""

    at: dt.datetime
    who: str
    text: str
    task_key: str = ""
    is_attempt: bool = False
    opens_ticket: str = ""
    kind: str = ""
    log: str = ""


TROUBLE = frozenset({"task.failed", "task.lost", "task.late", "task.ticket"})
"""Kinds of lines that say that something went wrong."""


def journal(run: Run) -> list[Sentence]:
    """All that happened to ``run`` so far: events, and the beginning of every attempt, the one under way as well."""
    titles = _titles(run)
    events = RunEvent.objects.filter(run=run).select_related("task").order_by("sequence")
    lines = [(event.at, event.sequence, _sentence(event, titles)) for event in events]
    for at, worker, number, key, is_undo in _begun(run):
        told = _("Attempt %(n)s to undo “%(task)s” began.") if is_undo else _("Attempt %(n)s of “%(task)s” began.")
        sentence = Sentence(
            at,
            worker or "BOSS",
            told % {"n": number, "task": titles.get(key, key)},
            key,
            is_attempt=True,
            kind="attempt",
        )
        lines.append((at, 0, sentence))
    lines.sort(key=lambda line: (line[0], line[1]))
    return [sentence for _at, _sequence, sentence in lines]


def journal_since(run: Run, sequence: int) -> list[Sentence]:
    """What happened to ``run`` after its event of this sequence, in order; beginnings of attempts are no events."""
    titles = _titles(run)
    events = RunEvent.objects.filter(run=run, sequence__gt=sequence).select_related("task").order_by("sequence")
    return [_sentence(event, titles) for event in events]


def _titles(run: Run) -> dict[str, str]:
    return {spec.key: spec.title for spec in graphs.of_run(run).tasks}


def _sentence(event: RunEvent, titles: dict[str, str]) -> Sentence:
    key = event.task.key if event.task else ""
    text = _SENTENCES[event.kind](titles.get(key, ""), event.data)
    opened = event.data.get("ticket", "") if event.kind in _OPENINGS else ""
    return Sentence(event.at, event.who, text, key, opens_ticket=opened, kind=event.kind, log=event.data.get("log", ""))


def _begun(run: Run) -> list[tuple[dt.datetime, str, int, str, bool]]:
    ended = Attempt.objects.filter(task__run=run).select_related("task")
    begun = [(a.started_at, a.worker, a.number, a.task.key, a.is_undo) for a in ended]
    under_way = run.tasks.filter(state__in=["running", "undoing"], started_at__isnull=False)
    begun += [(t.started_at, t.worker, t.attempt, t.key, t.state == "undoing") for t in under_way]
    return begun


Write = Callable[[str, dict[str, Any]], str]


def _time(text: str) -> str:
    at = parse_datetime(text) if text else None
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else ""


def _done(title: str, data: dict[str, Any]) -> str:
    told = _("“%(task)s” is done.") % {"task": title}
    return f"{told} {data['note']}" if data.get("note") else told


def _failed(title: str, data: dict[str, Any]) -> str:
    told = _("Undoing “%(task)s” failed: %(error)s") if data.get("undo") else _("“%(task)s” failed: %(error)s")
    text = told % {"task": title, "error": data.get("error", "")}
    if data.get("retry_at"):
        text += " " + _("It is tried again at %(time)s.") % {"time": _time(data["retry_at"])}
    return text


def _lost(title: str, data: dict[str, Any]) -> str:
    text = _("The worker at “%(task)s” was lost.") % {"task": title}
    if data.get("retry_at"):
        text += " " + _("It is tried again at %(time)s.") % {"time": _time(data["retry_at"])}
    return text


def _skipped(title: str, data: dict[str, Any]) -> str:
    reasons = {
        "condition": _("“%(task)s” was left out: its condition is not met."),
        "predecessors": _("“%(task)s” was left out: nothing leads to it."),
    }
    plain = reasons.get(data.get("reason", ""), _("“%(task)s” was skipped by hand."))
    return plain % {"task": title}


def _waiting(title: str, data: dict[str, Any]) -> str:
    text = _("“%(task)s” waits") % {"task": title}
    if data.get("signal"):
        text += " " + _("for the signal “%(name)s”") % {"name": data["signal"]}
    if data.get("until"):
        text += " " + _("until %(time)s") % {"time": _time(data["until"])}
    return f"{text}. {data.get('note', '')}".strip()


def _work(title: str, data: dict[str, Any]) -> str:
    told = (
        _("Ticket %(ticket)s: people undo “%(task)s”.")
        if data.get("undo")
        else _("Ticket %(ticket)s: “%(task)s” is people's work.")
    )
    return told % {"ticket": data.get("ticket", ""), "task": title}


def _kept(title: str, data: dict[str, Any]) -> str:
    return _("“%(task)s” is past its point of no return and stays. %(next)s") % {
        "task": title,
        "next": data.get("follow_up", ""),
    }


def _plain(sentence: str) -> Write:
    """A sentence whose only variable parts are the task's title and the event's own values."""
    return lambda title, data: _(sentence) % {"task": title, **{k: v for k, v in data.items() if k != "task"}}


def _noted(sentence: str) -> Write:
    return lambda title, data: " ".join(part for part in (_(sentence) % {"task": title}, data.get("note", "")) if part)


_OPENINGS = frozenset({"task.ticket", "task.work", "task.follow_up"})
_SENTENCES: dict[str, Write] = {
    "run.started": _plain("The run started (%(definition)s, version %(version)s)."),
    "run.completed": _plain("Everything is done: the run is completed."),
    "run.reversing": _plain("The run was turned round: %(reason)s"),
    "run.reversed": _plain("Everything is undone: the run is reversed."),
    "run.signal": _plain("The signal “%(signal)s” came."),
    "task.done": _done,
    "task.failed": _failed,
    "task.lost": _lost,
    "task.late": _plain("A late result of attempt %(attempt)s of “%(task)s” was refused."),
    "task.ticket": _plain("Ticket %(ticket)s was opened: “%(task)s” needs people."),
    "task.ticket_closed": _plain("Ticket %(ticket)s was closed; nobody needs to look at “%(task)s” any more."),
    "task.work": _work,
    "task.by_hand": _noted("“%(task)s” was completed by hand."),
    "task.signalled": _plain("“%(task)s” is done: its signal came."),
    "task.time_came": _plain("“%(task)s” is done: its time came."),
    "task.retried": _plain("“%(task)s” is to be tried again at once."),
    "task.skipped": _skipped,
    "task.waiting": _waiting,
    "task.woken": _plain("“%(task)s” goes on."),
    "run.taken_back": _plain("The run goes back to “%(to)s”: %(reason)s"),
    "run.amended": _plain("The run was amended: %(reason)s"),
    "run.moved": _plain("The run was moved from version %(before)s to version %(after)s."),
    "task.again": _plain("“%(task)s” is to be done again."),
    "task.parts": _plain("“%(task)s” started %(count)s × “%(definition)s”."),
    "task.parts_done": _plain("“%(task)s” is done: all its parts are completed (%(count)s)."),
    "task.undone": _noted("“%(task)s” is undone."),
    "task.undone_by_hand": _noted("“%(task)s” was undone by hand."),
    "task.nothing_to_undo": _plain("“%(task)s” had nothing to undo."),
    "task.kept": _kept,
    "task.follow_up": _plain("Ticket %(ticket)s follows up on “%(task)s”."),
}
