"""Rules L4 to L6: how much is sent to and taken from one address, so that two machines never talk for long."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db.models import Count, Q

from boss.core import audit, clock, locks
from boss.core.actors import Actor
from ticketing.choices import InboundState, OutboundKind
from ticketing.models import InboundMail, MailBreaker, OutboundMail, Ticket
from ticketing.services import tickets

QUARTER = dt.timedelta(minutes=15)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)

PER_QUARTER = 10
PER_DAY = 40
PER_TICKET_AND_HOUR = 5
REOPENS_PER_DAY = 5
NEW_PER_HOUR = 20
SAME_BODY = 3
SAME_BODY_WITHIN = dt.timedelta(minutes=10)
BREAKER_OPEN_FOR = DAY
CAME_BACK = ("undeliverable", "complaint")
"""Why a breaker is open at an address that cannot be reached, or does not want to be."""


def is_open(address: str) -> bool:
    """Whether nothing automatic is sent to this address at present."""
    return bool(MailBreaker.objects.filter(address=address, until__gt=clock.now()).exists())


def unreachable(addresses: Iterable[str]) -> frozenset[str]:
    """Those of them, in lower case, that are sent nothing automatic because our mail has come back from there."""
    rows = MailBreaker.objects.filter(address__in=list(addresses), until__gt=clock.now(), reason__in=CAME_BACK)
    return frozenset(rows.values_list("address", flat=True))


def may_send(actor: Actor, address: str, ticket: Ticket | None, *, is_new: bool = False) -> bool:
    """L4: whether one more automatic mail may go to ``address``. The one too many opens the breaker and says so.

    ``is_new``: the ticket was opened in this transaction, so nothing was sent about it yet.
    """
    locks.hold(f"ticketing.automatic:{address}")
    if is_open(address):
        return False
    now = clock.now()
    sent = OutboundMail.objects.filter(address=address, is_automatic=True, at__gt=now - DAY)
    counted = sent.aggregate(day=Count("pk"), quarter=Count("pk", filter=Q(at__gt=now - QUARTER)))
    if counted["quarter"] >= PER_QUARTER or counted["day"] >= PER_DAY:
        trip(actor, address, "too_many_automatic", ticket)
        return False
    if ticket is None or is_new:
        return True
    on_ticket = OutboundMail.objects.filter(ticket=ticket, is_automatic=True, at__gt=now - HOUR).count()
    return bool(on_ticket < PER_TICKET_AND_HOUR)


def was_acknowledged(address: str, category_id: int) -> bool:
    """L4: one confirmation for each sender and category in 24 hours."""
    recent = OutboundMail.objects.filter(
        address=address, kind=OutboundKind.RECEIVED, ticket__category_id=category_id, at__gt=clock.now() - DAY
    )
    return bool(recent.exists())


def trip(actor: Actor, address: str, reason: str, ticket: Ticket | None) -> None:
    """Send nothing automatic to ``address`` for a day, and tell the supervisors once, by a ticket."""
    until = clock.now() + BREAKER_OPEN_FOR
    breaker, _made = MailBreaker.objects.update_or_create(address=address, defaults={"until": until, "reason": reason})
    audit.record(actor=actor, action="mail_breaker.opened", subject=breaker, after={"reason": reason})
    if ticket is not None:
        tickets.open(
            actor=actor,
            category_key=ticket.category.key,
            title=f"Mail loop: {address}",
            body=f"{address} was about to get too much automatic mail ({reason}), last on {ticket.number}."
            " Nothing automatic goes there for a day. People can still be written to.",
            dedupe_key=f"mail.breaker:{address}"[:200],
        )


def may_reopen(ticket: Ticket) -> bool:
    """L4: five times a day by mail, then somebody looks first."""
    recent = InboundMail.objects.filter(ticket=ticket, reopened=True, received_at__gt=clock.now() - DAY)
    return bool(recent.count() < REOPENS_PER_DAY)


def tickets_of(sender: str) -> int:
    """L5: how many tickets this sender's mails have opened in the last hour."""
    recent = InboundMail.objects.filter(
        sender=sender, rule__in=["M6", "M7"], state=InboundState.APPLIED, received_at__gt=clock.now() - HOUR
    )
    return int(recent.count())


def is_repeated(inbound: InboundMail, ticket: Ticket) -> bool:
    """L6: whether the same body has come to this ticket for the third time in ten minutes."""
    same = InboundMail.objects.filter(
        ticket=ticket, body_hash=inbound.body_hash, received_at__gt=clock.now() - SAME_BODY_WITHIN
    ).exclude(pk=inbound.pk)
    return bool(same.count() >= SAME_BODY - 1)
