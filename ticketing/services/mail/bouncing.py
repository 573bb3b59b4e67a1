"""Rules M4 and O4: reports of mail servers change what is known of a mail of ours and of the address it went to, and
never make a ticket."""

from __future__ import annotations

from dataclasses import dataclass

from boss.core import audit, clock, locks
from boss.core.actors import Actor
from boss.notify.models import Delivery
from boss.notify.services import deliveries
from ticketing import standing
from ticketing.mail import bounces, tokens
from ticketing.models import MailBreaker, OutboundMail, SoftBounce, Ticket
from ticketing.services.mail import limits


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail of ours, of a ticket or of another room (``ticket`` None, see ``returning``), and where it went."""

    delivery: Delivery
    address: str
    ticket: Ticket | None = None


@dataclass(frozen=True, slots=True)
class Bounced:
    """What a report was about. ``sent`` None: about no mail that we know."""

    sent: Sent | None
    report: bounces.Report


def apply(raw: bytes, *, envelope_to: str, keys: tokens.Keyring, actor: Actor) -> Bounced:
    """Find the mail that came back, by the envelope's signed address or else by its id, and mark its delivery."""
    report = bounces.read(raw)
    sent = _sent(report, envelope_to, keys)
    if sent is None:
        return Bounced(None, report)
    said = " ".join(each for each in (report.status, report.diagnostic) if each) or "Returned by a mail server."
    if report.is_hard or report.is_complaint or report.is_given_up:
        deliveries.mark_bounced(actor=actor, delivery=sent.delivery, error=said)
    if report.is_hard or report.is_complaint:
        # Automatic mail stops; a person may still write, and sees that it came back.
        MailBreaker.objects.update_or_create(
            address=sent.address,
            defaults={
                "until": clock.now() + 30 * limits.DAY,
                "reason": "complaint" if report.is_complaint else "undeliverable",
            },
        )
    elif report.is_soft:
        _count_soft(sent, said, actor=actor)
    return Bounced(sent, report)


def _count_soft(sent: Sent, said: str, *, actor: Actor) -> None:
    """Three mails within 72 hours that did not get through for the moment make their address a degraded one.

    A mail counts once: a server that reports every hour that it is still trying has said nothing new.
    """
    locks.hold(f"ticketing.soft_bounces:{sent.address}")
    now = clock.now()
    counted = SoftBounce.objects.filter(address=sent.address)
    counted.filter(at__lte=now - standing.SOFT_WITHIN).delete()
    row, is_new = SoftBounce.objects.get_or_create(
        delivery=sent.delivery, defaults={"address": sent.address, "at": now, "said": said[:300]}
    )
    if is_new and counted.count() == standing.SOFT_MOST:
        after = {"mails": standing.SOFT_MOST, "said": said[:300]}
        audit.record(actor=actor, action="mail_address.degraded", subject=row, after=after)


def _sent(report: bounces.Report, envelope_to: str, keys: tokens.Keyring) -> Sent | None:
    named = tokens.read_bounce_address(keys, envelope_to)
    if named is not None:
        return find_sent(named)
    for each in report.original_ids:
        minted = tokens.read_id(keys, each)
        found = find_sent(minted.public_id) if minted is not None and minted.is_ours else None
        if found is not None:
            return found
    return None


def find_sent(public_id: str) -> Sent | None:
    """The mail of the realm entered that an envelope or an id names."""
    of_ticket = OutboundMail.objects.select_related("ticket", "delivery").filter(public_id=public_id).first()
    if of_ticket is not None:
        return Sent(of_ticket.delivery, of_ticket.address, of_ticket.ticket)
    other = Delivery.objects.filter(message__public_id=public_id).exclude(message__envelope_from="").first()
    return Sent(other, other.address.lower()) if other is not None else None
