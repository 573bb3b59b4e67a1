"""How urgent a ticket is and which pool it waits in."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ticketing.choices import Priority
from ticketing.models import TalentPool, Ticket
from ticketing.services import clocks
from ticketing.services.tickets import journal, waiting


@service
def prioritize(
    *, actor: Actor, ticket: Ticket, priority: int, reason: str = "", expected_version: int | None = None
) -> Ticket:
    """Give an open ticket another priority. Its clocks get the terms of that priority, with start and pauses kept.

    Raises :class:`InvalidInput` with field ``priority``.
    """
    ticket = journal.locked(ticket, expected_version=expected_version)

    require(actor, "ticketing.change_ticket", ticket)

    journal.refuse_unless_open(ticket)
    if priority not in Priority.values:
        raise InvalidInput(fields={"priority": [_("Choose a priority.")]})
    if ticket.priority == priority:
        return ticket

    before = {"priority": ticket.priority}
    ticket.priority = priority
    word = Priority(priority).label
    changes = clocks.agree_again(ticket, reason=_("Priority is now: %(word)s") % {"word": word})
    after: dict[str, Any] = {"priority": priority, "reason": reason.strip()} | ({"clocks": changes} if changes else {})
    journal.write(ticket, actor=actor, event="prioritized", before=before, after=after)
    return ticket


@service
def send_to_pool(
    *, actor: Actor, ticket: Ticket, pool: TalentPool, reason: str = "", expected_version: int | None = None
) -> Ticket:
    """Put an open ticket into another pool, where it waits for somebody to take it. Its promises go on."""
    ticket = journal.locked(ticket, expected_version=expected_version)

    require(actor, "ticketing.assign_ticket", ticket)

    journal.refuse_unless_open(ticket)
    if ticket.pool_id == pool.pk:
        return ticket

    before = {
        "pool": ticket.pool.name if ticket.pool else None,
        "assignee": ticket.assignee.full_name if ticket.assignee else None,
    }
    had = ticket.assignee_id
    ticket.pool, ticket.assignee = pool, None
    after = {"pool": pool.name, "assignee": None, "reason": reason.strip()}
    journal.write(ticket, actor=actor, event="sent_to_pool", before=before, after=after)
    waiting.handed_over(ticket, had=had)
    return ticket
