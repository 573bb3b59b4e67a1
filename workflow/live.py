"""Where runs and tasks stand now, for the panel beside a ticket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from boss.core.actors import Actor
from ticketing.contracts import LiveCard, SubjectCard
from workflow import selectors
from workflow.choices import RunState, TaskState
from workflow.models import Run
from workflow.registry import run_subject_kinds

MOST_FOUND = 12
_RUN_TONES: dict[str, Any] = {RunState.RUNNING: "busy", RunState.COMPLETED: "ok", RunState.REVERSING: "wait"}
_TASK_TONES: dict[str, Any] = {
    TaskState.READY: "busy", TaskState.RUNNING: "busy", TaskState.WAITING: "wait", TaskState.ATTENTION: "bad",
    TaskState.DONE: "ok", TaskState.UNDO_ATTENTION: "bad",
}  # fmt: skip


def runs(actor: Actor, run_ids: Sequence[int]) -> Mapping[int, LiveCard]:
    """State, how many tasks are left, whether people are needed. Two statements."""
    return _cards(list(selectors.list_runs(actor).filter(pk__in=run_ids)))


def found_runs(actor: Actor, text: str) -> Sequence[LiveCard]:
    """The run of this id, or the newest runs about what people mean by a number or a name."""
    seen = selectors.list_runs(actor)
    by_id = _cards(list(seen.filter(public_id=text.strip().lower())))
    if by_id:
        return list(by_id.values())
    rows: list[Run] = []
    for key, kind in run_subject_kinds:
        meant = list(kind.find(actor, text))[:MOST_FOUND]
        rows += seen.filter(subject_kind=key, subject_id__in=meant)[:MOST_FOUND] if meant else []
    return list(_cards(rows[:MOST_FOUND]).values())


def identify_run(actor: Actor, public_id: str) -> int | None:
    rows = selectors.list_runs(actor).filter(public_id=public_id)
    found: int | None = rows.values_list("pk", flat=True).first()
    return found


def describe_run(run_id: int) -> SubjectCard:
    run = selectors.find_run(run_id)
    if run is None:
        return SubjectCard(_("A run that is gone"))
    return SubjectCard(run.version.definition.title, f"/console/runs/{run.public_id}/", (str(run.get_state_display()),))


def tasks(actor: Actor, task_ids: Sequence[int]) -> Mapping[int, LiveCard]:
    """The state of each task, with the run it is part of. One statement, and one for each definition's version."""
    rows = selectors.list_tasks_visible(actor).select_related("run__version__definition").filter(pk__in=task_ids)
    return {
        task.pk: LiveCard(
            task.run.public_id,
            selectors.title_of(task),
            f"/console/runs/{task.run.public_id}/",
            str(TaskState(task.state).label),
            _TASK_TONES.get(task.state, "idle"),
            (task.run.version.definition.title,),
        )
        for task in rows
    }


def _cards(rows: Sequence[Run]) -> dict[int, LiveCard]:
    stuck = selectors.find_needing_people([run.pk for run in rows if run.open_tasks])
    cards = {}
    for run in rows:
        needs = run.pk in stuck
        left = ngettext("%(n)s task to go", "%(n)s tasks to go", run.open_tasks) % {"n": run.open_tasks}
        cards[run.pk] = LiveCard(
            run.public_id,
            run.version.definition.title,
            f"/console/runs/{run.public_id}/",
            _("Needs a person") if needs else str(run.get_state_display()),
            "bad" if needs else _RUN_TONES.get(run.state, "idle"),
            (left,) if run.open_tasks else (),
        )
    return cards
