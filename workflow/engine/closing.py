"""The end of a run: its subject moves in the same transaction, everybody else hears of it after commit."""

from __future__ import annotations

from boss.core import events
from boss.core.actors import Actor
from workflow.contracts import RunEnd
from workflow.events import PartClosed, RunCompleted, RunReversed
from workflow.models import Run
from workflow.registry import run_subject_kinds


def closed(realm_id: int, run_id: int, subject: tuple[str, int] | None, parent_id: int | None, end: RunEnd) -> None:
    """Tell the subject's room, atomically, and publish the fact. The run's row has its final state already.

    The end of a part is told to the whole only, and after commit: a parent locks its parts, never the other way.
    """
    if parent_id is not None:
        events.publish(PartClosed(run_id=run_id, task_id=parent_id))
        return
    kind_key, subject_id = subject or ("", 0)
    kind = run_subject_kinds.find(kind_key)
    if kind is not None:
        kind.closed(Actor.system(realm_id), Run.objects.select_related("version__definition").get(pk=run_id), end)
    fact = RunCompleted if end == "completed" else RunReversed
    events.publish(fact(run_id=run_id, subject_kind=kind_key, subject_id=subject_id))
