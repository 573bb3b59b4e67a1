"""States in the words of a customer, each with its icon and tone."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from boss.look.marks import Mark

TICKET: dict[str, Mark] = {
    "new": Mark(_("We have received it"), "inbox", "busy"),
    "open": Mark(_("We are working on it"), "tool", "busy"),
    "waiting_customer": Mark(_("We wait for your answer"), "hourglass", "wait"),
    "waiting_other": Mark(_("Waiting for a part or a date"), "hourglass", "wait"),
    "resolved": Mark(_("Solved"), "circle-check", "ok"),
    "closed": Mark(_("Closed"), "circle-check", "idle"),
    "cancelled": Mark(_("Cancelled"), "circle-x", "idle"),
    "merged": Mark(_("Goes on in another request"), "arrow-right", "idle"),
}
SUBSCRIPTION: dict[str, Mark] = {
    "pending": Mark(_("Being set up"), "loader-2", "busy"),
    "active": Mark(_("Active"), "circle-check", "ok"),
    "suspended": Mark(_("Paused"), "player-pause", "wait"),
    "terminated": Mark(_("Ended"), "circle-x", "idle"),
}
SERVICE: dict[str, Mark] = {  # a state that is missing here (ended) is not shown
    "designed": Mark(_("Being set up"), "loader-2", "busy"),
    "reserved": Mark(_("Being set up"), "loader-2", "busy"),
    "active": Mark(_("Working"), "circle-check", "ok"),
    "suspended": Mark(_("Paused"), "player-pause", "wait"),
}
TROUBLE = Mark(_("Not working as it should"), "alert-triangle", "bad")
UNKNOWN = Mark(_("In progress"), "circle-dot", "idle")
