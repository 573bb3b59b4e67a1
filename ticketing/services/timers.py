"""The moments of a clock's steps: written when it begins, moved with it, given up when it stops."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from ticketing import policies
from ticketing.models import EscalationTimer, SlaClock, Ticket
from ticketing.sla import ladders
from ticketing.sla.kinds import PolicyKind
from ticketing.sla.reckoning import Recorded


def begin(ticket: Ticket, clocks: Iterable[tuple[SlaClock, Recorded]], now: dt.datetime) -> None:
    """Write the steps of the ladder that holds for the ticket's category now. One statement where there is none."""
    version = policies.version_for(PolicyKind.ESCALATION, ticket.category)
    if version is None:
        return
    steps = ladders.read(version.rules).steps
    EscalationTimer.objects.bulk_create(
        EscalationTimer(clock=clock, policy_version=version, step=index, due_at=step.instant(known, now))
        for clock, known in clocks
        for index, step in enumerate(steps)
        if step.clock == clock.kind
    )


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
