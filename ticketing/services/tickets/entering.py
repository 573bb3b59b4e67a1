"""What a status wants filled in before a ticket enters it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boss.core.actors import Actor
from ticketing.choices import TicketState
from ticketing.models import CategorySchema, Ticket
from ticketing.services.tickets import filling, laying
from ticketing.statuses import StatusDef, needed


def prepare(
    ticket: Ticket, published: CategorySchema | None, *, actor: Actor, target: StatusDef, data: Mapping[str, Any]
) -> None:
    """Put ``data`` into an upgraded ticket and refuse to enter ``target`` while something it requires is missing. The
    engine is not asked: what an administrator made mandatory for people must not keep it from going on. The required
    points of a checklist are asked for before a ticket is resolved."""
    if target.state == TicketState.RESOLVED and ticket.is_open and not actor.is_system:
        laying.refuse_unless_done(ticket)
    missing = needed(published.fields(), target) if published is not None and not actor.is_system else set()
    if data or missing:
        filling.put(ticket, published, actor=actor, data=data, needed=missing)
