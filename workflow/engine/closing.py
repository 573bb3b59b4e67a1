"""The end of a run: its subject moves in the same transaction, everybody else hears of it after commit."""

from __future__ import annotations

from boss.core import events
from boss.core.actors import Actor
from workflow.contracts import RunEnd
from workflow.events import RunCompleted, RunReversed
from workflow.models import Run
from workflow.registry import run_subject_kinds


def closed(run: Run, end: RunEnd) -> None:
    """Tell the subject's room, atomically, and publish the fact."""
    kind = run_subject_kinds.find(run.subject_kind)
    if kind is not None:
        kind.closed(Actor.system(run.realm_id), run, end)
    fact = RunCompleted if end == "completed" else RunReversed
    events.publish(fact(run_id=run.pk, subject_kind=run.subject_kind, subject_id=run.subject_id or 0))
