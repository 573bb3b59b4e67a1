"""Links of a ticket: to other tickets, typed, and to things of the rooms above."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from boss.core import locks
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ticketing import links, selectors
from ticketing.choices import SUBJECT_LINKS, TICKET_LINKS, LinkType
from ticketing.errors import LinkLoops
from ticketing.models import Ticket, TicketLink, TicketRelation
from ticketing.registry import subject_kinds
from ticketing.services.tickets import journal

WITHOUT_CIRCLES = (LinkType.PARENT_OF, LinkType.BLOCKS)
MOST = 500
"""Links a ticket has of one type at most."""


def hold() -> None:
    """The realm's lock for what must lead in no circle; taken before any ticket's."""
    locks.hold("ticketing.links")


@service
def link(*, actor: Actor, ticket: Ticket, type: str, other: Ticket, most: int = MOST) -> TicketRelation:
    """Say how a ticket stands to another one. Said twice, it is there once. A merged ticket stands for its survivor.

    ``most``: links of the type that the ticket may have, for a caller that reads them by pages.
    Raises :class:`LinkLoops` where parents or blockers would lead in a circle; :class:`InvalidInput` with fields
    ``type`` and ``other``.
    """
    hold()
    ticket, other = links.goes_on_as(_fresh(ticket)), links.goes_on_as(_fresh(other))
    rows = journal.locked_all([ticket, other])

    require(actor, "ticketing.change_ticket", ticket)
    require(actor, "ticketing.view_ticket", other)

    if type not in TICKET_LINKS and not (actor.is_system and type in LinkType.values):
        raise InvalidInput(fields={"type": [_("Choose how the tickets belong together.")]})
    if ticket.pk == other.pk:
        raise InvalidInput(fields={"other": [_("Choose another ticket.")]})
    known: TicketRelation | None = TicketRelation.objects.filter(ticket=ticket, type=type, other=other).first()
    if known is not None:
        return known
    if type == LinkType.PARENT_OF:
        parent = TicketRelation.objects.filter(other=other, type=type).select_related("ticket").first()
        if parent is not None:
            told = _("%(child)s has a parent already: %(parent)s.")
            numbers = {"child": other.number, "parent": parent.ticket.number}
            raise InvalidInput(fields={"other": [told % numbers]})
    if type in WITHOUT_CIRCLES and ticket.pk in reached_from([other.pk], type):
        raise LinkLoops
    if TicketRelation.objects.filter(ticket=ticket, type=type).count() >= most:
        raise InvalidInput(fields={"other": [_("At most %(n)s.") % {"n": most}]})

    return relate(rows[ticket.pk], rows[other.pk], type, actor=actor)


def relate(ticket: Ticket, other: Ticket, type: str, *, actor: Actor) -> TicketRelation:
    """Write a link between two locked tickets for which all was found in order."""
    relation: TicketRelation = TicketRelation.objects.create(ticket=ticket, type=type, other=other)
    journal.write(ticket, actor=actor, event="linked", after={"type": str(type), "to": other.number})
    journal.write(other, actor=actor, event="linked_from", after={"type": str(type), "from": ticket.number})
    return relation


@service
def unlink(*, actor: Actor, relation: TicketRelation) -> None:
    """Take a link between two tickets away; taken away twice, it is gone once."""
    hold()
    rows = journal.locked_all([relation.ticket, relation.other])
    ticket, other = rows[relation.ticket_id], rows[relation.other_id]

    require(actor, "ticketing.change_ticket", ticket)

    gone, _by_model = TicketRelation.objects.filter(pk=relation.pk).delete()
    if gone:
        journal.write(ticket, actor=actor, event="unlinked", before={"type": relation.type, "to": other.number})
        journal.write(other, actor=actor, event="unlinked", before={"type": relation.type, "from": ticket.number})


@service
def link_thing(*, actor: Actor, ticket: Ticket, kind: str, public_id: str, type: str = LinkType.ABOUT) -> TicketLink:
    """Link a ticket to a thing the actor sees. Its main subject stays what it is.

    Raises :class:`InvalidInput` with fields ``kind``, ``thing`` and ``type``.
    """
    ticket = journal.locked_survivor(ticket)

    require(actor, "ticketing.change_ticket", ticket)

    subject_id = _identified(actor, kind, public_id)
    if type not in SUBJECT_LINKS:
        raise InvalidInput(fields={"type": [_("Choose how they belong together.")]})
    known: TicketLink | None = TicketLink.objects.filter(
        ticket=ticket, subject_kind=kind, subject_id=subject_id
    ).first()
    if known is not None:
        return known
    if TicketLink.objects.filter(ticket=ticket).count() >= links.MOST_SHOWN:
        raise InvalidInput(fields={"thing": [_("At most %(n)s.") % {"n": links.MOST_SHOWN}]})

    made: TicketLink = TicketLink.objects.create(
        ticket=ticket, type=type, subject_kind=kind, subject_id=subject_id,
        account_id=subject_kinds.get(kind).account_id(subject_id),
    )  # fmt: skip
    journal.write(ticket, actor=actor, event="linked", after={"type": str(type), "kind": kind, "thing": public_id})
    return made


@service
def unlink_thing(*, actor: Actor, ticket: Ticket, kind: str, public_id: str) -> None:
    """Take such a link away. What decides how the ticket ends stays linked. Raises :class:`InvalidInput`."""
    ticket = journal.locked_survivor(ticket)

    require(actor, "ticketing.change_ticket", ticket)

    subject_id = _identified(actor, kind, public_id)
    if (ticket.subject_kind, ticket.subject_id) == (kind, subject_id):
        raise InvalidInput(fields={"thing": [_("This is what the ticket is about; it stays.")]})
    found = TicketLink.objects.filter(
        ticket_id__in=selectors.whole_of(ticket), subject_kind=kind, subject_id=subject_id
    )  # fmt: skip
    before = [each.type for each in found]
    if before:
        found.delete()
        told = {"type": before[0], "kind": kind, "thing": public_id}
        journal.write(ticket, actor=actor, event="unlinked", before=told)


def reached_from(starts: Iterable[int], type: str, *, without: Iterable[int] = ()) -> set[int]:
    """Ids of the tickets to which links of one type lead from ``starts``, those included. A merged ticket and the one
    it went into are the same place. Two statements for each level."""
    found: set[int] = set()
    shut = set(without)
    level = set(starts) - shut
    while level:
        found |= level
        rows = Ticket.objects.filter(pk__in=level).values_list("merged_into", flat=True)
        same = {each for each in rows if each is not None}
        same |= set(Ticket.objects.filter(merged_into__in=level | same).values_list("pk", flat=True))
        found |= same - shut
        onward = TicketRelation.objects.filter(ticket__in=level | same, type=type).values_list("other", flat=True)
        level = set(onward) - found - shut
    return found


def is_between(one: Ticket, two: Ticket, type: str) -> bool:
    """Whether a third ticket stands between two on a way of links of one type: made one, they would be a circle."""
    for start, end in ((one.pk, two.pk), (two.pk, one.pk)):
        nexts = set(TicketRelation.objects.filter(ticket=start, type=type).values_list("other", flat=True)) - {end}
        if nexts and end in reached_from(nexts, type, without=[start]):
            return True
    return False


def _fresh(ticket: Ticket) -> Ticket:
    found: Ticket = Ticket.objects.select_related("category").get(pk=ticket.pk)
    return found


def _identified(actor: Actor, kind_key: str, public_id: str) -> int:
    kind = subject_kinds.find(kind_key)
    if kind is None or not kind.is_linkable:
        raise InvalidInput(fields={"kind": [_("Tickets cannot be linked to this kind of thing.")]})
    subject_id = kind.identify(actor, public_id)
    if subject_id is None:
        raise InvalidInput(fields={"thing": [_("There is no such thing here, or you may not see it.")]})
    return subject_id
