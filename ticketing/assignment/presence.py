"""What somebody's presence is by now, from what was set and when there was last a sign of life."""

from __future__ import annotations

import datetime as dt

from ticketing.assignment.kinds import PresenceState

SILENT_AFTER = dt.timedelta(minutes=15)
"""Without a sign of life for so long somebody is offline, whatever was set."""


def present(
    state: str, until: dt.datetime | None, seen_at: dt.datetime | None, now: dt.datetime
) -> PresenceState:  # fmt: skip
    """``until``: busy or away ends then and is available again; available ends then and is offline."""
    if state == PresenceState.OFFLINE or seen_at is None or now - seen_at > SILENT_AFTER:
        return PresenceState.OFFLINE
    if until is not None and until <= now:
        return PresenceState.OFFLINE if state == PresenceState.AVAILABLE else PresenceState.AVAILABLE
    return PresenceState(state)


def absent_since(
    state: str, since: dt.datetime, until: dt.datetime | None, seen_at: dt.datetime | None, now: dt.datetime
) -> dt.datetime | None:
    """Since when somebody is neither available nor busy; None for who is. Who said to be away and then fell silent has
    been away all that time."""
    held = present(state, until, seen_at, now)
    if held in (PresenceState.AVAILABLE, PresenceState.BUSY):
        return None
    if state in (PresenceState.AWAY, PresenceState.OFFLINE):
        return since
    heard = seen_at or since
    return min(heard, until) if state == PresenceState.AVAILABLE and until is not None else heard
