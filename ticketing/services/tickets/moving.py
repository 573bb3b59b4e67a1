"""From one of a category's statuses to another. The state behind the status moves by its own transitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from boss.core import clock
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ticketing import selectors, statuses
from ticketing.choices import TicketState
from ticketing.errors import OutcomeIsFinal, OutcomeRequired, StatusNotAllowed
from ticketing.models import Ticket
from ticketing.services import clocks, obstacles
from ticketing.services.tickets import ending, entering, families, filling, journal, projecting, waiting
from ticketing.statuses import StatusDef

_TRANSITIONS = {
    TicketState.OPEN: Ticket.take_up,
    TicketState.WAITING_CUSTOMER: Ticket.wait_for_customer,
    TicketState.WAITING_OTHER: Ticket.wait_for_other,
    TicketState.CLOSED: Ticket.close,
    TicketState.CANCELLED: Ticket.cancel,
}


@service
def move(
    *,
    actor: Actor,
    ticket: Ticket,
    status: str,
    data: Mapping[str, Any] | None = None,
    reason: str = "",
    children: str = "",
    resolution_code: str = "",
    expected_version: int | None = None,
) -> Ticket:
    """Give a ticket another status of its category, with values of its fields besides.

    The status must be one that the present one may be left to, and what it requires must be filled in (error fields
    ``data.<key>``). A ticket whose subject asks for an outcome ends by :func:`resolve` alone (ADR 0021); ``children``
    as there. Raises :class:`StatusNotAllowed`, :class:`OutcomeRequired`, :class:`OutcomeIsFinal`,
    :class:`OpenChildren`, :class:`InvalidInput`.
    """
    ticket = journal.locked(ticket, expected_version=expected_version, with_subject=True)

    published = filling.upgrade(ticket)
    known = published.status_defs() if published else statuses.effective(())
    target = statuses.find(known, status)
    ends = target is not None and not target.is_open
    leaves_end = not ticket.is_open
    require(actor, "ticketing.resolve_ticket" if ends or leaves_end else "ticketing.change_ticket", ticket)

    if target is None:
        raise InvalidInput(fields={"status": [_("There is no such status.")]})
    if target.key == ticket.status:
        unchanged: Ticket = Ticket.objects.get(pk=ticket.pk)
        return unchanged
    if target not in statuses.next_of(known, ticket.status, ticket.state):
        raise StatusNotAllowed(status=ticket.status, allowed=[
            each.key for each in statuses.next_of(known, ticket.status, ticket.state)
        ])  # fmt: skip
    if ends and ticket.is_open and selectors.outcomes_of(ticket):
        raise OutcomeRequired(fields={"outcome": [_("Choose one of the outcomes.")]})
    if target.is_open and leaves_end and ticket.outcome:
        raise OutcomeIsFinal
    if target.state == TicketState.CANCELLED and not reason.strip():
        raise InvalidInput(fields={"reason": [_("Please say why.")]})
    with_it = families.ending_with(ticket, actor=actor, children=children) if ends and ticket.is_open else []

    before = dict(ticket.data)
    if target.state == TicketState.RESOLVED and ticket.is_open:
        obstacles.refuse(ticket, actor=actor, code=resolution_code, given=data or {}, children=children)
    entering.prepare(ticket, published, actor=actor, target=target, data=data or {})
    if target.state == TicketState.RESOLVED and ticket.state != TicketState.RESOLVED:
        ending.settle(ticket, actor=actor, target=target, before=before)
    else:
        was, was_open = {"state": ticket.state, "status": ticket.status}, ticket.is_open
        changes = _go(ticket, target, reason=reason.strip())
        told = filling.changes(ticket, before)
        journal.write(
            ticket, actor=actor, event="moved", before={**was, **told["before"]},
            after={"state": ticket.state, "status": ticket.status, "reason": reason.strip(), **told["after"]}
            | ending.told_of(changes),
        )  # fmt: skip
        waiting.moved(ticket, was_open=was_open)
    projecting.copy(ticket)
    ending.end_children(with_it, actor=actor, state=target.state, reason=reason)
    return ticket


def _go(ticket: Ticket, target: StatusDef, *, reason: str) -> clocks.Changes:
    was_open = ticket.is_open
    if target.state != ticket.state:
        if target.state == TicketState.OPEN and not ticket.is_open:
            ticket.reopen()
            ticket.reopen_count += 1
            ticket.resolved_at, ticket.resolved_by, ticket.closed_at, ticket.resolution_code = None, "", None, ""
        else:
            _TRANSITIONS[TicketState(target.state)](ticket)
        if target.state in (TicketState.CLOSED, TicketState.CANCELLED):
            ticket.closed_at = clock.now()
    ticket.status = target.key
    if ticket.is_open and not was_open:
        return clocks.reopened(ticket) | clocks.follow_state(ticket, reason=reason)
    return (
        clocks.voided(ticket) if ticket.state == TicketState.CANCELLED else clocks.follow_state(ticket, reason=reason)
    )
