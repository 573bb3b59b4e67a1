"""Rules M4 and O4: reports of mail servers change what is known of a mail of ours and of the address it went to, and
never make a ticket."""

from __future__ import annotations

from dataclasses import dataclass

from boss.core import audit, clock, locks
from boss.core.actors import Actor
from boss.notify.services import deliveries
from ticketing import standing
from ticketing.mail import bounces, tokens
from ticketing.models import MailBreaker, OutboundMail, SoftBounce
from ticketing.services.mail import limits


@dataclass(frozen=True, slots=True)
class Bounced:
    """What a report was about. ``sent`` None: about no mail that we know."""

    sent: OutboundMail | None
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


def _count_soft(sent: OutboundMail, said: str, *, actor: Actor) -> None:
    """Three mails within 72 hours that did not get through for the moment make their address a degraded one.

    A mail counts once: a server that reports every hour that it is still trying has said nothing new.
    """
    locks.hold(f"ticketing.soft_bounces:{sent.address}")
    now = clock.now()
    counted = SoftBounce.objects.filter(address=sent.address)
    counted.filter(at__lte=now - standing.SOFT_WITHIN).delete()
    row, is_new = SoftBounce.objects.get_or_create(
        mail=sent, defaults={"address": sent.address, "at": now, "said": said[:300]}
    )
    if is_new and counted.count() == standing.SOFT_MOST:
        after = {"mails": standing.SOFT_MOST, "said": said[:300]}
        audit.record(actor=actor, action="mail_address.degraded", subject=row, after=after)


def _sent(report: bounces.Report, envelope_to: str, keys: tokens.Keyring) -> OutboundMail | None:
    rows = OutboundMail.objects.select_related("ticket", "delivery")
    named = tokens.read_bounce_address(keys, envelope_to)
    if named is not None:
        found: OutboundMail | None = rows.filter(public_id=named).first()
        return found
    for each in report.original_ids:
        minted = tokens.read_id(keys, each)
        if minted is not None and minted.is_ours:
            found = rows.filter(public_id=minted.public_id).first()
            if found is not None:
                return found
    return None
