"""What is loosened when nobody fits, and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from ticketing.assignment.kinds import Stage
from ticketing.assignment.values import Wanted

PATIENCE = dt.timedelta(minutes=15)
"""How long nobody is told that a ticket found nobody, in a pool that loosens nothing."""


def stages(ticket: Wanted, *, has_parent: bool, relax_after: dt.timedelta | None) -> list[Stage]:
    """The stages a ticket goes through: those that change something for it."""
    found = [Stage.STRICT]
    if relax_after is None:
        return found
    if any(need.wished for need in ticket.needs):
        found.append(Stage.NO_WISHES)
    if any(not need.wished for need in ticket.needs):
        found.append(Stage.EASED)
    if has_parent:
        found.append(Stage.PARENT)
    return found


def stage_at(
    known: Sequence[Stage], since: dt.datetime, relax_after: dt.timedelta | None, now: dt.datetime
) -> Stage:  # fmt: skip
    """The stage of a ticket that waits ``since`` then."""
    if relax_after is None:
        return known[0]
    return known[min(len(known) - 1, max(0, (now - since) // relax_after))]


def next_stage_at(
    known: Sequence[Stage], since: dt.datetime, relax_after: dt.timedelta | None, now: dt.datetime
) -> dt.datetime | None:
    """When the next stage begins, or somebody is to be told; None when both have passed."""
    step = relax_after or PATIENCE
    moments = (since + step * n for n in range(1, len(known) + 1))
    return next((moment for moment in moments if moment > now), None)


def is_to_be_told(
    known: Sequence[Stage], since: dt.datetime, relax_after: dt.timedelta | None, now: dt.datetime
) -> bool:
    """Every stage has had its time, and nobody was found."""
    return now >= since + (relax_after or PATIENCE) * len(known)
