"""Reads of mail: what came, what is held, what did not arrive, and the mailboxes it goes by."""

from __future__ import annotations

from boss.core.actors import Actor
from boss.core.problems import NotFound
from boss.core.scoping import ScopedQuerySet
from ticketing.choices import UNSETTLED_STATES, ParticipantState
from ticketing.errors import MailNotFound
from ticketing.models import (
    BlockedSender,
    InboundMail,
    Mailbox,
    MailGrant,
    MailSource,
    OutboundMail,
    Participant,
    RawMail,
    Ticket,
)
from ticketing.models.thread import VIEW_INTERNAL
from ticketing.selectors import whole_of


def list_inbound_mail(actor: Actor) -> ScopedQuerySet:
    """All mail that came, newest first, with what it belongs to."""
    rows: ScopedQuerySet = InboundMail.objects.visible_to(actor).select_related("mailbox", "ticket", "hint")
    return rows.order_by("-id")  # type: ignore[return-value]


def get_inbound_mail(actor: Actor, public_id: str) -> InboundMail:
    """Raises :class:`MailNotFound`."""
    mail: InboundMail | None = list_inbound_mail(actor).filter(public_id=public_id).first()
    if mail is None:
        raise MailNotFound
    return mail


def raw_of(mail: InboundMail) -> bytes:
    """The mail as it came. The caller has found ``mail`` among what he may see."""
    return bytes(RawMail.objects.get(mail=mail).content)


def list_held_mail(actor: Actor, ticket: Ticket) -> ScopedQuerySet:
    """Mail that waits at a ticket for somebody's decision."""
    rows: ScopedQuerySet = list_inbound_mail(actor).filter(ticket_id__in=whole_of(ticket), state__in=UNSETTLED_STATES)
    return rows


def list_participants(actor: Actor) -> ScopedQuerySet:
    """Who takes part in tickets, was held or is not written to, of the tickets the actor reads inside."""
    rows: ScopedQuerySet = Participant.objects.visible_to(actor, VIEW_INTERNAL).select_related("ticket", "user")
    seen = Ticket.objects.visible_to(actor, VIEW_INTERNAL)
    return rows.filter(ticket__in=seen).order_by("id")  # type: ignore[return-value]


def get_participant(actor: Actor, ticket: Ticket, public_id: str) -> Participant:
    """Raises :class:`NotFound`."""
    found: Participant | None = list_participants(actor).filter(ticket=ticket, public_id=public_id).first()
    if found is None:
        raise NotFound(participant=public_id)
    return found


def list_waiting_people(actor: Actor, ticket: Ticket) -> ScopedQuerySet:
    """Who waits to be let in: put in copy by a customer, or the first sender of what a colleague forwarded."""
    rows: ScopedQuerySet = (
        Participant.objects.visible_to(actor, VIEW_INTERNAL)
        .filter(ticket_id__in=whole_of(ticket), state=ParticipantState.HELD)
        .select_related("ticket")
    )
    return rows.order_by("id")  # type: ignore[return-value]


def list_undelivered(actor: Actor, ticket: Ticket) -> ScopedQuerySet:
    """Mails of a ticket that did not arrive, newest first."""
    rows: ScopedQuerySet = OutboundMail.objects.visible_to(actor, "ticketing.view_internal_message").filter(
        ticket_id__in=whole_of(ticket), delivery__state__in=["failed", "bounced"]
    )
    return rows.select_related("delivery").order_by("-id")  # type: ignore[return-value]


def list_blocked_senders(actor: Actor) -> ScopedQuerySet:
    rows: ScopedQuerySet = BlockedSender.objects.visible_to(actor, "ticketing.view_inboundmail").order_by("address")
    return rows


def list_mailboxes(actor: Actor) -> ScopedQuerySet:
    rows: ScopedQuerySet = Mailbox.objects.visible_to(actor).select_related("category", "source__grant")
    return rows.order_by("address")  # type: ignore[return-value]


def get_mailbox(actor: Actor, public_id: str) -> Mailbox:
    """Raises :class:`NotFound`."""
    mailbox: Mailbox | None = list_mailboxes(actor).filter(public_id=public_id).first()
    if mailbox is None:
        raise NotFound(mailbox=public_id)
    return mailbox


def find_source(mailbox: Mailbox) -> MailSource | None:
    """Where a mailbox's mail is fetched from. The caller has found ``mailbox`` among what he may see."""
    found: MailSource | None = MailSource.objects.filter(mailbox=mailbox).first()
    return found


def find_grant(source: MailSource | None) -> MailGrant | None:
    """How BOSS signs in there by OAuth 2; None while nobody has set that up. The caller has found ``source`` so."""
    found: MailGrant | None = None if source is None else MailGrant.objects.filter(source=source).first()
    return found
