"""The end of an outage: service is back, tickets are resolved and all are asked whether it is so; or it was none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit, clock
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ipservices.choices import OutageUpdateKind
from ipservices.errors import OutageIsOver
from ipservices.models import Outage
from ipservices.services.outages import opening, saying
from ipservices.services.outages.telling import locked
from ticketing.services import tickets

HOURS = 48
MOST_HOURS = 24 * 30


@service
def restore(
    *,
    actor: Actor,
    outage: Outage,
    text: str,
    answer_hours: int = HOURS,
    data: Mapping[str, Any] | None = None,
) -> Outage:
    """End an outage. Its own ticket is resolved now (``data``: what its category wants filled in for that); then each
    member is told once, with a link that asks whether his service is back, and his tickets are resolved.

    Who has not answered within ``answer_hours`` is taken to be content: his tickets are closed. Raises
    :class:`OutageIsOver`, :class:`InvalidInput` with fields ``text``, ``answer_hours`` and those of the ticket.
    """
    outage = locked(outage)

    require(actor, "ipservices.manage_outages")

    if not outage.is_open:
        raise OutageIsOver
    if not 1 <= answer_hours <= MOST_HOURS:
        told = _("Between 1 and %(n)s hours.") % {"n": MOST_HOURS}
        raise InvalidInput(fields={"answer_hours": [told]})
    text = saying.checked(text, None)
    count = opening.take_in(outage)

    now = clock.now()
    outage.public_text, outage.eta_at = text, None
    outage.ended_at, outage.answer_until = now, now + dt.timedelta(hours=answer_hours)
    outage.save()
    assert outage.ticket is not None
    # Its children are not ended here: page by page, each with the mail that asks its requester.
    tickets.resolve(actor=actor, ticket=outage.ticket, children="leave", told=True, data=data)

    after = {"text": text, "answer_until": outage.answer_until, "new_members": count}
    audit.record(actor=actor, action="outage.restored", subject=outage, after=after)
    saying.say(outage, actor=actor, kind=OutageUpdateKind.OVER, by_mail=True)
    return outage


@service
def call_off(*, actor: Actor, outage: Outage, text: str, by_mail: bool = True) -> Outage:
    """End an outage that was none. Its own ticket is cancelled; each member is told ``text`` once and asked nothing,
    and tickets of theirs stay open as they are: whatever troubles them has another cause.

    Nobody becomes a member any more. Raises :class:`OutageIsOver`, :class:`InvalidInput` with field ``text``.
    """
    outage = locked(outage)

    require(actor, "ipservices.manage_outages")

    if not outage.is_open:
        raise OutageIsOver
    text = saying.checked(text, None)

    now = clock.now()
    outage.public_text, outage.eta_at = text, None
    outage.ended_at = outage.settled_at = now
    outage.is_false_alarm = True
    outage.save()
    assert outage.ticket is not None
    tickets.cancel(actor=actor, ticket=outage.ticket, reason=_("It was a false alarm."), children="leave")

    audit.record(actor=actor, action="outage.called_off", subject=outage, after={"text": text, "by_mail": by_mail})
    saying.say(outage, actor=actor, kind=OutageUpdateKind.FALSE, by_mail=by_mail)
    return outage
