"""What binds a ticket to others and to things, as the console shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from boss.console.presenters import tickets as present
from boss.console.presenters.marks import TICKET, mark
from boss.core.actors import Actor
from boss.look.marks import Mark
from ticketing import links
from ticketing.contracts import LiveCard
from ticketing.links import LinkedThing
from ticketing.models import Ticket

_ICONS = {"ok": "circle-check", "bad": "alert-triangle", "wait": "hourglass", "busy": "player-play"}


@dataclass(frozen=True, slots=True)
class TicketLine:
    """Another ticket. ``link`` is the public id of the link, "" where there is none to take away."""

    sentence: str
    number: str
    title: str
    url: str
    state: Mark
    public_id: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class ThingLine:
    sentence: str
    kind: str
    kind_key: str
    label: str
    url: str
    state: Mark | None
    lines: tuple[str, ...]
    public_id: str
    is_main: bool


@dataclass(frozen=True, slots=True)
class MergedLine:
    """A ticket that is part of this one; ``may_undo`` as long as it was merged into it directly."""

    number: str
    title: str
    url: str
    public_id: str
    may_undo: bool


@dataclass(frozen=True, slots=True)
class Panel:
    tickets: list[TicketLine]
    things: list[ThingLine]
    merged: list[MergedLine]


def panel(actor: Actor, ticket: Ticket) -> Panel:
    """Everything linked to a ticket that this person may see, as it stands now."""
    related = [
        _ticket_line(each.other, each.sentence, each.relation.public_id) for each in links.list_related(actor, ticket)
    ]
    merged = [
        MergedLine(
            each.ticket.number, each.ticket.title, f"{present.url_of(each.ticket)}?here=1", each.ticket.public_id,
            each.target_id == ticket.pk and ticket.state not in ("closed", "cancelled"),
        )
        for each in links.list_merged(actor, ticket)
    ]  # fmt: skip
    return Panel(related, [thing_line(each) for each in links.list_things(actor, ticket)], merged)


def found_tickets(tickets: Iterable[Ticket]) -> list[TicketLine]:
    return [_ticket_line(each, "", "") for each in tickets]


def _ticket_line(ticket: Ticket, sentence: str, link: str) -> TicketLine:
    return TicketLine(
        sentence,
        ticket.number,
        ticket.title,
        present.url_of(ticket),
        mark(TICKET, ticket.state),
        ticket.public_id,
        link,
    )


def thing_line(thing: LinkedThing) -> ThingLine:
    card = thing.card
    return ThingLine(
        thing.sentence, str(thing.kind.title), thing.kind.key, card.label, card.url, state_of(card), card.lines,
        card.public_id, thing.is_main,
    )  # fmt: skip


def state_of(card: LiveCard) -> Mark | None:
    return Mark(card.state, _ICONS.get(card.tone, "circle-dot"), card.tone) if card.state else None
