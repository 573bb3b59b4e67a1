"""Rule O6: whom an answer reaches, compared with whom the last one reached and with who is on the ticket."""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.choices import OutboundKind, ParticipantRole
from ticketing.models import OutboundMail, Ticket
from ticketing.services import recipients
from ticketing.services.recipients import Plan, Recipient
from ticketing.telling import Event


@dataclass(frozen=True, slots=True)
class Reach:
    """Addresses in lower case. ``added`` and ``gone``: since the last answer by mail. ``outside``: of those who are
    neither the requester nor were written to before."""

    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()


def of(ticket: Ticket, plan: Plan) -> Reach:
    """Of a plan for an answer of staff. Colleagues who take part come and go with who writes, and are left out."""
    told = {each.address.lower(): each for each in plan.customers() if not _is_colleague(each)}
    before = _reached_last(ticket)
    return Reach(
        added=tuple(address for address in told if before and address not in before),
        gone=tuple(address for address in before if address not in told),
        outside=tuple(address for address, each in told.items() if _is_outside(ticket, each)),
    )


def _is_colleague(each: Recipient) -> bool:
    return each.participant is not None and each.participant.role == ParticipantRole.STAFF


def _is_outside(ticket: Ticket, each: Recipient) -> bool:
    """Whoever takes part was let in by somebody, or was written to; the requester has asked."""
    return each.participant is None and (each.user is None or each.user.pk != ticket.requester_id)


def _reached_last(ticket: Ticket) -> list[str]:
    sent = OutboundMail.objects.filter(ticket=ticket, kind=OutboundKind.ANSWER, is_automatic=False)
    last = sent.exclude(message=None).order_by("-pk").values_list("message_id", flat=True).first()
    if last is None:
        return []
    mails = sent.filter(message_id=last).exclude(participant__role=ParticipantRole.STAFF).order_by("pk")
    return [address.lower() for address in mails.values_list("address", flat=True)]


def of_answer(ticket: Ticket, *, user_id: int | None) -> Reach:
    """Of an answer that this person would give now."""
    cause = recipients.Cause(user_id)
    return of(ticket, recipients.plan(ticket, Event.STAFF_REPLY, cause=cause))
