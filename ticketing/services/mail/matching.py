"""Rules M1 to M7 against the realm's rows: which ticket a mail belongs to, and who its sender is there."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from boss.core import clock
from boss.tenancy.models import User
from boss.tenancy.selectors import find_user_by_email
from ticketing.choices import MessageKind, ParticipantState
from ticketing.links import goes_on_as
from ticketing.mail import tokens
from ticketing.mail.authorising import Sender
from ticketing.mail.matching import Clues
from ticketing.mail.neutral import Mail
from ticketing.models import InboundMail, Message, OutboundMail, Participant, Ticket
from ticketing.services.mail.tracing import Trace

STORED_FOR = dt.timedelta(days=180)
SAME_CONVERSATION = dt.timedelta(days=7)


@dataclass(slots=True)
class Match:
    """``ticket`` None: it opens one (M6). ``hint`` is a ticket it may belong to, which people decide; ``follows`` is
    the closed ticket that it answers, of which a new one is the follow-up."""

    rule: str = "M6"
    ticket: Ticket | None = None
    hint: Ticket | None = None
    sender: Sender = Sender.NOBODY
    user: User | None = None
    participant: Participant | None = None
    is_internal: bool = False
    follows: Ticket | None = None
    participants: list[Participant] | None = None
    """Of the matched ticket, where they had to be read to find it."""


def find(mail: Mail, clues: Clues, keys: tokens.Keyring, trace: Trace) -> Match:
    """The first rule that hits wins. Every look is written into ``trace``."""
    match = Match(user=_active_user(mail.sender.email))
    issued_to = _by_token(match, clues, keys, trace) or _by_minted(match, clues, trace)
    for each in clues.forged[:3]:
        trace.say("M2", "forged", id=each[:80])
    if match.ticket is None:
        _by_stored(match, mail, clues, trace)
    if match.ticket is None and clues.tag:
        _by_tag(match, clues, trace)
    _follow_merge(match, trace)
    if match.ticket is not None:
        if match.participants is None:
            match.participants = list(Participant.objects.filter(ticket=match.ticket, email=mail.sender.email))
        match.participant = next((each for each in match.participants if each.email == mail.sender.email), None)
        match.sender = _sender(match, issued_to)
        if match.rule in ("M3", "M5") and match.sender not in (
            Sender.PARTICIPANT, Sender.STAFF, Sender.STAFF_WITHOUT_TOKEN
        ):  # fmt: skip
            # A reference anybody may have seen or guessed lets no stranger in; people are told where it points.
            trace.say(match.rule, "only_a_hint", number=match.ticket.number)
            match.hint, match.ticket, match.rule, match.sender = match.ticket, None, "M6", Sender.NOBODY
    return match


def _follow_merge(match: Match, trace: Trace) -> None:
    """M6: what answers a merged ticket belongs to the one that goes on. Who its sender is there is asked there."""
    if match.ticket is not None and match.ticket.merged_into_id is not None:
        goes_on = goes_on_as(match.ticket)
        trace.say("M6", "merged", number=match.ticket.number, other=goes_on.number)
        match.ticket, match.participants = goes_on, None


def _active_user(email: str) -> User | None:
    user = find_user_by_email(email) if email else None
    return user if user is not None and user.is_active else None


def _by_token(match: Match, clues: Clues, keys: tokens.Keyring, trace: Trace) -> Participant | None:
    if clues.token is None:
        return None
    ticket = Ticket.objects.select_related("category").filter(public_id=clues.token.ticket).first()
    if ticket is not None:
        participants: list[Participant] = list(Participant.objects.filter(ticket=ticket))
        for each in participants:
            if tokens.is_token_of(keys, clues.token, each.public_id):
                match.rule, match.ticket, match.participants = "M1", ticket, participants
                trace.say("M1", "token", number=ticket.number, issued_to=each.email)
                return each
    trace.say("M1", "token_invalid")
    return None


def _by_minted(match: Match, clues: Clues, trace: Trace) -> Participant | None:
    for each in clues.minted:
        sent = (
            OutboundMail.objects.select_related("ticket__category", "participant", "message")
            .filter(public_id=each.public_id)
            .first()
        )
        if sent is not None:
            match.rule, match.ticket = "M2", sent.ticket
            trace.say("M2", "our_id", number=sent.ticket.number, issued_to=sent.address)
            participant: Participant = sent.participant
            return participant
    return None


def _by_stored(match: Match, mail: Mail, clues: Clues, trace: Trace) -> None:
    since = clock.now() - STORED_FOR
    rows = Message.objects.filter(message_id__in=clues.ids, at__gt=since).select_related("ticket__category")
    by_id = {row.message_id: row for row in rows.order_by("id")} if clues.ids else {}
    for each in clues.ids:
        if each in by_id:
            found = by_id[each]
            match.rule, match.ticket = "M3", found.ticket
            # E8: an answer to what was said inside stays inside.
            match.is_internal = found.kind == MessageKind.INTERNAL
            trace.say("M3", "stored_id", number=found.ticket.number)
            return
    if not mail.thread_root or not mail.sender.email:
        return
    earlier = (
        InboundMail.objects.select_related("ticket__category")
        .filter(
            sender=mail.sender.email, thread_root=mail.thread_root, ticket__isnull=False,
            received_at__gt=clock.now() - SAME_CONVERSATION,
        )
        .order_by("-id")
        .first()
    )  # fmt: skip
    if earlier is not None:
        match.rule, match.ticket = "M3", earlier.ticket
        trace.say("M3", "same_conversation", number=earlier.ticket.number)


def _by_tag(match: Match, clues: Clues, trace: Trace) -> None:
    ticket = Ticket.objects.select_related("category").filter(number=clues.tag).first()
    if ticket is not None:
        match.rule, match.ticket = "M5", ticket
        trace.say("M5", "tag", number=ticket.number)


def _sender(match: Match, issued_to: Participant | None) -> Sender:
    if match.user is not None and match.user.kind == User.Kind.STAFF:
        mine = issued_to is not None and issued_to.user_id == match.user.pk
        return Sender.STAFF if mine else Sender.STAFF_WITHOUT_TOKEN
    if match.participant is not None and match.participant.state == ParticipantState.ACCEPTED:
        return Sender.PARTICIPANT
    if match.ticket is not None and match.user is not None and match.ticket.requester_id == match.user.pk:
        return Sender.PARTICIPANT  # opened on a page, and nobody has written to him by mail yet
    return Sender.SUBSCRIBER if match.user is not None else Sender.UNKNOWN
