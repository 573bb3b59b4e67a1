"""Putting a mail on a ticket, or opening one for it. Whether that may be is decided before."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from django.utils.translation import gettext as _

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.files import Upload
from boss.core.permissions import PermissionDenied, may
from boss.core.problems import Problem
from boss.tenancy.models import User
from boss.tenancy.selectors import actor_for_user
from ticketing import mail_limits
from ticketing.choices import LinkType, MessageKind, ParticipantRole, TicketState, Trust
from ticketing.mail import matching as reading
from ticketing.mail import parsing, wishes
from ticketing.mail.authentication import Authentication, Verified
from ticketing.mail.authorising import Verdict
from ticketing.mail.automatic import Classified
from ticketing.mail.neutral import TOO_LARGE, Address, Mail, Part
from ticketing.mail.tokens import Keyring
from ticketing.models import InboundMail, Message, Ticket
from ticketing.services import attaching, telling, tickets
from ticketing.services.mail import keys, outgoing, participants
from ticketing.services.mail.matching import Match
from ticketing.services.mail.tracing import Trace

_PREFIX = re.compile(r"^(?:(?:re|aw|sv|vs|antw|odp|fwd?|wg|tr|rv|enc)\s*(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_LONGEST_TITLE = 200

is_final = tickets.is_final


def author_of(sender: Address, user: User | None) -> Actor:
    """In whose name a mail's words stand: a known person's, or a visitor's with the address he wrote from."""
    if user is not None:
        return actor_for_user(user)
    label = f"{sender.name} <{sender.email}>" if sender.name else sender.email or _("Unknown sender")
    return Actor(scoping.current_realm_id(), "visitor", label[:200])


def answer(
    inbound: InboundMail,
    mail: Mail,
    match: Match,
    verdict: Verdict,
    verified: Verified,
    trace: Trace,
    *,
    actor: Actor,
    own: Iterable[str],
) -> Message:
    """Put the mail on the matched ticket, as the verdict says."""
    ticket = match.ticket
    assert ticket is not None
    by_staff = verdict in (Verdict.STAFF_REPLY, Verdict.NOTE, Verdict.NOTE_UNVERIFIED)
    commands: frozenset[str] = frozenset()
    body = words_of(mail)
    if verdict == Verdict.STAFF_REPLY:
        commands, body = reading.commands(body)
    inside = match.is_internal or verdict in (Verdict.NOTE, Verdict.NOTE_UNVERIFIED) or "note" in commands
    author = author_of(mail.sender, match.user)
    before = ticket.state
    message = tickets.add_mail(
        actor=actor,
        ticket=ticket,
        author=author,
        body=body or _("(no text)"),
        kind=MessageKind.INTERNAL if inside else MessageKind.PUBLIC,
        marks=marks_of(mail, verified),
        wakes=True,
    )
    inbound.message = message
    attach(inbound, mail, message, actor=author)
    # The message hangs on the ticket as it was locked: `ticket` is from before.
    was_ended = before in (TicketState.RESOLVED, TicketState.CLOSED)
    inbound.reopened = was_ended and message.ticket.state == TicketState.OPEN
    if by_staff:
        _obey(commands, ticket, author, trace)
    else:
        _hold_copies(ticket, mail, actor=actor, own=own, trace=trace)
        if mail.is_too_large:
            outgoing.tell_too_large(actor=actor, ticket=ticket, address=mail.sender)
        elif not inside:
            _ask_to_sign_in(ticket, mail, trace, actor=actor)
    return message


def fold(
    inbound: InboundMail, mail: Mail, match: Match, classified: Classified, verified: Verified, *, actor: Actor
) -> Message:
    """L3, E7: kept on the ticket for staff; it wakes nothing, tells nobody and is not shown to customers."""
    ticket = match.ticket
    assert ticket is not None
    inbound.ticket = ticket
    inbound.message = tickets.add_mail(
        actor=actor,
        ticket=ticket,
        author=author_of(mail.sender, None),
        body=words_of(mail) or _("(no text)"),
        kind=MessageKind.SYSTEM,
        marks=marks_of(mail, verified, mail_class=classified.kind),
        wakes=False,
    )
    attach(inbound, mail, inbound.message, actor=author_of(mail.sender, None))
    return inbound.message


def open_ticket(
    inbound: InboundMail,
    mail: Mail,
    match: Match,
    verified: Verified,
    classified: Classified,
    trace: Trace,
    *,
    actor: Actor,
    own: Iterable[str],
    acknowledged: bool,
    ring: Keyring | None = None,
) -> str:
    """M6 and M7: a ticket of its own. Gives the rule. ``acknowledged``: its sender is told, if not told lately.

    ``ring`` are the realm's keys, where the caller has read them.
    """
    category = inbound.mailbox.category
    is_staff = match.user is not None and match.user.kind == User.Kind.STAFF
    forwarded = is_staff and verified.result == Authentication.PASS and reading.is_forward(mail)
    # Only who is verified and is one known person has the ticket as his own; an address alone is a suggestion.
    requester = match.user if verified.result == Authentication.PASS and not is_staff else None
    if match.user is not None and requester is None and not is_staff:
        trace.say("M6", "suggestion", name=match.user.full_name)
    ticket = tickets.open(
        actor=actor, category_key=category.key, title=title_of(mail), requester=requester,
        organization=requester.organization if requester else None,
        mailed=tickets.Mailed(
            author=author_of(mail.sender, requester),
            body=words_of(mail) or _("(no text)"),
            # What a colleague wrote above the mail he forwards is for the desk, whoever becomes the requester.
            kind=MessageKind.SYSTEM
            if classified.is_automatic
            else MessageKind.INTERNAL
            if forwarded
            else MessageKind.PUBLIC,
            marks=marks_of(mail, verified, mail_class=classified.kind if classified.is_automatic else ""),
        ),
    )  # fmt: skip
    if match.follows is not None:
        tickets.link(actor=actor, ticket=ticket, type=LinkType.FOLLOW_UP_OF, other=match.follows)
        ticket.refresh_from_db()
    inbound.ticket, inbound.message = ticket, ticket.messages.get()
    attach(inbound, mail, inbound.message, actor=author_of(mail.sender, requester))
    if forwarded:
        first = reading.forwarded_from(mail, own)
        if first is not None:
            participants.offer(ticket, first, actor=author_of(mail.sender, match.user))
        trace.say("M7", "forwarded", sender=str(first.email) if first else _("unknown"))
        return "M7"
    if classified.is_automatic or not mail.sender.email:
        return "M6"
    role = ParticipantRole.STAFF if is_staff else ParticipantRole.REQUESTER
    joined = participants.join(
        ticket, mail.sender, actor=actor, role=role, user=match.user if requester or is_staff else None, is_first=True
    )
    _hold_copies(ticket, mail, actor=actor, own=own, trace=trace)
    if mail.is_too_large:
        outgoing.tell_too_large(actor=actor, ticket=ticket, address=mail.sender)
    elif acknowledged and not is_staff:
        telling.acknowledge_mail(
            actor=actor,
            ticket=ticket,
            known=outgoing.Known(ring or keys.keyring(), inbound.mailbox, joined, [mail.message_id]),
        )
        _ask_to_sign_in(ticket, mail, trace, actor=actor)
    return "M6"


def _ask_to_sign_in(ticket: Ticket, mail: Mail, trace: Trace, *, actor: Actor) -> None:
    """E5: no mail changes anything; whoever asks for it is told where he can do it, once we know who he is."""
    asked = wishes.of(mail.subject, mail.text)
    if asked:
        sent = outgoing.ask_to_sign_in(actor=actor, ticket=ticket, address=mail.sender, wishes=asked)
        what = "asks_for_change" if sent is not None else "asks_for_change_again"
        trace.say("E5", what, wishes=", ".join(each.value for each in asked))


def burst_ticket(inbound: InboundMail, *, actor: Actor) -> Ticket:
    """L5: one ticket on which the rest of what a sender pours in is held."""
    return tickets.open(
        actor=actor,
        category_key=inbound.mailbox.category.key,
        title=_("Many mails from %(sender)s") % {"sender": inbound.sender},
        dedupe_key=f"mail.burst:{inbound.sender}"[:200],
    )


def alert_about_staff(inbound: InboundMail, match: Match, *, actor: Actor) -> None:
    """Somebody writes in the name of a person of the staff: a ticket says so, one for each person."""
    assert match.user is not None
    tickets.open(
        actor=actor,
        category_key=inbound.mailbox.category.key,
        title=_("Mail in the name of %(name)s failed verification") % {"name": match.user.full_name},
        body=_("It is in quarantine and had no effect. Look at it there before anybody believes it."),
        dedupe_key=f"mail.staff:{match.user.public_id}",
    )


def has_the_right(match: Match, verdict: Verdict) -> bool:
    """Whether a person of the staff may say on a page what his mail would say: mail opens no other way in."""
    wanted = {
        Verdict.STAFF_REPLY: "ticketing.add_message",
        Verdict.NOTE: "ticketing.add_internal_message",
        Verdict.NOTE_UNVERIFIED: "ticketing.add_internal_message",
    }.get(verdict)
    if wanted is None or match.user is None or match.ticket is None:
        return True
    return may(actor_for_user(match.user), wanted, match.ticket)


def would_reopen(ticket: Ticket, verdict: Verdict) -> bool:
    return ticket.state in (TicketState.RESOLVED, TicketState.CLOSED) and verdict in (
        Verdict.REPLY,
        Verdict.REPLY_UNVERIFIED,
    )


def too_large(mail: Mail) -> Mail:
    """E3: a mail of which only the header was read."""
    return dataclasses.replace(mail, warnings=(*mail.warnings, TOO_LARGE))


def title_of(mail: Mail) -> str:
    """The subject without "Re:" and the like; something for a mail without one."""
    title = _PREFIX.sub("", mail.subject).strip()
    first = next((line.strip() for line in mail.text.splitlines() if line.strip()), "")
    return (title or first or _("(no subject)"))[:_LONGEST_TITLE]


def words_of(mail: Mail) -> str:
    """What is put on the ticket: the text, the names of files that are not kept, and a stub for what was too large."""
    if mail.is_too_large:
        return _("[This mail was too large to be taken in. It is kept as it came; its sender was told.]")
    lines = [mail.text] if mail.text else []
    lines += [_not_kept(part) for part in mail.attachments if part.refused or not part.size]
    return "\n".join(lines)


def _not_kept(part: Part) -> str:
    why = {
        "too_many": _("not kept: too many files"),
        "too_large": _("not kept: too large"),
        "executable": _("not kept: it is a program"),
    }.get(part.refused, _("empty"))
    return f"[{part.name}, {part.type}, {part.size} bytes, {why}]"


def attach(inbound: InboundMail, mail: Mail, message: Message, *, actor: Actor) -> None:
    """Put the files that came with a mail, pictures in its text among them, beside its words.

    What is refused stands there by name and reason; the mail itself is kept as it came.
    """
    wanted = [part for part in mail.attachments if part.size and not part.refused]
    if not wanted:
        return
    raw = bytes(inbound.raw.content)
    taken = mail_limits.for_reading(inbound.realm_id)
    uploads = [Upload.made(part.name, content) for part, content in parsing.contents(raw, wanted, taken)]
    attaching.keep(uploads, actor=actor, ticket=message.ticket, message=message, by_mail=True)


def marks_of(mail: Mail, verified: Verified, *, mail_class: str = "") -> tickets.MailMarks:
    return tickets.MailMarks(
        message_id=mail.message_id[:900],
        in_reply_to=next(iter(mail.in_reply_to), "")[:900],
        trust=Trust.VERIFIED if verified.result == Authentication.PASS else Trust.UNVERIFIED,
        mail_class=mail_class,
    )


def _hold_copies(ticket: Ticket, mail: Mail, *, actor: Actor, own: Iterable[str], trace: Trace) -> None:
    ours = set(own)
    copies = [each for each in (*mail.to, *mail.cc) if _plain(each.email) not in ours and not _is_report(each.email)]
    held = participants.add_copies(ticket, copies, actor=actor, without=[mail.sender.email])
    if held:
        trace.say("E7", "copies_held", who=", ".join(each.email for each in held))


def _plain(email: str) -> str:
    local, _at, domain = email.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _is_report(email: str) -> bool:
    return email.startswith("b+")


def _obey(commands: frozenset[str], ticket: Ticket, author: Actor, trace: Trace) -> None:
    """Commands of verified staff, as far as they have the right; what is refused is said in the trace."""
    done = []
    for verb in sorted(commands - {"note"}):
        try:
            if verb == "close":
                tickets.resolve(actor=author, ticket=ticket)
            else:
                tickets.claim(actor=author, ticket=ticket)
        except (Problem, PermissionDenied) as refusal:
            done.append(f"{verb} ({refusal})")
        else:
            done.append(verb)
    if done:
        trace.say("M1", "commands", which=", ".join(done))
