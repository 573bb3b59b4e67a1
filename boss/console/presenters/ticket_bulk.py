"""Actions on many tickets as the console shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from boss.console.presenters.bulk import OUTCOME
from boss.console.presenters.marks import mark
from boss.console.presenters.tickets import url_of as url_of_ticket
from boss.look.marks import Mark
from ticketing.bulks import Progress
from ticketing.choices import BulkVerb, Priority
from ticketing.models import TicketBulk, TicketBulkItem


def title(verb: str) -> str:
    return str(BulkVerb(verb).label)


def url_of(bulk: TicketBulk) -> str:
    return reverse("console:ticket_bulk_progress", args=[bulk.public_id])


@dataclass(frozen=True, slots=True)
class BulkProgress:
    """How far an action is, for its page."""

    title: str
    progress: Progress
    is_over: bool
    asked_by: str
    live_url: str


def progress_of(bulk: TicketBulk, progress: Progress) -> BulkProgress:
    said = title(bulk.verb)
    if bulk.verb == BulkVerb.PRIORITY:
        said = _("Priority: %(word)s") % {"word": Priority(int(bulk.given["priority"])).label}
    return BulkProgress(
        said, progress, bulk.ended_at is not None, bulk.asked_by, f"{url_of(bulk)}?live=1&seen={progress.settled}"
    )


@dataclass(frozen=True, slots=True)
class ItemLine:
    title: str
    url: str
    mark: Mark
    text: str


def lines(items: Iterable[TicketBulkItem]) -> list[ItemLine]:
    """What became of each ticket; those that need somebody's look first."""
    urgency = {"failed": 0, "refused": 1, "pending": 2}
    ordered = sorted(items, key=lambda item: (urgency.get(item.result, 3), item.position))
    return [
        ItemLine(str(item.ticket), url_of_ticket(item.ticket), mark(OUTCOME, item.result), item.text)
        for item in ordered
    ]
