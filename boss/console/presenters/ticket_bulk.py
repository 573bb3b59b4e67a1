"""Actions on many tickets as the console shows them."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse
from django.utils.translation import gettext as _

from boss.console.presenters.bulk_progress import OUTCOME, BulkProgress, ItemLine, urgency
from boss.console.presenters.marks import mark
from boss.console.presenters.tickets import url_of as url_of_ticket
from ticketing.bulks import Progress
from ticketing.choices import BulkVerb, Priority
from ticketing.models import TicketBulk, TicketBulkItem


def title(verb: str) -> str:
    return str(BulkVerb(verb).label)


def url_of(bulk: TicketBulk) -> str:
    return reverse("console:ticket_bulk_progress", args=[bulk.public_id])


def progress_of(bulk: TicketBulk, progress: Progress) -> BulkProgress:
    said = title(bulk.verb)
    if bulk.verb == BulkVerb.PRIORITY:
        said = _("Priority: %(word)s") % {"word": Priority(int(bulk.given["priority"])).label}
    return BulkProgress(
        title=said,
        progress=progress,
        is_over=bulk.ended_at is not None,
        asked_by=bulk.asked_by,
        url=url_of(bulk),
        among=_("Tickets"),
        among_url=reverse("console:tickets"),
        crumb=_("Many tickets at once"),
    )


def lines(items: Iterable[TicketBulkItem]) -> list[ItemLine]:
    """What became of each ticket; those that need somebody's look first."""
    return [
        ItemLine(str(item.ticket), url_of_ticket(item.ticket), mark(OUTCOME, item.result), item.text)
        for item in sorted(items, key=lambda item: (urgency(item.result), item.position))
    ]
