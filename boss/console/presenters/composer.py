"""What stands around the text somebody is writing on a ticket: what he had typed, what changed, what is to be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from boss.console.presenters import tickets as present
from boss.console.presenters.words import plain
from boss.core.actors import Actor
from ticketing import desk, selectors
from ticketing.choices import MessageKind
from ticketing.models import Ticket, TicketEvent

_KINDS = (MessageKind.PUBLIC.value, MessageKind.INTERNAL.value)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened since a page was loaded, with what was said or put into fields then."""

    at: datetime
    who: str
    text: str
    body: str
    fields: tuple[tuple[str, str, str], ...]


def since(actor: Actor, ticket: Ticket, version: int | None) -> list[Change]:
    """What happened to a ticket after ``version``, oldest first, as far as this person may read it."""
    if version is None:
        return []
    events = list(selectors.list_events(actor, ticket).filter(seq__gt=version))
    said = {one.seq: one.body for one in selectors.list_messages(actor, ticket).filter(seq__gt=version)}
    titles = {key: field.title for key, field in selectors.known(ticket.category).fields.items()}
    told = reversed(present.log(events))
    return [
        Change(event.at, event.actor_label, line.text, said.get(event.seq, ""), _fields(event, titles))
        for event, line in zip(events, told, strict=True)
    ]


def _fields(event: TicketEvent, titles: dict[str, str]) -> tuple[tuple[str, str, str], ...]:
    before, after = event.before.get("data", {}), event.after.get("data", {})
    keys = [key for key in after if key != selectors.ORPHANS]
    return tuple((titles.get(key, key), plain(before.get(key)) or "—", plain(after.get(key)) or "—") for key in keys)


def of(actor: Actor, ticket: Ticket, *, may_note: bool) -> dict[str, Any]:
    """For the page: texts not sent yet by kind, which of them is shown first, macros, points."""
    drafts = desk.find_text_drafts(actor, ticket)
    shown = [kind for kind in _KINDS if may_note or kind == MessageKind.PUBLIC]
    latest = max((drafts[kind] for kind in shown if kind in drafts), key=lambda one: one.kept_at, default=None)
    points = list(selectors.list_checklist(actor, ticket))
    return {
        "is_kept": actor.holds(desk.KEEP),
        "drafts": [(kind, drafts[kind].body if kind in drafts else "") for kind in shown],
        "draft": latest,
        "macros": list(desk.list_macros(actor)) if ticket.is_open else [],
        "points": points,
        "points_done": sum(1 for point in points if point.done_at),
    }
