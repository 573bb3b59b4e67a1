"""Who would be told of what is written on a ticket, and how it ends, in words for the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from boss.console.presenters import standing as of_standing
from boss.core import clock
from boss.core.actors import Actor
from ticketing import standing
from ticketing.choices import DeadlinePurpose
from ticketing.models import Ticket
from ticketing.services import deadlines, obstacles, reach, recipients, trials, watching
from ticketing.services.recipients import Cause, Recipient
from ticketing.services.tickets import taking_up
from ticketing.telling import Audience, Event


@dataclass(frozen=True, slots=True)
class Line:
    """Somebody who is told: how, as what, and later than now (None: at once)."""

    name: str
    how: str
    later: datetime | None


@dataclass(frozen=True, slots=True)
class Preview:
    title: str
    told: list[Line]
    not_told: list[tuple[str, str]]


def of(actor: Actor, ticket: Ticket) -> dict[str, Any]:
    """For the page: previews of an answer and of a note by this person, addresses that mail does not reach, the way to
    the end, whether he watches."""
    cause = Cause(actor.user_id)
    titles = ((Event.STAFF_REPLY, _("An answer goes to")), (Event.NOTE, _("A note is told to")))
    plans = [(event, title, recipients.plan(ticket, event, cause=cause)) for event, title in titles]
    return {
        "previews": [_preview(title, plan) for _event, title, plan in plans],
        "reach": reach.of(ticket, plans[0][2]),
        "obstacles": obstacles.of(ticket),
        "coming": [
            (str(DeadlinePurpose(each.purpose).label), each.due_at, each.since)
            for each in deadlines.coming(ticket)
            if each.due_at > clock.now()
        ],
        "opens_again_until": taking_up.until(ticket),
        "troubles": of_standing.banners(standing.of_ticket(ticket)),
        "watches": watching.watches(actor, ticket),
    }


def _preview(title: str, plan: recipients.Plan) -> Preview:
    return Preview(
        title, [_line(each) for each in plan.told], [(each.name, each.because) for each in plan.left_out]
    )  # fmt: skip


def _line(each: Recipient) -> Line:
    how = ", ".join([str(Audience(each.audience).label), *trials.channels_of(each.channels)])
    return Line(each.name, how, each.at if each.at > clock.now() else None)
