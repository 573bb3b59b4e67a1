"""Telling a run something from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from workflow.choices import RunState, TaskKind, TaskState
from workflow.engine import ledger, outcomes, waits
from workflow.errors import RunIsClosed
from workflow.models import Run, Signal


@service
def send(*, actor: Actor, run: Run, name: str, payload: Mapping[str, Any] | None = None, key: str = "") -> Signal:
    """Send a signal. A task that waits for it goes on; otherwise it is kept until one asks. The same ``key`` counts
    once: sending it again gives the first signal. Raises :class:`RunIsClosed`, :class:`InvalidInput` without a name.
    """
    with ledger.open_run(run.pk) as book:
        require(actor, "workflow.signal_run", book.run)

        if not name.strip() or len(name) > 80:
            raise InvalidInput(fields={"name": [_("A signal has a name of at most 80 characters.")]})
        known = Signal.objects.filter(run=book.run, key=key).first() if key else None
        if known is not None:
            first: Signal = known
            return first
        if book.run.is_closed:
            raise RunIsClosed

        signal: Signal = Signal.objects.create(
            run=book.run, name=name, key=key, payload=dict(payload or {}), sent_by=actor.label[:200]
        )
        book.note("run.signal", who=actor.label, signal=name)
        waiting = (TaskState.WAITING, TaskState.UNDO_WAITING)
        task = next((task for task in book.tasks if task.state in waiting and task.waiting_for == name), None)
        if task is not None:
            taken = outcomes.take_signal(task, name) or {}
            if task.kind == TaskKind.WAIT and book.run.state == RunState.RUNNING:
                waits.signalled(book, task, taken, who=actor.label)
            else:
                outcomes.wake(book, task, taken)

    audit.record(actor=actor, action="run.signalled", subject=book.run, after={"signal": name})
    signal.refresh_from_db()
    return signal
