"""Points of a ticket's checklist: added, done, done not after all, taken off, put into another order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from django.utils.translation import gettext as _

from boss.core import clock
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput, NotFound
from boss.core.services import service
from ticketing.choices import ChecklistSource
from ticketing.models import ChecklistItem, Ticket
from ticketing.points import LONGEST
from ticketing.services.tickets import journal, laying

MOST = 60
"""Points on one ticket."""
_CHANGE = "ticketing.change_ticket"


@service
def add(
    *, actor: Actor, ticket: Ticket, texts: Sequence[str], source: str = ChecklistSource.HAND
) -> list[ChecklistItem]:
    """Put points at the end of an open ticket's list. Raises InvalidInput with ``text``."""
    ticket = journal.locked(ticket)

    require(actor, _CHANGE, ticket)

    journal.refuse_unless_open(ticket)
    wanted = [text for text in (" ".join(text.split()) for text in texts) if text]
    if not wanted:
        raise InvalidInput(fields={"text": [_("Please write what is to be done.")]})
    if any(len(text) > LONGEST for text in wanted):
        raise InvalidInput(fields={"text": [_("At most %(n)s characters.") % {"n": LONGEST}]})
    if ChecklistItem.objects.filter(ticket=ticket).count() + len(wanted) > MOST:
        raise InvalidInput(fields={"text": [_("At most %(n)s points.") % {"n": MOST}]})

    journal.write(ticket, actor=actor, event="points_added", after={"points": wanted})
    return laying.append(ticket, wanted, actor=actor, source=source)


@service
def check(*, actor: Actor, item: ChecklistItem) -> ChecklistItem:
    """It is done, by this person, now. Done already it stays as it is."""
    ticket, item = _locked(actor, item)
    if item.done_at is not None:
        return item

    item.done_at, item.done_by = clock.now(), actor.label[:200]
    item.save(update_fields=["done_at", "done_by"])
    journal.write(ticket, actor=actor, event="point_done", after={"point": item.text})
    return item


@service
def uncheck(*, actor: Actor, item: ChecklistItem) -> ChecklistItem:
    """It is not done after all. Who had done it stays in the log."""
    ticket, item = _locked(actor, item)
    if item.done_at is None:
        return item

    before = {"point": item.text, "by": item.done_by}
    item.done_at, item.done_by = None, ""
    item.save(update_fields=["done_at", "done_by"])
    journal.write(ticket, actor=actor, event="point_open", before=before, after={"point": item.text})
    return item


@service
def remove(*, actor: Actor, item: ChecklistItem) -> None:
    """Take a point off the list; those of the category stay."""
    ticket, item = _locked(actor, item)
    if item.source == ChecklistSource.CATEGORY:
        raise InvalidInput(_("This point belongs to the category: it can be done, but not taken off."))

    item.delete()
    journal.write(ticket, actor=actor, event="point_removed", before={"point": item.text}, after={})


@service
def shift(*, actor: Actor, item: ChecklistItem, to: Literal["up", "down"]) -> None:
    """One place up or down; the first goes no further up, the last no further down."""
    ticket, item = _locked(actor, item)
    every = list(ChecklistItem.objects.filter(ticket=ticket).order_by("position", "id"))
    place = every.index(item)
    other = place + (-1 if to == "up" else 1)
    if not 0 <= other < len(every):
        return

    every[place], every[other] = every[other], every[place]
    for position, each in enumerate(every):
        each.position = position
    ChecklistItem.objects.bulk_update(every, ["position"])
    journal.write(ticket, actor=actor, event="points_ordered", after={"points": [each.text for each in every]})


def _locked(actor: Actor, item: ChecklistItem) -> tuple[Ticket, ChecklistItem]:
    """Ticket, then point, both as they are now."""
    ticket = journal.locked(Ticket(pk=item.ticket_id))

    require(actor, _CHANGE, ticket)

    journal.refuse_unless_open(ticket)
    fresh: ChecklistItem | None = ChecklistItem.objects.filter(pk=item.pk).first()
    if fresh is None:
        raise NotFound(point=item.public_id)
    return ticket, fresh
