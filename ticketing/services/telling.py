"""Telling people what happened on a ticket: everything that is told goes through the notification matrix.

Who, how and when is ``recipients.plan``'s to say; here it is done. Each is told once: every notice and every mail has a
key of the event, so a fact delivered twice is told once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from boss.core import scoping
from boss.core.actors import Actor
from boss.notify.rendering import home_of
from boss.notify.services import messages
from boss.tenancy.selectors import get_realm
from ticketing import mail_texts, placeholders, selectors
from ticketing.choices import MessageChannel, MessageKind, OutboundKind, ParticipantRole, TicketState
from ticketing.mail import composing
from ticketing.mail.neutral import Address
from ticketing.models import InboundMail, Message, OutboundMail, Participant, Ticket, TicketEvent
from ticketing.services import notices, recipients
from ticketing.services.mail import outgoing, participants
from ticketing.services.recipients import Cause, Plan, Recipient
from ticketing.telling import Audience, Channel, Event

MACHINE = "E-mail"
_ENDS = frozenset({Event.RESOLVED, Event.CLOSED, Event.STATE_CHANGED})


def acknowledge_mail(*, actor: Actor, ticket: Ticket, known: outgoing.Known) -> OutboundMail | None:
    """L4: what a mail has opened is confirmed to its sender, in the transaction in which it was read."""
    row = recipients.matrix_of(ticket).row(Event.OPENED, Audience.REQUESTER)
    if row is None or Channel.MAIL.value not in row.channels:
        return None
    at = recipients.moment(ticket, row)
    to = outgoing.To(known.requester, _filled(row.wording, actor, ticket), at)
    return outgoing.acknowledge(actor=actor, ticket=ticket, to=to, known=known)


def opened(ticket: Ticket) -> None:
    """A ticket was opened. Who wrote a mail was told when it was read, if he was to be."""
    first = Message.objects.filter(ticket=ticket, channel=MessageChannel.MAIL).order_by("seq").first()
    begun = TicketEvent.objects.filter(ticket=ticket).order_by("seq").first()
    cause = _by(begun) if first is None else cause_of(first)
    told = recipients.plan(ticket, Event.OPENED, cause=cause)
    if first is not None:
        told.told = told.staff()
    _carry_out(ticket, told, _Said(seq=1, text=lambda: _("Opened by %(who)s") % {"who": ticket.opened_by}))


def said(ticket: Ticket, message: Message) -> None:
    """Something was said on it. What the machine says is told to nobody, and so is what no person wrote (L3)."""
    event = event_of(message)
    if event is None:
        return
    every: dict[Event, Callable[[], str]] = {
        Event.STAFF_REPLY: lambda: _("%(who)s has answered the customer"),
        Event.CUSTOMER_REPLY: lambda: _("The customer has written: %(who)s"),
        Event.NOTE: lambda: _("Note of %(who)s"),
    }
    words = every[event]
    told = recipients.plan(ticket, event, cause=cause_of(message))
    _carry_out(
        ticket,
        told,
        _Said(
            seq=message.seq,
            text=lambda: words() % {"who": message.author_label},
            news=lambda: (
                _("there is a new message of %(who)s on the request %(number)s.")
                % {"who": message.author_label, "number": ticket.number}
            ),
            message=message,
        ),
    )


def resolved(ticket: Ticket) -> None:
    """It was resolved, and still is."""
    if ticket.state not in (TicketState.RESOLVED, TicketState.CLOSED):
        return
    rows = TicketEvent.objects.filter(ticket=ticket, after__state=TicketState.RESOLVED.value)
    done = rows.order_by("-seq").first()
    told = recipients.plan(ticket, Event.RESOLVED, cause=_by(done))
    who = ticket.resolved_by
    _carry_out(
        ticket,
        told,
        _Said(seq=done.seq if done else ticket.version, text=lambda: _("Resolved by %(who)s") % {"who": who}),
    )


def moved(ticket: Ticket, seq: int) -> None:
    """It has another owner or another state. One change is told as one event: a new owner goes first."""
    row: TicketEvent | None = TicketEvent.objects.filter(ticket=ticket, seq=seq).first()
    if row is None:
        return
    state, owner = row.after.get("state"), row.after.get("assignee")
    if owner and owner != row.before.get("assignee"):
        event = Event.ASSIGNED
    elif state == TicketState.RESOLVED or state == row.before.get("state"):
        return  # the fact of the resolution tells it
    else:
        event = Event.CLOSED if state == TicketState.CLOSED else Event.STATE_CHANGED
    words: dict[Event, Callable[[], str]] = {
        Event.ASSIGNED: lambda: _("Given to %(who)s by %(by)s") % {"who": owner, "by": row.actor_label},
        Event.CLOSED: lambda: _("Closed by %(by)s") % {"by": row.actor_label},
        Event.STATE_CHANGED: lambda: (
            _("%(by)s: now %(state)s") % {"by": row.actor_label, "state": selectors.status_of(ticket).label}
        ),
    }
    _carry_out(
        ticket,
        recipients.plan(ticket, event, cause=_by(row)),
        _Said(seq=seq, text=words[event], news=lambda: _news_of_state(ticket, event)),
    )


def lies_unassigned(ticket: Ticket, *, minutes: int, since: dt.datetime) -> Plan:
    """Nobody has taken it for too long."""
    told = recipients.plan(ticket, Event.UNASSIGNED, cause=Cause())
    text = _("Nobody has it for %(n)s minutes")
    _carry_out(ticket, told, _Said(seq=int(since.timestamp()), text=lambda: text % {"n": minutes}))
    return told


def remind(ticket: Ticket, *, number: int, since: dt.datetime) -> Plan:
    """The customer has not answered for some days."""
    told = recipients.plan(ticket, Event.REMINDER, cause=Cause())
    _carry_out(
        ticket,
        told,
        _Said(
            seq=int(since.timestamp()),
            again=f"-{number}",
            text=lambda: _("No answer of the customer yet, reminder %(n)s") % {"n": number},
            news=lambda: (
                _("we are waiting for your answer to go on with your request %(number)s.") % {"number": ticket.number}
            ),
        ),
    )
    return told


def event_of(message: Message) -> Event | None:
    """What a message is to those who are told of it."""
    if message.kind == MessageKind.INTERNAL:
        return Event.NOTE
    if message.kind != MessageKind.PUBLIC:
        return None
    if message.from_customer:
        return Event.CUSTOMER_REPLY
    return Event.STAFF_REPLY if message.author_kind == "user" else None


def cause_of(message: Message) -> Cause:
    """Who said it. Of somebody we only know by his mail the address it came from."""
    address = ""
    if message.channel == MessageChannel.MAIL and message.author_kind != "user":
        address = InboundMail.objects.filter(message=message).values_list("sender", flat=True).first() or ""
    user_id = message.author_id if message.author_kind == "user" else None
    return Cause(user_id, address, bool(message.mail_class))


def _by(row: TicketEvent | None) -> Cause:
    return Cause(row.actor_id if row is not None and row.actor_kind == "user" else None)


def _news_of_state(ticket: Ticket, event: Event) -> str:
    if event == Event.CLOSED:
        return _("your request %(number)s is closed.") % {"number": ticket.number}
    return _("your request %(number)s is now: %(state)s.") % {
        "number": ticket.number, "state": selectors.status_of(ticket).words_for("end_user"),
    }  # fmt: skip


# Carrying it out


@dataclass(frozen=True, slots=True)
class _Said:
    """What is told: ``text`` to staff, ``news`` to customers where the event has no mail of its own. Made for each in
    his own language."""

    seq: int
    text: Callable[[], str]
    news: Callable[[], str] = field(default=lambda: "")
    message: Message | None = None
    again: str = ""


def _carry_out(ticket: Ticket, told: Plan, what: _Said) -> None:
    actor = Actor.system(scoping.current_realm_id(), MACHINE)
    for each in told.staff():
        _notify(ticket, each, told.event, what, actor)
    customers = told.customers()
    if customers and outgoing.goes_by_mail(ticket):
        _write_to(ticket, customers, told.event, what, actor)
    else:
        for each in customers:
            _write_plainly(ticket, each, told.event, what)


def _notify(ticket: Ticket, each: Recipient, event: str, what: _Said, actor: Actor) -> None:
    assert each.user is not None
    with translation.override(each.user.language):
        text = _filled(each.row.wording, actor, ticket) or what.text()
    notices.tell(
        ticket,
        each.user,
        key=f"{event}:{ticket.pk}:{what.seq}{what.again}",
        text=text,
        due_at=each.at,
        gathers=each.row.wait > 0,
        by_mail=Channel.MAIL.value in each.channels,
        in_app=Channel.IN_APP.value in each.channels,
        after_end=event in _ENDS,
    )


def _write_to(ticket: Ticket, customers: list[Recipient], event: str, what: _Said, actor: Actor) -> None:
    """By mail that can be answered: what people wrote as theirs, the rest under the caps of what a machine sends."""
    to = [
        outgoing.To(_participant(ticket, each, actor), _filled(each.row.wording, actor, ticket), each.at)
        for each in customers
    ]
    if event == Event.STAFF_REPLY and what.message is not None:
        outgoing.answer(actor=actor, ticket=ticket, message=what.message, to=to)
        return
    for each in to:
        if event == Event.OPENED:
            outgoing.acknowledge(actor=actor, ticket=ticket, to=each)
        elif event == Event.RESOLVED:
            outgoing.tell_resolved(actor=actor, ticket=ticket, to=each)
        else:
            user = each.participant.user
            context = _news(what, user.language if user is not None else _language())
            about = f"{event}:{what.seq}{what.again}"
            outgoing.tell_news(actor=actor, ticket=ticket, to=each, about=about, context=context)


def _write_plainly(ticket: Ticket, each: Recipient, event: str, what: _Said) -> None:
    """Where the realm has no address for answers: a mail with a link to the portal."""
    assert each.user is not None
    realm_id = scoping.current_realm_id()
    is_owner = each.audience == Audience.OWNER
    context: dict[str, Any] = {
        "name": each.user.get_short_name(),
        "number": ticket.number,
        "title": ticket.title,
        "wording": _filled(each.row.wording, Actor.system(realm_id), ticket),
        "link": f"{home_of(realm_id)}{'owner' if is_owner else 'my'}/tickets/{ticket.public_id}/",
    }
    other = f":{each.user.public_id}" if is_owner else ""
    files: list[tuple[int, str, str]] = []
    if event == Event.OPENED:
        kind, key = OutboundKind.RECEIVED, f"ticketing.received:{ticket.public_id}"
    elif event == Event.RESOLVED:
        kind, key = OutboundKind.RESOLVED, f"ticketing.resolved:{ticket.public_id}:{ticket.reopen_count}"
    elif event == Event.STAFF_REPLY and what.message is not None:
        kind, key = OutboundKind.ANSWER, f"ticketing.answer:{what.message.public_id}"
        goes, stays = outgoing.along(what.message)
        files = outgoing.parts_of(goes)
        context |= {
            "author": what.message.author_label,
            "body": what.message.body,
            "files": [one.name for one in goes],
            "not_sent": [one.name for one in stays],
        }
    else:
        kind, key = OutboundKind.NEWS, f"ticketing.news:{ticket.public_id}:{event}:{what.seq}{what.again}"
        context |= _news(what, each.user.language)
    own_words = mail_texts.written(kind, each.user.language, ticket, context)
    if own_words:
        context |= {"written": own_words, "subject": composing.subject(ticket.title, ticket.number)}
    messages.send(
        actor=Actor.system(realm_id),
        template="ticket_written" if own_words else f"ticket_{kind}",
        to=[(each.user.email, each.user.full_name)],
        context=context,
        key=f"{key}{other}",
        language=each.user.language,
        not_before=each.at,
        files=files,
    )


def _news(what: _Said, language: str) -> Mapping[str, Any]:
    with translation.override(language):
        return {"news": what.news() or what.text(), "body": what.message.body if what.message else ""}


def _participant(ticket: Ticket, each: Recipient, actor: Actor) -> Participant:
    """Whoever is written to takes part, so that his answer is let in."""
    if each.participant is not None:
        return each.participant
    role = ParticipantRole.SITE_OWNER if each.audience == Audience.OWNER else ParticipantRole.REQUESTER
    return participants.join(
        ticket, Address(each.address.lower(), each.name), actor=actor, role=role, user=each.user
    )  # fmt: skip


def _filled(wording: str, actor: Actor, ticket: Ticket) -> str:
    return placeholders.fill(wording, placeholders.values(actor, ticket)).text if wording else ""


def _language() -> str:
    return next(iter(get_realm(scoping.current_realm_id()).languages), "en")
