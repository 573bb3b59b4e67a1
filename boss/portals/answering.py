"""What an answer to a request would do, said before it is written: the same rule for every portal, mail and the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils.translation import gettext as _

from boss.core import clock, permissions, scoping
from boss.core.actors import Actor
from ticketing.choices import TicketState
from ticketing.models import Ticket
from ticketing.services.tickets import taking_up

OVER = (TicketState.CLOSED, TicketState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Answering:
    """``can_reply``: there is a box. Of a closed request it says until when the answer opens it again; without a box
    the page says why, and what to do instead.

    ``too_late_since`` is when the days for opening it again were over, None where there never were any.
    """

    can_reply: bool
    opens_again_until: datetime | None = None
    too_late_since: datetime | None = None
    may_open: bool = False
    begins_with: str = ""

    def context(self) -> dict[str, Any]:
        """For ``portals/components/answering.html``."""
        return {"can_reply": self.can_reply, "answering": self}


def of(request: HttpRequest, ticket: Ticket) -> Answering:
    """What the person who asks may do about it. The service decides again when he does."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    may_answer = permissions.may(actor, "ticketing.add_message", ticket)
    begins_with = urlencode({"title": ticket.title, "body": _("This goes on from %(n)s.") % {"n": ticket.number}})
    instead = Answering(False, may_open=actor.holds("ticketing.add_ticket"), begins_with=begins_with)
    if ticket.state == TicketState.MERGED or not may_answer:
        return instead
    if ticket.state in OVER:
        with scoping.as_application():  # the provider's closing rules stand in no table that customers read
            until = taking_up.until(ticket)
        if until is not None and clock.now() < until:
            return Answering(True, opens_again_until=until)
        return Answering(False, None, until, instead.may_open, begins_with)
    if ticket.state == TicketState.RESOLVED and ticket.outcome:
        return instead  # what it was about has gone on by its outcome
    return Answering(True)
