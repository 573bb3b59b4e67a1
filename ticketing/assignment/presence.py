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
