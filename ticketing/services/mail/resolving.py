"""Asking DNS: for keys and policies of senders' domains, and for the records of our own."""

from __future__ import annotations

import time
from typing import Any

import dns.exception
import dns.nameserver
import dns.resolver
from django.conf import settings

from ticketing.mail.authentication import Resolver

SECONDS = 5.0
_TRY_SECONDS = 1.5


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


class Asked:
    """What DNS says, all questions together within ``seconds``; by the name servers of ``BOSS_MAIL_NAME_SERVERS``."""

    def __init__(self, *, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        servers = settings.BOSS_MAIL_NAME_SERVERS
        self._resolver = dns.resolver.Resolver(configure=not servers)
        if servers:
            self._resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in servers]
        self._resolver.timeout = _TRY_SECONDS

    def texts(self, name: str) -> list[str]:
        """Every TXT record, its parts put together. What is no ASCII is written as escapes."""
        rows = self._ask(name, "TXT")
        return [b"".join(row.strings).decode("ascii", "backslashreplace") for row in rows]

    def exchanges(self, name: str) -> list[tuple[int, str]]:
        """Every MX record: preference, and host without its last dot; "" for the root, the null MX."""
        return [(row.preference, row.exchange.to_text().removesuffix(".")) for row in self._ask(name, "MX")]

    def _ask(self, name: str, kind: str) -> list[Any]:
        left = self._until - time.monotonic()
        if left <= 0:
            raise dns.exception.Timeout
        try:
            return list(self._resolver.resolve(name.rstrip(".") + ".", kind, lifetime=min(left, SECONDS)))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
