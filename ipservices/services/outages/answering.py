"""Is it back? What a member answers by the link in his mail, and what becomes of those who answer nothing."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from boss.core import audit, clock, scoping
from boss.core.actors import Actor
from boss.core.services import service
from ipservices.choices import BackAnswer
from ipservices.errors import AnswerTooLate, BadAnswerLink
from ipservices.models import Outage, OutageMember, OutageTicket, OutageUpdate
from ipservices.services.outages.telling import LABEL, read_token
from ticketing.choices import LinkType, TicketState
from ticketing.models import Ticket
from ticketing.services import tickets

PAGE = 100
"""Members settled in one transaction."""
_DONE = (TicketState.RESOLVED, TicketState.CLOSED)


def get_asked(presented: str) -> OutageMember:
    """The member a link was made for, in the realm entered. Raises :class:`BadAnswerLink`."""
    read = read_token(presented)
    if read is None or read[0] != scoping.current_realm_id():
        raise BadAnswerLink
    found: OutageMember | None = (
        OutageMember.objects.select_related("outage__ticket").filter(public_id=read[1], asked_at__isnull=False).first()
    )
    if found is None:
        raise BadAnswerLink
    return found


def may_answer(member: OutageMember) -> bool:
    until = member.outage.answer_until
    return member.answer == "" and until is not None and clock.now() < until


def answer(*, presented: str, is_back: bool) -> OutageMember:
    """Whoever has the link says whether his service is back. Said again, the first answer stands.

    Yes: his tickets are closed. No: they are open again, or a new one is, and the outage's ticket says so.
    Raises :class:`BadAnswerLink`, :class:`AnswerTooLate`.
    """
    member = get_asked(presented)
    return _answer(actor=Actor.system(member.realm_id, LABEL), member=member, is_back=is_back)


@service
def _answer(*, actor: Actor, member: OutageMember, is_back: bool) -> OutageMember:
    member = OutageMember.objects.select_for_update(of=("self",)).select_related("outage__ticket").get(pk=member.pk)

    if member.answer in (BackAnswer.YES, BackAnswer.NO):
        return member
    if not may_answer(member):
        raise AnswerTooLate

    member.answer, member.answered_at = BackAnswer.YES if is_back else BackAnswer.NO, clock.now()
    member.save(update_fields=["answer", "answered_at"])
    told = _close(member, actor=actor) if is_back else _take_up_again(member, actor=actor)

    audit.record(
        actor=actor, action="outage.answered", subject=member.outage,
        after={"member": member.public_id, "answer": member.answer, "tickets": told},
    )  # fmt: skip
    return member


def _close(member: OutageMember, *, actor: Actor) -> list[str]:
    """Close what was resolved; what somebody has opened again meanwhile is his."""
    closed = []
    for ticket in _tickets(member):
        if ticket.state == TicketState.RESOLVED:
            tickets.close(actor=actor, ticket=ticket)
            closed.append(ticket.number)
    return closed


def _take_up_again(member: OutageMember, *, actor: Actor) -> list[str]:
    reason = _("Answered that the service is not back after the outage.")
    found = _tickets(member)
    for ticket in found:
        if ticket.state in _DONE and not ticket.outcome:
            tickets.reopen(actor=actor, ticket=ticket, reason=reason)
            tickets.add_message(actor=actor, ticket=ticket, body=reason, kind="system")
    if not any(ticket.state not in (TicketState.CANCELLED, TicketState.MERGED) for ticket in found):
        found = [_new_ticket(member, reason, actor=actor)]
    outage = member.outage
    assert outage.ticket is not None
    numbers = ", ".join(ticket.number for ticket in found)
    note = _("Not back: %(numbers)s.") % {"numbers": numbers}
    tickets.add_message(actor=actor, ticket=outage.ticket, body=note, kind="internal")
    return [ticket.number for ticket in found]


def _new_ticket(member: OutageMember, reason: str, *, actor: Actor) -> Ticket:
    """For somebody who had none: in the category that the provider chose, as a child of the outage's ticket."""
    outage, account = member.outage, member.account
    assert outage.ticket is not None
    category = outage.trouble_category or outage.ticket.category
    made: Ticket = tickets.open(
        actor=actor,
        category_key=category.key,
        title=_("Still not working after the outage"),
        body=reason,
        subject=("subscribers.account", account.pk) if account is not None else None,
        requester=account.user if account is not None else None,
        site=member.site,
    )
    tickets.link(actor=actor, ticket=outage.ticket, type=LinkType.PARENT_OF, other=made, most=100_000)
    OutageTicket.objects.create(member=member, ticket=made)
    return made


def _tickets(member: OutageMember) -> list[Ticket]:
    rows = OutageTicket.objects.filter(member=member).select_related("ticket__category").order_by("ticket_id")
    return [row.ticket for row in rows]


# Those who answer nothing


def due_everywhere(limit: int = 100) -> list[tuple[int, int]]:
    """(realm, outage) whose time for answers is over, for the clock."""
    with scoping.dispatch_transaction("outages"):
        rows = Outage.objects.filter(answer_until__lte=clock.now(), settled_at=None).order_by("answer_until")
        return list(rows.values_list("realm_id", "pk")[:limit])


def settle(*, realm_id: int, outage_id: int) -> int:
    """Close what is left of an outage whose time for answers is over; how many members had not answered.

    Page by page: one that is cut off goes on where it was.
    """
    count = 0
    while True:
        with scoping.realm_transaction(realm_id, "outage"):
            done = _settle_some(Actor.system(realm_id, LABEL), outage_id)
        if not done:
            return count
        count += done


def _settle_some(actor: Actor, outage_id: int) -> int:
    free = Q(pk=outage_id, settled_at=None)
    outage: Outage | None = Outage.objects.select_for_update(of=("self",), skip_locked=True).filter(free).first()
    if outage is None or outage.answer_until is None or clock.now() < outage.answer_until:
        return 0
    if OutageUpdate.objects.filter(outage=outage, finished_at=None).exists():
        return 0  # not everybody has been asked yet
    rows = list(
        OutageMember.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(outage=outage, answer="", asked_at__isnull=False)
        .order_by("pk")[:PAGE]
    )
    for member in rows:
        member.answer = BackAnswer.NONE
        member.save(update_fields=["answer"])
        with transaction.atomic():
            _close(member, actor=actor)
    if rows:
        return len(rows)
    outage.settled_at = clock.now()
    outage.save(update_fields=["settled_at"])
    audit.record(actor=actor, action="outage.settled", subject=outage, after=_picture(outage))
    return 0


def _picture(outage: Outage) -> dict[str, int]:
    """How many said what."""
    answers = OutageMember.objects.filter(outage=outage).values_list("answer", flat=True)
    found = list(answers)
    return {each: found.count(each) for each in BackAnswer.values}
