"""What a worker does when it is woken: claim the task, do it, and go on inline with what became ready for it."""

from __future__ import annotations

from workflow.engine import claims, execution, slots


def advance(realm_id: int, task_id: int) -> bool:
    """Do the task and its inline successors. False for a message of no use."""
    first = claim = claims.take(realm_id, task_id)
    while claim is not None:
        following = execution.perform(claim)
        if claim.holds:
            slots.pass_on(realm_id, claim.holds)
        claim = following
    return first is not None
