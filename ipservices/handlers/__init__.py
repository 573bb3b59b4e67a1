"""Task handlers of this room, by subject. ``EVERY`` is what ``apps`` registers with the engine."""

from __future__ import annotations

from ipservices.handlers import accounts, changing, planning, porting, reserving, resolving, servers

EVERY = (
    *planning.HANDLERS,
    *reserving.HANDLERS,
    *servers.HANDLERS,
    *changing.HANDLERS,
    *accounts.HANDLERS,
    *porting.HANDLERS,
    *resolving.HANDLERS,
)
