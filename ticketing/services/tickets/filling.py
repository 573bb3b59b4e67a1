"""What a ticket's own fields hold, put in while it is worked on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boss.core import schema
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from ticketing import selectors
from ticketing.models import Ticket
from ticketing.services.tickets import journal


@service
def fill(*, actor: Actor, ticket: Ticket, data: Mapping[str, Any], expected_version: int | None = None) -> Ticket:
    """Set fields of an open ticket; what is not named stays, an empty value empties.

    The fields are those of the version the ticket was opened with, the staff's own among them.
    Raises :class:`InvalidInput` with fields ``data.<key>``.
    """
    ticket = journal.locked(ticket, expected_version=expected_version)

    require(actor, "ticketing.change_ticket", ticket)

    journal.refuse_unless_open(ticket)
    published = selectors.find_schema(ticket.category, ticket.schema_version)
    wanted = published.fields() if published else []
    cleaned = schema.validate(wanted, {**ticket.data, **data}, prefix="data.")
    if cleaned == ticket.data:
        return ticket

    changed = sorted(key for key in cleaned.keys() | ticket.data.keys() if cleaned.get(key) != ticket.data.get(key))
    before, after = ({key: values.get(key) for key in changed} for values in (ticket.data, cleaned))
    ticket.data = cleaned
    journal.write(ticket, actor=actor, event="filled", before={"data": before}, after={"data": after})
    return ticket
