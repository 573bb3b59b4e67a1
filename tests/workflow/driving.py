"""Drives runs without Celery: does in this process what workers and the sweeper do, until nothing is due any more.

For tests inside the rolled-back transaction. Other rooms' tests may use it: ``drive(realm_id)`` after something that
started a run.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from boss.core import relay, scoping
from workflow.choices import CLAIMABLE, CLAIMED
from workflow.engine import ledger, loop, sweeper
from workflow.models import TaskRun

MOST_STEPS = 5000


def drive(
    realm_id: int,
    *,
    hurry: bool = True,
    leases: bool = False,
    chooser: random.Random | None = None,
    before_each: Callable[[], None] | None = None,
    most: int = MOST_STEPS,
) -> int:
    """Perform what is due until nothing is. Returns how many steps were made.

    ``hurry`` lets the time of every retry and timer come at once, ``leases`` that of every lease as well (as if all
    workers were dead). ``chooser`` takes due tasks in random order. ``most`` ends the drive early.
    """
    steps = 0
    while steps < most:
        if before_each is not None:
            before_each()
        # Time is moved on when nothing else is due, and now and then before: retries then overtake other work.
        early = chooser is not None and chooser.random() < 0.2
        due = due_tasks(realm_id, hurry=hurry and early, leases=leases and early)
        if not due and not early:
            due = due_tasks(realm_id, hurry=hurry, leases=leases)
        if not due:
            # Ends of parts are told to their wholes as facts.
            if relay.deliver_due(realm_id):
                continue
            break
        task_id, run_id, state = chooser.choice(due) if chooser else due[0]
        if state in CLAIMABLE:
            loop.advance(realm_id, task_id)
        else:
            with scoping.realm_transaction(realm_id, "test"):
                sweeper.settle_due(run_id, task_id)
        steps += 1
    return steps


def due_tasks(realm_id: int, *, hurry: bool, leases: bool) -> list[tuple[int, int, str]]:
    """Task, run and state of what may be done now."""
    with scoping.realm_transaction(realm_id, "test"):
        now = ledger.database_now()
        if hurry:
            TaskRun.objects.filter(not_before__gt=now).update(not_before=now)
            waiting = TaskRun.objects.filter(due_at__gt=now).exclude(state__in=CLAIMED)
            waiting.update(due_at=now)
        if leases:
            TaskRun.objects.filter(due_at__gt=now, state__in=CLAIMED).update(due_at=now)
        ready = TaskRun.objects.filter(state__in=CLAIMABLE).exclude(not_before__gt=now)
        others = TaskRun.objects.filter(due_at__lte=now).exclude(state__in=CLAIMABLE)
        rows = [*ready.order_by("id"), *others.order_by("id")]
        return [(task.pk, task.run_id, task.state) for task in rows]
