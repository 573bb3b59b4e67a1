"""The timeline of an account: the audit trail, tickets and orders as sentences, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from boss.console.presenters.tickets import url_of as ticket_url
from boss.core.models import AuditEntry
from boss.look import deeds
from boss.look.marks import Mark
from ticketing.models import Ticket


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, for components/timeline.html."""

    at: datetime
    text: str
    mark: Mark
    who: str = ""
    url: str = ""
    detail: str = ""
    log: str = ""


MARKS = {
    "account.opened": Mark("", "user-plus", "busy"),
    "account.activated": Mark("", "circle-check", "ok"),
    "account.activation_undone": Mark("", "arrow-back-up", "undo"),
    "account.changed": Mark("", "edit", "idle"),
    "account.closed": Mark("", "lock", "idle"),
    "account.contact_added": Mark("", "user-plus", "idle"),
    "account.pin_set": Mark("", "key", "idle"),
    "account.user_added": Mark("", "key", "busy"),
    "account.user_withdrawn": Mark("", "arrow-back-up", "undo"),
    "order.submitted": Mark("", "shopping-cart", "busy"),
    "order.completed": Mark("", "circle-check", "ok"),
    "order.cancelled": Mark("", "arrow-back-up", "undo"),
    "service.activation_asked": Mark("", "clock", "busy"),
    "service.activated": Mark("", "bolt", "ok"),
    "service.suspended": Mark("", "player-pause", "wait"),
    "service.resumed": Mark("", "player-play", "ok"),
    "service.switched": Mark("", "adjustments", "idle"),
    "service.removal_asked": Mark("", "clock", "wait"),
    "service.terminated": Mark("", "lock", "idle"),
    "service.put_back": Mark("", "arrow-back-up", "undo"),
    "charges.started": Mark("", "receipt", "busy"),
    "charges.reversed": Mark("", "arrow-back-up", "undo"),
}
"""How the timeline marks what it tells; the words are the vocabulary's."""

# Said in the run's own journal already, once for all services together.
UNTOLD = frozenset(
    {
        "service.designed",
        "address.assigned",
        "address.released",
        "number.reserved",
        "number.assigned",
        "number.released",
        "number.taken_back",
        "port.held",
        "port.released",
        "card_hold.asked",
        "card_hold.voided",
    }
)


def of_audit(entry: AuditEntry) -> Entry:
    mark = MARKS.get(entry.action, Mark("", "circle-dot", "idle"))
    return Entry(entry.at, deeds.said(entry.action, entry.subject_label), mark, entry.actor_label)


def of_ticket(ticket: Ticket) -> list[Entry]:
    url = ticket_url(ticket)
    told = [
        Entry(
            ticket.opened_at,
            _("Ticket %(number)s opened: %(title)s") % {"number": ticket.number, "title": ticket.title},
            Mark("", "ticket", "busy"),
            ticket.opened_by,
            url,
        )
    ]
    if ticket.resolved_at:
        text = _("Ticket %(number)s resolved") % {"number": ticket.number}
        told.append(Entry(ticket.resolved_at, text, Mark("", "circle-check", "ok"), ticket.resolved_by, url))
    return told


def newest_first(entries: Iterable[Entry], limit: int) -> list[Entry]:
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:limit]
