"""Outages in rows and marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from boss.console.presenters.tickets import url_of
from boss.core.actors import Actor
from boss.look.marks import Mark
from ipservices import outages as reads
from ipservices.models import Outage, OutageMember, OutageTicket
from subscribers.models import Account
from ticketing.models import Ticket

OPEN = Mark(_("Open"), "alert-triangle", "bad")
ASKING = Mark(_("Answers are awaited"), "clock", "wait")
OVER = Mark(_("Over"), "circle-check", "ok")
FALSE = Mark(_("False alarm"), "circle-dashed", "idle")
TAKEN_OUT = Mark(_("Taken out"), "circle-dashed", "idle")
ANSWERS = {
    "yes": Mark(_("Back"), "circle-check", "ok"),
    "no": Mark(_("Not back"), "alert-triangle", "bad"),
    "none": Mark(_("No answer"), "circle-dashed", "idle"),
}


def state_of(outage: Outage) -> Mark:
    if outage.is_open:
        return OPEN
    if outage.is_false_alarm:
        return FALSE
    return ASKING if outage.settled_at is None else OVER


@dataclass(frozen=True, slots=True)
class Row:
    outage: Outage
    url: str
    title: str
    number: str
    where: str
    state: Mark
    members: int | None


def row(outage: Outage) -> Row:
    ticket = outage.ticket
    return Row(
        outage,
        f"/console/outages/of/{outage.public_id}/",
        ticket.title if ticket else "",
        ticket.number if ticket else "",
        where(outage),
        state_of(outage),
        getattr(outage, "members_now", None),
    )


def where(outage: Outage) -> str:
    named = [each.label for each in reads.scopes_of(outage)]
    return ", ".join(named[:3]) + ("…" if len(named) > 3 else "")


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    url: str
    place: str
    came_by: str
    reported_at: Any
    answer: Mark | None
    is_lost: bool
    account: str
    """Public id of the account; empty where there is none."""
    is_out: bool
    tickets: list[tuple[str, str, str]]
    """Of each ticket: number, address, public id."""


def member(found: OutageMember) -> Member:
    account = found.account
    return Member(
        name=f"{account.number} {account.name}" if account else "",
        url=f"/console/accounts/{account.public_id}/" if account else "",
        place=found.site.label if found.site else "",
        came_by=str(found.get_came_by_display()),  # type: ignore[attr-defined]
        reported_at=found.reported_at,
        answer=TAKEN_OUT if found.taken_out_at else ANSWERS.get(found.answer) or (ASKING if found.asked_at else None),
        is_lost=bool(getattr(found, "is_lost", False)),
        account=account.public_id if account else "",
        is_out=found.taken_out_at is not None,
        tickets=[(each.number, url_of(each), each.public_id) for each in reads.tickets_of(found)],
    )


@dataclass(frozen=True, slots=True)
class Strip:
    """One open outage on the page of an account or a ticket it concerns; ``offers``: it can be added there."""

    row: Row
    members: int
    offers: bool


def strips_of(actor: Actor, account: Account) -> list[Strip]:
    """Open outages that concern an account."""
    if not actor.holds(reads.VIEW):
        return []
    may_add = actor.holds("ipservices.add_to_outage")
    return [
        Strip(row(outage), reads.count_members(outage), may_add and (found is None or found.reported_at is None))
        for outage, found in reads.covering(account)
    ]


@dataclass(frozen=True, slots=True)
class Beside:
    """What the page of a ticket says of outages: its own, the one it belongs to, or those that may be its cause."""

    own: Outage | None = None
    place: OutageTicket | None = None
    place_row: Row | None = None
    leaves: bool = False
    """The ticket can be taken out of it here."""
    offered: tuple[Strip, ...] = ()


def beside(actor: Actor, ticket: Ticket) -> Beside | None:
    """Nothing for whoever may not see outages."""
    if not actor.holds(reads.VIEW):
        return None
    if ticket.subject_kind == "ipservices.outage":
        return Beside(own=reads.find_by_ticket(actor, ticket))
    place = reads.find_place(actor, ticket)
    if place is not None:
        leaves = place.member.outage.is_open and actor.holds("ipservices.add_to_outage")
        return Beside(place=place, place_row=row(place.member.outage), leaves=leaves)
    if not ticket.is_open or not actor.holds("ipservices.add_to_outage") or not reads.is_any_open():
        return None
    account = reads.account_of(ticket)
    if account is None:
        return None
    found = tuple(Strip(row(outage), reads.count_members(outage), True) for outage, _member in reads.covering(account))
    return Beside(offered=found) if found else None
