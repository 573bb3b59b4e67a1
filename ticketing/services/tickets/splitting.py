"""Part of a ticket becomes a ticket of its own (ADR 0151).

Messages are not copied: the new ticket shows those that were chosen, to whoever may read them where they were said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ticketing import selectors
from ticketing.choices import LinkType, MessageKind, ParticipantRole, ParticipantState
from ticketing.mail.neutral import Address
from ticketing.models import Message, Participant, Ticket, TicketLink, TicketRelation
from ticketing.registry import subject_kinds
from ticketing.services.mail import participants
from ticketing.services.tickets import journal, linking, merging, opening, talking


@service
def split(
    *,
    actor: Actor,
    ticket: Ticket,
    category_key: str,
    title: str,
    messages: Sequence[str] = (),
    body: str = "",
    data: Mapping[str, Any] | None = None,
    expected_version: int | None = None,
) -> Ticket:
    """Open a ticket with messages of this one (``messages``: their public ids) or with a note (``body``), or both.

    In a category offered to customers it is the same person's matter, seen by the same people; in any other it is
    nobody's outside. It is about the same things, and both tickets name one another.
    Raises :class:`InvalidInput` with fields ``messages``, ``body``, ``category``, ``title``, ``data.<key>``.
    """
    linking.hold()
    ticket = journal.locked(ticket, expected_version=expected_version)

    require(actor, "ticketing.change_ticket", ticket)
    require(actor, "ticketing.add_ticket")

    merging.refuse_merged(ticket)
    wanted = set(messages)
    chosen: list[Message] = list(selectors.list_messages(actor, ticket).filter(public_id__in=wanted))
    if len(chosen) < len(wanted):
        raise InvalidInput(fields={"messages": [_("Choose messages of this ticket.")]})
    if not chosen and not body.strip():
        raise InvalidInput(fields={"messages": [_("Choose a message, or write what is to be done.")]})
    category = selectors.find_category(category_key)
    outside = category is not None and category.portal_visible

    new = opening.open(
        actor=actor,
        category_key=category_key,
        title=title,
        data=data,
        links=_about(ticket),
        requester=ticket.requester if outside else None,
        site=ticket.site if outside else None,
        organization=ticket.organization if outside else None,
    )
    new = journal.locked(new)
    if outside:
        _take_requester_along(ticket, new, actor=actor)
    new.excerpts = [each.pk for each in chosen]
    journal.write(new, actor=actor, event="split_off", after={"from": ticket.number, "messages": len(chosen)})
    TicketRelation.objects.create(ticket=new, type=LinkType.SPLIT_FROM, other=ticket)
    journal.write(ticket, actor=actor, event="split", after={"to": new.number, "messages": len(chosen)})
    if body.strip():
        talking.add_message(actor=actor, ticket=new, body=body, kind=MessageKind.INTERNAL)
    fresh: Ticket = Ticket.objects.get(pk=new.pk)
    return fresh


def _about(ticket: Ticket) -> list[tuple[str, int]]:
    """What the ticket is about, without what decides how tickets end: that has one ticket."""
    rows = TicketLink.objects.filter(ticket=ticket).order_by("id").values_list("subject_kind", "subject_id")
    return [(key, pk) for key, pk in rows if (kind := subject_kinds.find(key)) is not None and not kind.decides_ends]


def _take_requester_along(ticket: Ticket, new: Ticket, *, actor: Actor) -> None:
    """Somebody who asked by mail and is no known person is written to on the new ticket, too. Copies are not."""
    asked = Participant.objects.filter(
        ticket=ticket, role=ParticipantRole.REQUESTER, state=ParticipantState.ACCEPTED
    )  # fmt: skip
    for each in asked:
        participants.join(
            new, Address(each.email, each.name), actor=actor, role=ParticipantRole.REQUESTER, user=each.user
        )  # fmt: skip
