"""Answers on a ticket that are about to go, for its page."""

from __future__ import annotations

import math
from dataclasses import dataclass

from boss.core import clock, permissions
from boss.core.actors import Actor
from ticketing import selectors
from ticketing.models import Ticket
from ticketing.models.thread import VIEW_INTERNAL
from ticketing.services import answers

_SWEPT = 4
"""Seconds after which whoever looks finds that an answer has gone: it is looked for every three."""


@dataclass(frozen=True, slots=True)
class Leaving:
    public_id: str
    who: str
    body: str
    seconds: int
    """Until it goes; 0 when it is being sent."""
    look_after: int
    """Seconds after which the page asks what became of it."""
    is_own: bool


def of(actor: Actor, ticket: Ticket) -> list[Leaving]:
    now = clock.now()
    found = []
    for each in answers.list_waiting(ticket):
        left = max(0, math.ceil((each.due_at - now).total_seconds()))
        is_own = each.user_id == actor.user_id
        found.append(Leaving(each.public_id, each.user.full_name, each.body, left, left + _SWEPT, is_own))
    return found


def seen_version(actor: Actor, ticket: Ticket, version: str) -> int | None:
    """The version a page may go on with, when nothing has happened since ``version`` but that one's own words went."""
    if not version.isdecimal() or len(version) > 9 or int(version) >= ticket.version:
        return None
    if not permissions.may(actor, VIEW_INTERNAL, ticket):
        return None  # what happened is not his to read, so he is sent to look again
    since = selectors.list_events(actor, ticket).filter(seq__gt=int(version))
    others = since.exclude(type="message_added", actor_kind="user", actor_id=actor.user_id or 0)
    return None if others.exists() else ticket.version
