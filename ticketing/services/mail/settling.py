"""What people decide about held mail and mail in quarantine. Whatever they do, the mail stays as it came."""

from __future__ import annotations

from django.utils.translation import gettext as _

from boss.core import audit, clock
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy.models import User
from boss.tenancy.selectors import find_user_by_email
from ticketing import mail_limits
from ticketing.choices import UNSETTLED_STATES, InboundState, MessageKind, ParticipantRole
from ticketing.errors import MailSettled
from ticketing.links import goes_on_as
from ticketing.mail import parsing
from ticketing.mail.authentication import Authentication, Verified
from ticketing.mail.automatic import Classified, MailClass
from ticketing.mail.neutral import Address, Mail, Unparseable
from ticketing.models import BlockedSender, InboundMail, Mailbox, Ticket
from ticketing.services import tickets
from ticketing.services.mail import applying, participants
from ticketing.services.mail.matching import Match
from ticketing.services.mail.tracing import Trace

SETTLE = "ticketing.settle_inboundmail"


@service
def accept(*, actor: Actor, mail: InboundMail, as_participant: bool = False) -> InboundMail:
    """Put it on the ticket it was held at, in its sender's name; ``as_participant`` his next mails come through, too.

    Raises :class:`MailSettled`; :class:`InvalidInput` when it was held at no open ticket.
    """
    inbound = _locked(actor, mail)
    ticket: Ticket | None = inbound.ticket or inbound.hint
    ticket = ticket and goes_on_as(ticket)
    if ticket is None or tickets.is_final(ticket):
        raise InvalidInput(fields={"ticket": [_("There is no open ticket to put it on. Make it a ticket of its own.")]})
    parsed = _read(inbound)

    inbound.ticket = ticket
    user = _known(parsed)
    if as_participant and parsed.sender.email:
        participants.join(
            ticket, parsed.sender, actor=actor, role=ParticipantRole.CC, user=None if _is_staff(user) else user
        )
    inbound.message = tickets.add_mail(
        actor=actor,
        ticket=ticket,
        # Never in the name of staff: that this mail is theirs is what could not be shown.
        author=applying.author_of(parsed.sender, None if _is_staff(user) else user),
        body=applying.words_of(parsed) or _("(no text)"),
        kind=MessageKind.SYSTEM if inbound.mail_class not in ("", MailClass.HUMAN) else MessageKind.PUBLIC,
        marks=applying.marks_of(parsed, _verified(inbound), mail_class=inbound.mail_class),
        wakes=inbound.mail_class in ("", MailClass.HUMAN),
    )
    applying.attach(inbound, parsed, inbound.message, actor=actor)
    return _settled(inbound, actor, InboundState.APPLIED, "accepted")


@service
def split(*, actor: Actor, mail: InboundMail) -> InboundMail:
    """Make it a ticket of its own. Its sender is told as of any new ticket, unless his authentication failed."""
    inbound = _locked(actor, mail)
    parsed = _read(inbound)

    trace = Trace(list(inbound.trace))
    human = inbound.mail_class in ("", MailClass.HUMAN)
    applying.open_ticket(
        inbound,
        parsed,
        Match(user=_known(parsed)),
        _verified(inbound),
        Classified(MailClass.HUMAN if human else MailClass.AUTO),
        trace,
        actor=Actor.system(actor.realm_id, "E-mail"),
        own=list(Mailbox.objects.values_list("address", flat=True)),
        acknowledged=inbound.authentication != Authentication.FAIL,
    )
    inbound.trace = trace.rows
    return _settled(inbound, actor, InboundState.APPLIED, "split")


@service
def block(*, actor: Actor, mail: InboundMail) -> InboundMail:
    """Set it aside, and send whatever else comes from this address to quarantine from now on."""
    inbound = _locked(actor, mail)
    if not inbound.sender:
        raise InvalidInput(fields={"sender": [_("This mail names no sender.")]})
    if Mailbox.objects.filter(address=inbound.sender).exists() or _is_staff(find_user_by_email(inbound.sender)):
        raise InvalidInput(fields={"sender": [_("Your own people and addresses cannot be blocked.")]})

    blocked, _made = BlockedSender.objects.get_or_create(
        address=inbound.sender, defaults={"blocked_by": actor.label[:200]}
    )
    audit.record(actor=actor, action="sender.blocked", subject=blocked, after={"address": inbound.sender})
    return _settled(inbound, actor, InboundState.DISCARDED, "sender_blocked")


@service
def discard(*, actor: Actor, mail: InboundMail) -> InboundMail:
    """Set it aside: it is looked at no more, and is still there."""
    return _settled(_locked(actor, mail), actor, InboundState.DISCARDED, "discarded")


@service
def unblock(*, actor: Actor, address: str) -> None:
    """Take mail of this sender again."""
    require(actor, SETTLE)

    blocked = BlockedSender.objects.filter(address=address).first()
    if blocked is not None:
        audit.record(actor=actor, action="sender.unblocked", subject=blocked, before={"address": address}, after={})
        blocked.delete()


def _locked(actor: Actor, mail: InboundMail) -> InboundMail:
    inbound: InboundMail = InboundMail.objects.select_for_update().get(pk=mail.pk)

    require(actor, SETTLE, inbound)

    if inbound.state not in UNSETTLED_STATES:
        raise MailSettled
    return inbound


def _read(inbound: InboundMail) -> Mail:
    """The mail anew. What cannot be read is put where people want it as a stub; they see it as text beside."""
    raw = bytes(inbound.raw.content)
    taken = mail_limits.for_reading(inbound.realm_id)
    try:
        return (
            parsing.parse(raw, taken) if len(raw) <= taken.raw else applying.too_large(parsing.peek(raw, taken))
        )  # fmt: skip
    except Unparseable:
        return Mail(
            headers={}, sender=Address(inbound.sender, inbound.sender_name), senders=0, to=(), cc=(), reply_to=(),
            subject=inbound.subject, message_id=inbound.mail_id, in_reply_to=(), references=(),
            text=_("(This mail cannot be read safely. It is kept as it came.)"), attachments=(),
            body_hash="", content_type="",
        )  # fmt: skip


def _verified(inbound: InboundMail) -> Verified:
    return Verified(Authentication(inbound.authentication or Authentication.NONE))


def _known(parsed: Mail) -> User | None:
    user = find_user_by_email(parsed.sender.email) if parsed.sender.email else None
    return user if user is not None and user.is_active else None


def _is_staff(user: User | None) -> bool:
    return user is not None and user.kind == User.Kind.STAFF


def _settled(inbound: InboundMail, actor: Actor, state: str, what: str) -> InboundMail:
    before = {"state": inbound.state}
    inbound.trace = [*inbound.trace, {"rule": "C10", "what": what, "values": {"by": actor.label}}]
    inbound.state, inbound.settled_at, inbound.settled_by = state, clock.now(), actor.label[:200]
    inbound.save()
    audit.record(
        actor=actor, action="inbound_mail.decided", subject=inbound, before=before, after={"state": state, "by": what}
    )
    return inbound
