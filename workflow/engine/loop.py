"""What a worker does when it is woken: claim the task, do it, and go on inline with what became ready for it."""

from __future__ import annotations

from workflow.engine import claims, execution, slots


def advance(realm_id: int, task_id: int) -> int:
    """Do the task and its inline successors. Returns how many tasks were performed; 0 for a message of no use."""
    performed = 0
    claim = claims.take(realm_id, task_id)
    while claim is not None:
        following = execution.perform(claim)
        performed += 1
        if claim.holds:
            slots.pass_on(realm_id, claim.holds)
        claim = following
    return performed
