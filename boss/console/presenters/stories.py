"""The timeline of an account: the audit trail, tickets and orders as sentences, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.console.presenters.tickets import url_of as ticket_url
from boss.core.models import AuditEntry
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


# The sentences of actions; ``%(what)s`` is the subject's name. An action without one is shown by its own words.
SENTENCES = {
    "account.opened": (gettext_lazy("Account opened"), Mark("", "user-plus", "busy")),
    "account.activated": (gettext_lazy("Account active"), Mark("", "circle-check", "ok")),
    "account.activation_undone": (gettext_lazy("Account pending again"), Mark("", "arrow-back-up", "undo")),
    "account.changed": (gettext_lazy("Account changed"), Mark("", "edit", "idle")),
    "account.closed": (gettext_lazy("Account closed"), Mark("", "lock", "idle")),
    "account.contact_added": (gettext_lazy("Contact added"), Mark("", "user-plus", "idle")),
    "account.pin_set": (gettext_lazy("Phone PIN set"), Mark("", "key", "idle")),
    "account.user_added": (gettext_lazy("Log-in made"), Mark("", "key", "busy")),
    "account.user_withdrawn": (gettext_lazy("Log-in withdrawn"), Mark("", "arrow-back-up", "undo")),
    "order.submitted": (gettext_lazy("Order %(what)s placed"), Mark("", "shopping-cart", "busy")),
    "order.completed": (gettext_lazy("Order %(what)s completed"), Mark("", "circle-check", "ok")),
    "order.cancelled": (gettext_lazy("Order %(what)s cancelled and undone"), Mark("", "arrow-back-up", "undo")),
    "service.activation_asked": (gettext_lazy("To be activated: %(what)s"), Mark("", "clock", "busy")),
    "service.activated": (gettext_lazy("Active: %(what)s"), Mark("", "bolt", "ok")),
    "service.suspended": (gettext_lazy("Suspended: %(what)s"), Mark("", "player-pause", "wait")),
    "service.resumed": (gettext_lazy("Resumed: %(what)s"), Mark("", "player-play", "ok")),
    "service.switched": (gettext_lazy("Switched by the owner: %(what)s"), Mark("", "adjustments", "idle")),
    "service.removal_asked": (gettext_lazy("To be removed: %(what)s"), Mark("", "clock", "wait")),
    "service.terminated": (gettext_lazy("Ended: %(what)s"), Mark("", "lock", "idle")),
    "service.put_back": (gettext_lazy("Put back as it was: %(what)s"), Mark("", "arrow-back-up", "undo")),
    "charges.started": (gettext_lazy("Charges started: %(what)s"), Mark("", "receipt", "busy")),
    "charges.reversed": (gettext_lazy("Charges reversed: %(what)s"), Mark("", "arrow-back-up", "undo")),
}

# Said in the run's own journal already, once for all services together.
UNTOLD = frozenset(
    {
        "service.designed",
        "address.assigned",
        "address.released",
        "number.reserved",
        "number.assigned",
        "number.released",
        "port.held",
        "port.released",
        "card_hold.asked",
        "card_hold.voided",
    }
)


def of_audit(entry: AuditEntry) -> Entry:
    sentence, mark = SENTENCES.get(entry.action, (None, Mark("", "circle-dot", "idle")))
    if sentence is None:
        words = entry.action.replace(".", " ").replace("_", " ").capitalize()
        text = f"{words}: {entry.subject_label}" if entry.subject_label else words
    else:
        text = str(sentence) % {"what": entry.subject_label}
    return Entry(entry.at, text, mark, entry.actor_label)


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
