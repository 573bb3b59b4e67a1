"""The way out: what is said on a ticket goes to each who takes part in it, by a mail of its own (rules O1, O2, O4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from boss.core import clock
from boss.core.actors import Actor
from boss.core.models import FileScan
from boss.notify.rendering import home_of
from boss.notify.services import messages
from boss.tenancy.selectors import get_brand, get_realm
from ticketing import file_limits, mail_limits, mail_texts, upload_links
from ticketing.choices import MessageKind, OutboundKind, ParticipantRole, ParticipantState
from ticketing.mail import composing, tokens
from ticketing.mail.neutral import Address
from ticketing.mail.wishes import Wish
from ticketing.models import (
    Attachment,
    InboundMail,
    Mailbox,
    Message,
    OutboundMail,
    Participant,
    Ticket,
)
from ticketing.services.mail import keys, limits, participants


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a ticket that a mail has opened in this transaction, and need not be read again."""

    keys: tokens.Keyring
    mailbox: Mailbox
    requester: Participant
    references: Sequence[str]


@dataclass(frozen=True, slots=True)
class To:
    """Whom a mail goes to, what stands on top of it, and when it leaves (None: at once)."""

    participant: Participant
    wording: str = ""
    at: dt.datetime | None = None


def mailbox_of(ticket: Ticket) -> Mailbox | None:
    """The address a ticket is written from: the one it came by, else its category's, else the realm's first."""
    came_by = (
        InboundMail.objects.filter(ticket=ticket, mailbox__is_active=True)
        .select_related("mailbox")
        .order_by("id")
        .first()
    )
    if came_by is not None:
        found: Mailbox = came_by.mailbox
        return found
    active = Mailbox.objects.filter(is_active=True).order_by("id")
    of_category: Mailbox | None = active.filter(category_id=ticket.category_id).first()
    return of_category or active.first()


def goes_by_mail(ticket: Ticket) -> bool:
    """Whether what is said on a ticket leaves as mail that can be answered."""
    if mailbox_of(ticket) is None:
        return False
    outside = Participant.objects.filter(
        ticket=ticket, role__in=[ParticipantRole.REQUESTER, ParticipantRole.CC], state=ParticipantState.ACCEPTED
    )
    return bool(ticket.category.portal_visible or outside.exists())


def answer(*, actor: Actor, ticket: Ticket, message: Message, to: Iterable[To]) -> list[OutboundMail]:
    """Send what staff have said to those who are told. Said twice, it is sent once."""
    if message.kind != MessageKind.PUBLIC:
        return []
    before = (
        Message.objects.filter(ticket=ticket, kind=MessageKind.PUBLIC, seq__lt=message.seq).order_by("-seq").first()
    )
    goes, stays = along(message)
    context = {
        "author": message.author_label,
        "files": [each.name for each in goes],
        "not_sent": [each.name for each in stays],
        "body": message.body,
        "quoted": composing.quoted(before.author_label, before.body) if before else "",
    }
    sent = []
    for one in to:
        each = one.participant
        key = f"ticketing.answer:{message.public_id}:{each.public_id}"
        sent.append(
            _send(
                actor, ticket, each, OutboundKind.ANSWER, "ticket_answer", {**context, "wording": one.wording}, key,
                message=message, author=message.author_label, files=parts_of(goes), not_before=one.at,
            )
        )  # fmt: skip
    return sent


def answer_automatically(*, actor: Actor, ticket: Ticket, message: Message) -> OutboundMail | None:
    """Send the requester what a rule has said, once. None when he is sent nothing: no address, or too much of it."""
    participants.ensure_requester(ticket, actor=actor)
    requester = Participant.objects.filter(
        ticket=ticket, role=ParticipantRole.REQUESTER, state=ParticipantState.ACCEPTED
    ).first()
    if requester is None:
        return None
    context = {"author": message.author_label, "body": message.body, "quoted": ""}
    again = f":{message.public_id}"
    return _automatic(
        actor, ticket, To(requester), OutboundKind.ANSWER, "ticket_answer", context, "auto-generated", again=again
    )


def along(message: Message) -> tuple[list[Attachment], list[Attachment]]:
    """The files of a message that go along with its mail, and those too large for one: they wait on the page."""
    room = file_limits.of_realm(message.realm_id).mail_mib * file_limits.MIB
    goes: list[Attachment] = []
    stays: list[Attachment] = []
    for each in Attachment.objects.filter(message=message).exclude(scan=FileScan.BLOCKED).order_by("id"):
        fits = each.size <= room
        (goes if fits else stays).append(each)
        room -= each.size if fits else 0
    return goes, stays


def parts_of(attachments: Sequence[Attachment]) -> list[tuple[int, str, str]]:
    """Files as the post room takes them."""
    return [(each.file_id, each.name, each.media_type) for each in attachments]


def acknowledge(*, actor: Actor, ticket: Ticket, to: To, known: Known | None = None) -> OutboundMail | None:
    """L4: tell the requester the number of his ticket, once a day for each sender and category."""
    if limits.was_acknowledged(to.participant.email, ticket.category_id):
        return None
    return _automatic(
        actor, ticket, to, OutboundKind.RECEIVED, "ticket_received", {}, "auto-replied", fresh=known
    )  # fmt: skip


def tell_resolved(*, actor: Actor, ticket: Ticket, to: To) -> OutboundMail | None:
    """Tell somebody that it is done."""
    again = f":{ticket.reopen_count}{_of_others(to)}"
    return _automatic(actor, ticket, to, OutboundKind.RESOLVED, "ticket_resolved", {}, "auto-generated", again=again)


def tell_news(
    *, actor: Actor, ticket: Ticket, to: To, about: str, context: Mapping[str, Any]
) -> OutboundMail | None:  # fmt: skip
    """Tell somebody something else, once: ``about`` names it on this ticket."""
    again = f":{about}{_of_others(to)}"
    return _automatic(actor, ticket, to, OutboundKind.NEWS, "ticket_news", dict(context), "auto-generated", again=again)


def _of_others(to: To) -> str:
    """Of one event the requester's mail has the short key, each other's its own."""
    return "" if to.participant.role == ParticipantRole.REQUESTER else f":{to.participant.public_id}"


def tell_too_large(*, actor: Actor, ticket: Ticket, address: Address) -> None:
    """E3: once a day, that his mail was too large and where to put what he wanted to send."""
    recent = OutboundMail.objects.filter(address=address.email, kind=OutboundKind.TOO_LARGE)
    if recent.filter(at__gt=clock.now() - limits.DAY).exists():
        return
    participant = Participant.objects.filter(
        ticket=ticket, email=address.email, state=ParticipantState.ACCEPTED
    ).first()
    if participant is None:
        return
    again = f":{OutboundMail.objects.filter(ticket=ticket).count()}"
    to = To(participant)
    context: dict[str, Any] = {"most": mail_limits.of_realm(ticket.realm_id).raw_mib}
    if participant.role != ParticipantRole.STAFF:  # they have the console
        context |= {"upload_link": upload_links.link(participant), "days": upload_links.VALID_FOR.days}
    _automatic(actor, ticket, to, OutboundKind.TOO_LARGE, "ticket_too_large", context, "auto-replied", again=again)


def ask_to_sign_in(*, actor: Actor, ticket: Ticket, address: Address, wishes: Sequence[Wish]) -> OutboundMail | None:
    """E5: where he can do himself, signed in, what he has asked for by mail. Once on a ticket for each kind of it."""
    participant = Participant.objects.filter(
        ticket=ticket, email=address.email, state=ParticipantState.ACCEPTED
    ).first()
    if participant is None or not wishes:
        return None
    home = home_of(ticket.realm_id)
    if wishes[0] in (Wish.CONTACT, Wish.ACCOUNT):
        page = f"{home}account/"
    elif participant.user_id is not None and participant.user_id == ticket.requester_id:
        page = f"{home}my/tickets/{ticket.public_id}/"
    else:
        page = f"{home}my/"
    context = {"what": ", ".join(str(each.label) for each in wishes), "link": page}
    again = ":" + "+".join(each.value for each in wishes)
    return _automatic(
        actor, ticket, To(participant), OutboundKind.SIGN_IN, "ticket_sign_in", context, "auto-replied", again=again
    )


def _automatic(
    actor: Actor,
    ticket: Ticket,
    to: To,
    kind: str,
    template: str,
    context: dict[str, Any],
    automatic: str,
    *,
    again: str = "",
    fresh: Known | None = None,
) -> OutboundMail | None:
    key = f"ticketing.{kind}:{ticket.public_id}{again}"
    if fresh is None and _sent_before(ticket, key) is not None:
        return None
    if not limits.may_send(actor, to.participant.email, ticket, is_new=fresh is not None):
        return None
    context = {**context, "wording": to.wording}
    return _send(
        actor, ticket, to.participant, kind, template, context, key, automatic=automatic, fresh=fresh,
        not_before=to.at,
    )  # fmt: skip


def _sent_before(ticket: Ticket, key: str) -> OutboundMail | None:
    found: OutboundMail | None = OutboundMail.objects.filter(ticket=ticket, delivery__message__key=key).first()
    return found


def _send(
    actor: Actor,
    ticket: Ticket,
    participant: Participant,
    kind: str,
    template: str,
    context: dict[str, Any],
    key: str,
    *,
    message: Message | None = None,
    author: str = "",
    automatic: str = "",
    fresh: Known | None = None,
    files: Sequence[tuple[int, str, str]] = (),
    not_before: dt.datetime | None = None,
) -> OutboundMail:
    """An automatic mail that was sent before is not asked for again; one of people is given as it was sent."""
    known = None if automatic else _sent_before(ticket, key)
    if known is not None:
        return known
    mailbox = fresh.mailbox if fresh else mailbox_of(ticket)
    assert mailbox is not None
    keyring, realm = fresh.keys if fresh else keys.keyring(), get_realm(ticket.realm_id)
    sent = OutboundMail(
        ticket=ticket, participant=participant, message=message, kind=kind, is_automatic=bool(automatic),
        address=participant.email,
    )  # fmt: skip
    sent.mail_id = tokens.mint_id(keyring, mailbox.domain, kind="t", public_id=sent.public_id, seq=ticket.version)
    headers = composing.headers(
        keyring,
        mailbox=mailbox.address,
        brand=get_brand(ticket.realm_id).name,
        author=author,
        instance=realm.key,
        ticket=ticket.public_id,
        participant=participant.public_id,
        message_id=sent.mail_id,
        references=fresh.references if fresh else _references(ticket),
        automatic=automatic,
    )
    language = participant.user.language if participant.user else next(iter(realm.languages), "en")
    context = {
        "name": participant.user.get_short_name() if participant.user else participant.name or participant.email,
        "number": ticket.number,
        "title": ticket.title,
        "subject": composing.subject(ticket.title, ticket.number),
        "link": f"{home_of(ticket.realm_id)}my/tickets/{ticket.public_id}/",
        "by_mail": True,
        **context,
    }
    own_words = mail_texts.written(kind, language, ticket, context)
    written = messages.send(
        actor=actor,
        template="ticket_written" if own_words else template,
        to=[(participant.email, participant.name)],
        context=context | {"written": own_words},
        key=key,
        language=language,
        headers=headers,
        envelope_from=composing.envelope_sender(keyring, mailbox.address, sent.public_id),
        files=files,
        not_before=not_before,
    )
    sent.delivery = written.deliveries.get()
    sent.save()
    return sent


def _references(ticket: Ticket) -> list[str]:
    """The ids of the ticket's last public mails, ours and theirs, oldest first."""
    most = composing.MOST_REFERENCES
    came = Message.objects.filter(ticket=ticket, kind=MessageKind.PUBLIC).exclude(message_id="").order_by("-id")
    went = OutboundMail.objects.filter(ticket=ticket).order_by("-id")
    dated = [*came.values_list("at", "message_id")[:most], *went.values_list("at", "mail_id")[:most]]
    return [each for _at, each in sorted(dated)][-most:]
