"""What tickets about tasks are: the subject kind ``workflow.task`` and the ways its tickets end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from boss.core.actors import Actor
from boss.core.schema import Characteristic
from ticketing.contracts import Outcome, SubjectCard, SubjectKind
from ticketing.models import Ticket
from ticketing.registry import subject_kinds
from workflow import checks, live, macros
from workflow.choices import RunState, TaskState
from workflow.engine import graphs, ledger
from workflow.engine.people import SUBJECT_KIND
from workflow.models import TaskRun
from workflow.registry import run_subject_kinds
from workflow.services import runs, tasks


def _find(subject_id: int) -> TaskRun | None:
    task: TaskRun | None = TaskRun.objects.select_related("run__version__definition").filter(pk=subject_id).first()
    return task


def describe(subject_id: int) -> SubjectCard:
    """The task, its run and what the run is about."""
    task = _find(subject_id)
    if task is None:
        return SubjectCard(label=str(_("A task that is gone")))
    spec = graphs.of_run(task.run).tasks[task.position]
    lines = [f"{task.run.version.definition.title} · {TaskState(task.state).label}"]
    url = f"/console/runs/{task.run.public_id}/"
    kind = run_subject_kinds.find(task.run.subject_kind)
    if kind is not None and task.run.subject_id is not None:
        lines.append(f"{kind.title}: {kind.label(task.run.subject_id)}")
    if task.error:
        lines.append(task.error[:300])
    return SubjectCard(label=spec.title, url=url, lines=tuple(lines))


def outcomes(ticket: Ticket) -> Sequence[Outcome]:
    """How the ticket may end now. None when its task does not wait for people any more: then it ends freely."""
    task = _find(ticket.subject_id) if ticket.subject_id is not None else None
    if task is None or not tasks.is_with_people(task):
        return ()
    spec = graphs.of_run(task.run).tasks[task.position]
    wanted: tuple[Characteristic, ...] = () if task.is_undo else checks.outputs_of(spec)
    found = [Outcome("done", _("Undone by hand") if task.is_undo else _("Done"), wanted)]
    if task.state in (TaskState.ATTENTION, TaskState.UNDO_ATTENTION):
        found.append(Outcome("retry", _("Try again")))
    if spec.skippable and not task.is_undo and task.run.state == RunState.RUNNING:
        found.append(Outcome("skip", _("Skip this task")))
    # Where an undo has failed, reversing the rest would not do it either: its ticket stays until it is undone.
    if task.run.state == RunState.RUNNING and not task.is_undo:
        found.append(
            Outcome(
                "undo",
                _("Cannot be done: reverse everything"),
                (Characteristic("reason", "long_text", label="Reason", required=True),),
                needs_confirmation=True,
                help=_("Every effect of this run is undone, in reverse order. There is no way back."),
            )
        )
    return found


def resolved(actor: Actor, ticket: Ticket, outcome_key: str, values: Mapping[str, Any]) -> None:
    """Does to the task what the outcome says, in the transaction that resolves the ticket."""
    task = _find(ticket.subject_id) if ticket.subject_id is not None else None
    if task is None or not outcome_key:
        return
    if outcome_key == "done":
        tasks.complete_by_hand(actor=actor, task=task, outputs=values, through_ticket=True)
    elif outcome_key == "retry":
        tasks.retry(actor=actor, task=task, through_ticket=True)
    elif outcome_key == "skip":
        tasks.skip(actor=actor, task=task, through_ticket=True)
    elif outcome_key == "undo":
        runs.reverse(actor=actor, run=task.run, reason=str(values.get("reason", "")))


def lock(subject_id: int) -> None:
    """The run's lock, taken before the ticket's: the engine opens and closes tickets while it holds it."""
    run_id = TaskRun.objects.filter(pk=subject_id).values_list("run_id", flat=True).first()
    if run_id is not None:
        ledger.lock_run(run_id)


def account_id(subject_id: int) -> int | None:
    """The account of the run's subject, if that room knows accounts."""
    task = _find(subject_id)
    kind = run_subject_kinds.find(task.run.subject_kind) if task else None
    if task is None or kind is None or task.run.subject_id is None:
        return None
    return kind.account_id(task.run.subject_id)


def register() -> None:
    """Called when Django is ready."""
    subject_kinds.register(
        SUBJECT_KIND,
        SubjectKind(
            key=SUBJECT_KIND,
            title=_("Workflow task"),
            describe=describe,
            outcomes=outcomes,
            resolved=resolved,
            lock=lock,
            account_id=account_id,
            live=live.tasks,
            rule_run=macros.rule_run,
        ),
    )
    subject_kinds.register(
        "workflow.run",
        SubjectKind(
            key="workflow.run",
            title=_("Workflow run"),
            describe=live.describe_run,
            live=live.runs,
            search=live.found_runs,
            identify=live.identify_run,
        ),
    )
