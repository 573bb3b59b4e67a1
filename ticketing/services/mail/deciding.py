"""What becomes of a mail (rule E4): own, report, blocked, match, authorise, apply, notify. In one transaction.

Every decision stands in the mail's trace.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import BooleanField, Case, When

from boss.core import audit, clock, locks
from boss.core.actors import Actor
from boss.tenancy.models import User
from ticketing.choices import InboundState
from ticketing.mail import matching as reading
from ticketing.mail import tokens
from ticketing.mail.authentication import NOTHING, Authentication, Verified
from ticketing.mail.authorising import Sender, Verdict, decide
from ticketing.mail.automatic import Classified, MailClass
from ticketing.mail.limits import DEFAULT, Limits
from ticketing.mail.neutral import Mail
from ticketing.models import BlockedSender, InboundMail
from ticketing.services.mail import applying, bouncing, limits, matching
from ticketing.services.mail.matching import Match
from ticketing.services.mail.tracing import Trace


@dataclass(slots=True)
class Read:
    """What is known of a mail before the realm's rows are asked."""

    raw: bytes
    keys: tokens.Keyring
    own: frozenset[str]
    limits: Limits = DEFAULT
    mail: Mail | None = None
    classified: Classified = field(default_factory=lambda: Classified(MailClass.HUMAN))
    verified: Verified = NOTHING
    trouble: str = ""


def is_own(mail: Mail, keys: tokens.Keyring) -> bool:
    """L1: we have sent it, as a signature of ours says."""
    minted = tokens.read_id(keys, mail.message_id)
    return (minted is not None and minted.is_ours) or tokens.is_own_origin(keys, mail.header("x-boss-origin"))


def settle(inbound: InboundMail, read: Read) -> None:
    """Decide, do it, and write down why. ``inbound`` is locked and ``received``."""
    actor = Actor.system(inbound.realm_id, "E-mail")
    trace = Trace(list(inbound.trace))
    trace.say("E2", "stored", mailbox=inbound.mailbox.address)
    if read.mail is None:
        trace.say("E3", "unparseable", why=read.trouble)
        end(inbound, trace, InboundState.QUARANTINED, "E3", actor=actor)
        return
    _describe(inbound, read)
    for warning in read.mail.warnings:
        trace.say("E3", "warning", sign=warning)
    if _is_settled_by_its_kind(inbound, read, trace, actor=actor):
        return

    found = reading.clues(read.mail, read.keys, envelope_to=inbound.envelope_to)
    trace.say("E4", "authentication", result=read.verified.result, policy=read.verified.policy)
    match = matching.find(read.mail, found, read.keys, trace)
    inbound.hint = match.hint
    if match.ticket is None:
        trace.say("M6", "new")
    if read.classified.is_automatic:
        _settle_automatic(inbound, read, match, trace, actor=actor)
    else:
        _settle_human(inbound, read, match, trace, actor=actor)


def _is_settled_by_its_kind(inbound: InboundMail, read: Read, trace: Trace, *, actor: Actor) -> bool:
    """Own mail, duplicates, reports, blocked senders: what needs no ticket to be decided."""
    mail = read.mail
    assert mail is not None
    if is_own(mail, read.keys):
        trace.say("L1", "own")
        end(inbound, trace, InboundState.OWN, "L1", actor=actor)
        return True
    if mail.message_id and _is_duplicate(inbound, trace):
        end(inbound, trace, InboundState.DUPLICATE, "E1", actor=actor)
        return True
    if read.classified.kind == MailClass.BOUNCE:
        _settle_report(inbound, read, trace, actor=actor)
        return True
    if _is_blocked(mail.sender.email):
        trace.say("E4", "blocked")
        end(inbound, trace, InboundState.QUARANTINED, "E4", actor=actor)
        return True
    return False


def _describe(inbound: InboundMail, read: Read) -> None:
    mail = read.mail
    assert mail is not None
    inbound.sender, inbound.sender_name = mail.sender.email, mail.sender.name
    inbound.subject, inbound.mail_id, inbound.thread_root = mail.subject, mail.message_id, mail.thread_root[:900]
    inbound.body_hash = mail.body_hash
    inbound.mail_class, inbound.authentication = read.classified.kind, read.verified.result
    inbound.parts = [
        {"index": part.index, "name": part.name, "type": part.type, "size": part.size, "refused": part.refused}
        for part in mail.attachments
    ]


def _is_duplicate(inbound: InboundMail, trace: Trace) -> bool:
    """E1: the same id and the same body. Two that come at once wait for one another."""
    locks.hold(f"ticketing.mail:{inbound.mail_id}")
    same = InboundMail.objects.filter(mail_id=inbound.mail_id, mailbox=inbound.mailbox).exclude(pk=inbound.pk)
    is_again = Case(When(body_hash=inbound.body_hash, then=True), default=False, output_field=BooleanField())
    # One look for both: with the same body first, if there is any.
    again = same.order_by(is_again.desc()).values_list(is_again, flat=True).first()
    if again is not None:
        trace.say("E1", "again" if again else "same_id_other_body")
    return bool(again)


def _is_blocked(sender: str) -> bool:
    domain = sender.rpartition("@")[2]
    return bool(BlockedSender.objects.filter(address__in=[sender, f"@{domain}"]).exists())


def _settle_report(inbound: InboundMail, read: Read, trace: Trace, *, actor: Actor) -> None:
    bounced = bouncing.apply(read.raw, envelope_to=inbound.envelope_to, keys=read.keys, actor=actor)
    if bounced.sent is None:
        trace.say("M4", "report_unknown")
        end(inbound, trace, InboundState.QUARANTINED, "M4", actor=actor)
        return
    inbound.ticket = ticket = bounced.sent.ticket
    said = {"status": bounced.report.status, "diagnostic": bounced.report.diagnostic[:200]}
    if ticket is not None:
        trace.say("M4", "report", number=ticket.number, **said)
    else:
        trace.say("M4", "report_on_none", address=bounced.sent.address, **said)
    end(inbound, trace, InboundState.APPLIED, "M4", actor=actor)


def _settle_automatic(inbound: InboundMail, read: Read, match: Match, trace: Trace, *, actor: Actor) -> None:
    """L3: what no person wrote is folded into its ticket and moves nothing; without one it opens none."""
    assert read.mail is not None
    trace.say("L2", "automatic", signs=", ".join(read.classified.signs), kind=read.classified.kind)
    if read.classified.kind == MailClass.OWN or read.verified.result == Authentication.FAIL:
        end(inbound, trace, InboundState.QUARANTINED, "L3", actor=actor)
    elif match.ticket is not None:
        applying.fold(inbound, read.mail, match, read.classified, read.verified, actor=actor)
        end(inbound, trace, InboundState.APPLIED, match.rule, actor=actor)
    elif inbound.mailbox.accepts_automatic:
        _open(inbound, read, match, trace, actor=actor, acknowledged=False)
    else:
        trace.say("L3", "unmatched_automatic")
        end(inbound, trace, InboundState.QUARANTINED, "L3", actor=actor)


def _settle_human(inbound: InboundMail, read: Read, match: Match, trace: Trace, *, actor: Actor) -> None:
    assert read.mail is not None
    verdict = _verdict(match, read.verified)
    if not applying.has_the_right(match, verdict):
        verdict = Verdict.HOLD
    trace.say(match.rule, "verdict", verdict=verdict, sender=match.sender)
    if verdict == Verdict.QUARANTINE:
        if match.ticket is None:
            trace.say("E4", "refused_by_domain")
        inbound.hint = match.hint or match.ticket
        end(inbound, trace, InboundState.QUARANTINED, "E4", actor=actor)
        if match.user is not None and match.user.kind == User.Kind.STAFF:
            applying.alert_about_staff(inbound, match, actor=actor)
    elif verdict == Verdict.HOLD:
        inbound.ticket = match.ticket
        known = match.sender == Sender.PARTICIPANT
        assert match.ticket is not None
        trace.say("E4", "unverified_participant" if known else "not_participant", number=match.ticket.number)
        end(inbound, trace, InboundState.HELD, match.rule, actor=actor)
    elif match.ticket is None or verdict in (Verdict.NEW, Verdict.NEW_UNLINKED, Verdict.NEW_MARKED):
        _open(inbound, read, match, trace, actor=actor, acknowledged=read.verified.result != Authentication.FAIL)
    else:
        _answer(inbound, read, match, verdict, trace, actor=actor)


def _verdict(match: Match, verified: Verified) -> Verdict:
    verdict = decide(match.sender, verified)
    by_tag = match.rule == "M5"
    if by_tag and verified.result != Authentication.PASS:
        # A tag is only a hint: without a result nobody's words go on a ticket by it.
        return Verdict.QUARANTINE if verdict == Verdict.QUARANTINE else Verdict.HOLD
    return verdict


def _answer(inbound: InboundMail, read: Read, match: Match, verdict: Verdict, trace: Trace, *, actor: Actor) -> None:
    assert read.mail is not None and match.ticket is not None
    inbound.ticket = match.ticket
    if limits.is_repeated(inbound, match.ticket):
        trace.say("L6", "repeated", number=match.ticket.number)
        end(inbound, trace, InboundState.HELD, "L6", actor=actor)
        return
    if applying.is_final(match.ticket):
        trace.say("M6", "closed", number=match.ticket.number)
        match.follows = match.ticket
        inbound.hint, inbound.ticket, match.hint, match.ticket = match.ticket, None, match.ticket, None
        _open(inbound, read, match, trace, actor=actor, acknowledged=True)
        return
    if applying.would_reopen(match.ticket, verdict) and not limits.may_reopen(match.ticket):
        trace.say("L4", "reopened_too_often", number=match.ticket.number)
        end(inbound, trace, InboundState.HELD, "L4", actor=actor)
        return
    applying.answer(inbound, read.mail, match, verdict, read.verified, trace, actor=actor, own=read.own)
    end(inbound, trace, InboundState.APPLIED, match.rule, actor=actor)


def _open(inbound: InboundMail, read: Read, match: Match, trace: Trace, *, actor: Actor, acknowledged: bool) -> None:
    assert read.mail is not None
    locks.hold(f"ticketing.mail_of:{read.mail.sender.email}")
    if limits.tickets_of(read.mail.sender.email) >= limits.NEW_PER_HOUR:
        inbound.ticket = applying.burst_ticket(inbound, actor=actor)
        trace.say("L5", "burst")
        end(inbound, trace, InboundState.HELD, "L5", actor=actor)
        return
    rule = applying.open_ticket(
        inbound, read.mail, match, read.verified, read.classified, trace,
        actor=actor, own=read.own, acknowledged=acknowledged, ring=read.keys,
    )  # fmt: skip
    end(inbound, trace, InboundState.APPLIED, rule, actor=actor)


def give_up(inbound: InboundMail) -> None:
    """It cannot be processed: people look at it as it came."""
    trace = Trace(list(inbound.trace))
    trace.say("E1", "stuck")
    end(inbound, trace, InboundState.QUARANTINED, "E1", actor=Actor.system(inbound.realm_id, "E-mail"))


def end(inbound: InboundMail, trace: Trace, state: str, rule: str, *, actor: Actor) -> None:
    """Write where the mail is now, and why."""
    inbound.state, inbound.rule, inbound.trace = state, rule, trace.rows
    if state not in (InboundState.HELD, InboundState.QUARANTINED):
        inbound.settled_at, inbound.settled_by = clock.now(), actor.label
    inbound.save()
    audit.record(actor=actor, action="inbound_mail.settled", subject=inbound, after={"state": state, "rule": rule})
