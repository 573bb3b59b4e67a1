"""Lanes: the queues that wake-ups wait in, so that slow work never stands before quick and one realm never before all.

Work is *quick* (our own database) or *slow* (it leaves the process and may hang). Each kind has a queue for the
house's own periodic tasks, named like the kind, some lanes among which realms are dealt out, and one for what the
sweeper rings for again. A worker of a kind serves all of the kind's queues in turn, one message from each.
"""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal["quick", "slow"]
KINDS: tuple[Kind, ...] = get_args(Kind)

LANES = 8
"""Realms are numbered one after another, so up to this many never share a lane."""


def of_realm(kind: Kind, realm_id: int) -> str:
    """The queue of a realm's work of this kind."""
    return f"{kind}.{realm_id % LANES}"


def swept(kind: Kind) -> str:
    """The queue of what is rung for again."""
    return f"{kind}.swept"


def all_of(kind: Kind) -> list[str]:
    """Every queue a worker of this kind serves."""
    return [kind, swept(kind), *(f"{kind}.{number}" for number in range(LANES))]
