"""Task handlers of this room, by subject. ``EVERY`` is what ``apps`` registers with the engine."""

from __future__ import annotations

from subscribers.handlers import activation, checks, collecting, later, payments, properties, surveys

EVERY = (
    *checks.HANDLERS,
    *payments.HANDLERS,
    *activation.HANDLERS,
    *later.HANDLERS,
    *collecting.HANDLERS,
    *surveys.HANDLERS,
    *properties.HANDLERS,
)
