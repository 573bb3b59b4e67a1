"""Rule M4: reports of mail servers change what is known of a mail of ours, and never make a ticket."""

from __future__ import annotations

from dataclasses import dataclass

from boss.core import clock
from boss.core.actors import Actor
from boss.notify.services import deliveries
from ticketing.mail import bounces, tokens
from ticketing.models import MailBreaker, OutboundMail
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
    if report.is_hard or report.is_complaint:
        deliveries.mark_bounced(actor=actor, delivery=sent.delivery, error=said)
        # Automatic mail stops; a person may still write, and sees that it came back.
        MailBreaker.objects.update_or_create(
            address=sent.address,
            defaults={
                "until": clock.now() + 30 * limits.DAY,
                "reason": "complaint" if report.is_complaint else "undeliverable",
            },
        )
    return Bounced(sent, report)


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
