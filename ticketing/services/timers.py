"""The moments of a clock's steps: written when it begins, moved with it, given up when it stops."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from ticketing import policies
from ticketing.models import EscalationTimer, PolicyVersion, SlaClock, Ticket
from ticketing.sla import ladders
from ticketing.sla.kinds import PolicyKind
from ticketing.sla.reckoning import Recorded


def begin(ticket: Ticket, clocks: Iterable[tuple[SlaClock, Recorded]], now: dt.datetime) -> None:
    """Write the steps of the ladder that holds for the ticket's category now. One statement where there is none."""
    version = policies.version_for(PolicyKind.ESCALATION, ticket.category_id)
    if version is None:
        return
    steps = ladders.read(version.rules).steps
    EscalationTimer.objects.bulk_create(
        EscalationTimer(clock=clock, policy_version=version, step=index, due_at=step.instant(known, now))
        for clock, known in clocks
        for index, step in enumerate(steps)
        if step.clock == clock.kind
    )


def renew(clocks: Iterable[tuple[SlaClock, Recorded]], version: PolicyVersion, now: dt.datetime) -> bool:
    """Let the steps of another version hold for clocks that run, those that were taken aside. Whether any is new.

    A step whose moment has passed is taken at the next look.
    """
    known = list(clocks)
    steps = ladders.read(version.rules).steps
    rows = EscalationTimer.objects.filter(clock__in=[clock for clock, _told in known])
    held = {(timer.clock_id, timer.step): timer for timer in rows}
    made, changed = [], []
    for clock, told in known:
        for index, step in enumerate(steps):
            due_at = step.instant(told, now) if step.clock == clock.kind else None
            timer = held.pop((clock.pk, index), None)
            if timer is None and step.clock == clock.kind:
                made.append(EscalationTimer(clock=clock, policy_version=version, step=index, due_at=due_at))
            elif timer is not None and timer.fired_at is None:
                timer.policy_version, timer.due_at = version, due_at
                changed.append(timer)
    for timer in held.values():  # steps there are no more
        timer.due_at = None
        changed.append(timer)
    EscalationTimer.objects.bulk_create(made)
    EscalationTimer.objects.bulk_update(changed, ["policy_version", "due_at"])
    return bool(made or changed)


def follow(clocks: Iterable[tuple[SlaClock, Recorded]], now: dt.datetime) -> None:
    """Move the steps that were not fired to where their clocks are now. One statement where there are none."""
    known = {clock.pk: (clock, told) for clock, told in clocks}
    waiting = EscalationTimer.objects.filter(clock__in=list(known), fired_at=None).select_related("policy_version")
    moved = []
    for timer in waiting:
        clock, told = known[timer.clock_id]
        step = ladders.read(timer.policy_version.rules).steps[timer.step]
        due_at = step.instant(told, now) if clock.stopped_at is None else None
        if due_at != timer.due_at:
            timer.due_at = due_at
            moved.append(timer)
    EscalationTimer.objects.bulk_update(moved, ["due_at"])
