"""States of the rooms as people see them. One place, so that a state looks the same on every page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from boss.look.marks import Mark

TICKET = {
    "new": Mark(_("New"), "circle-dot", "busy"),
    "open": Mark(_("Open"), "player-play", "busy"),
    "waiting_customer": Mark(_("Waiting for customer"), "hourglass", "wait"),
    "waiting_other": Mark(_("Waiting"), "clock-pause", "wait"),
    "resolved": Mark(_("Resolved"), "circle-check", "ok"),
    "closed": Mark(_("Closed"), "check", "idle"),
    "cancelled": Mark(_("Cancelled"), "ban", "idle"),
    "merged": Mark(_("Merged"), "git-branch", "idle"),
}
PRIORITY = {
    1: Mark(_("Critical"), "flag", "bad"),
    2: Mark(_("High"), "flag", "wait"),
    3: Mark(_("Normal"), "circle-minus", "idle"),
    4: Mark(_("Low"), "chevron-down", "idle"),
}
PRESENCE = {
    "available": Mark(_("Available"), "circle-check", "ok"),
    "busy": Mark(_("Busy"), "headset", "wait"),
    "away": Mark(_("Away"), "clock-pause", "idle"),
    "offline": Mark(_("Offline"), "circle-dashed", "idle"),
}
RUN = {
    "running": Mark(_("Running"), "player-play", "busy"),
    "completed": Mark(_("Completed"), "circle-check", "ok"),
    "reversing": Mark(_("Being undone"), "arrow-back-up", "undo"),
    "reversed": Mark(_("Undone"), "arrow-back-up", "undo"),
}
TASK = {
    "pending": Mark(_("Not yet"), "circle-dashed", "idle"),
    "ready": Mark(_("Next"), "clock", "busy"),
    "running": Mark(_("Running"), "loader-2", "busy"),
    "waiting": Mark(_("Waiting"), "hourglass", "wait"),
    "attention": Mark(_("Needs a person"), "alert-triangle", "bad"),
    "done": Mark(_("Done"), "check", "ok"),
    "skipped": Mark(_("Left out"), "circle-minus", "idle"),
    "undo_ready": Mark(_("To be undone"), "clock", "undo"),
    "undoing": Mark(_("Being undone"), "arrow-back-up", "undo"),
    "undo_waiting": Mark(_("Undo waits"), "hourglass", "undo"),
    "undo_attention": Mark(_("Undo needs a person"), "alert-triangle", "bad"),
    "undone": Mark(_("Undone"), "arrow-back-up", "undo"),
    "kept": Mark(_("Kept"), "lock", "wait"),
}
ATTEMPT = {
    "done": Mark(_("Done"), "check", "ok"),
    "wait": Mark(_("Waits"), "hourglass", "wait"),
    "retry": Mark(_("Failed, tried again"), "rotate-clockwise", "wait"),
    "failed": Mark(_("Failed"), "x", "bad"),
    "lost": Mark(_("Worker lost"), "plug-connected", "wait"),
}
ORDER = {
    "acknowledged": Mark(_("Received"), "circle-dot", "busy"),
    "inProgress": Mark(_("In progress"), "player-play", "busy"),
    "completed": Mark(_("Completed"), "circle-check", "ok"),
    "cancelled": Mark(_("Cancelled and undone"), "arrow-back-up", "undo"),
}
NEEDS_PERSON = Mark(_("Needs a person"), "alert-triangle", "bad")  # whatever goes on otherwise
ACCOUNT = {
    "pending": Mark(_("Pending"), "hourglass", "busy"),
    "active": Mark(_("Active"), "circle-check", "ok"),
    "suspended": Mark(_("Suspended"), "player-pause", "wait"),
    "closed": Mark(_("Closed"), "lock", "idle"),
}
SUBSCRIPTION = {
    "pending": Mark(_("Being set up"), "hourglass", "busy"),
    "active": Mark(_("Active"), "circle-check", "ok"),
    "suspended": Mark(_("Suspended"), "player-pause", "wait"),
    "terminated": Mark(_("Ended"), "lock", "idle"),
}
SERVICE = {
    "designed": Mark(_("Planned"), "edit", "idle"),
    "reserved": Mark(_("Reserved"), "clock", "busy"),
    "active": Mark(_("Active"), "circle-check", "ok"),
    "suspended": Mark(_("Suspended"), "player-pause", "wait"),
    "terminated": Mark(_("Ended"), "lock", "idle"),
}
CALL = {
    "running": Mark(_("Running"), "loader-2", "busy"),
    "done": Mark(_("Done"), "check", "ok"),
    "failed": Mark(_("Failed"), "x", "bad"),
    "unknown": Mark(_("Outcome unknown"), "help", "wait"),
}
FINDING = {
    "drift": Mark(_("Differs"), "arrows-exchange", "wait"),
    "missing": Mark(_("Missing"), "alert-triangle", "bad"),
    "orphan": Mark(_("Left over"), "help", "wait"),
    "unsold": Mark(_("Not sold any more"), "ban", "wait"),
    "unplanned": Mark(_("Sold, not set up"), "circle-dashed", "bad"),
    "outdated": Mark(_("Not as sold"), "arrows-exchange", "wait"),
}
RESOLUTION = {
    "gone": Mark(_("Gone by itself"), "circle-check", "idle"),
    "repaired": Mark(_("Repaired"), "circle-check", "ok"),
    "adopted": Mark(_("Taken over"), "circle-check", "ok"),
    "put_back": Mark(_("Put back as it was"), "arrow-back-up", "undo"),
}
CHARGE = {
    "active": Mark(_("Charged"), "circle-check", "ok"),
    "ended": Mark(_("Ended"), "lock", "idle"),
    "reversed": Mark(_("Reversed"), "arrow-back-up", "undo"),
}
COLLECTION = {
    "open": Mark(_("Being followed up"), "hourglass", "wait"),
    "settled": Mark(_("Paid"), "circle-check", "ok"),
    "disconnected": Mark(_("Disconnected"), "ban", "bad"),
}


def mark(table: Mapping[Any, Mark], state: Any) -> Mark:
    """The mark of ``state``; a state without one is shown by its own name."""
    known = table.get(state) or table.get(str(state))
    return known or Mark(str(state).replace("_", " ").capitalize(), "circle-dot", "idle")
