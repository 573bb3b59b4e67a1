"""What a matrix or closing rules would do on a ticket as it stands. Changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from ticketing import closing, telling
from ticketing.choices import DeadlinePurpose
from ticketing.models import Ticket
from ticketing.services import deadlines, obstacles, recipients
from ticketing.services.recipients import Cause, Plan
from ticketing.telling import Event

Told = tuple[str, str, dt.datetime | None]
"""What, in words what comes of it, and when."""


def of_matrix(ticket: Ticket, rules: Mapping[str, Any]) -> list[Told]:
    """For each event of the rules: who would be told if it happened now, and who would not and why."""
    matrix = telling.read(rules)
    events = [event for event in Event if matrix.of(event)]
    return [
        (str(event.label), words(recipients.plan(ticket, event, cause=Cause(), matrix=matrix)), None)
        for event in events
    ]  # fmt: skip


def words(plan: Plan) -> str:
    """Who is told and who is not, in a line."""
    told = ", ".join(f"{each.name} ({' + '.join(channels_of(each.channels))})" for each in plan.told)
    goes = _("goes to: %(names)s") % {"names": told or _("nobody")}
    not_told = "; ".join(f"{each.name}: {each.because}" for each in plan.left_out)
    return f"{goes}. {_('Not told: %(who)s') % {'who': not_told}}" if not_told else goes


def channels_of(channels: tuple[str, ...]) -> list[str]:
    return [str(telling.Channel(each).label) for each in channels]


def of_closing(ticket: Ticket, rules: Mapping[str, Any]) -> list[Told]:
    """What would stand in the way of its end, and what would happen to it by itself."""
    read = closing.read(rules)
    found: list[Told] = [(str(_("In the way")), each.text, None) for each in obstacles.of(ticket, read)]
    coming = deadlines.of_closing(ticket, read)
    return found + [(str(DeadlinePurpose(each.purpose).label), "", each.due_at) for each in coming]
