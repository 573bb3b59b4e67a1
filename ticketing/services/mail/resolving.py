"""The resolver for keys and policies of senders' domains."""

from __future__ import annotations

import dns.resolver
from django.conf import settings

from ticketing.mail.authentication import Resolver

SECONDS = 5.0


def resolver() -> Resolver | None:
    """None where nothing is looked up, as the mail server before BOSS verifies (``BOSS_MAIL_VERIFY``)."""
    return look_up if settings.BOSS_MAIL_VERIFY else None


def look_up(name: str) -> str | None:
    """The text of a TXT record. Raises ``dns.exception.DNSException`` when no server answers in time."""
    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return None
    for row in answer:
        return b"".join(row.strings).decode("ascii", "replace")
    return None
