"""Whether the mail is from whom it says: aligned with the domain in ``From``, which is the identity (never Reply-To).

Results that our own mail server wrote are believed, by its name (RFC 8601); any other such header is a sender's claim.
Without one, DKIM and DMARC are verified here. SPF is not: the address that connected is known to the edge alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import structlog
from authheaders.dmarc_lookup import DMARCException, get_org_domain, lookup_receiver_record
from authres import AuthenticationResultsHeader
from authres.core import AuthResError
from django.db import models
from django.utils.translation import gettext_lazy as _
from dkim import DKIM, DKIMException
from dns.exception import DNSException

from ticketing.mail.neutral import Mail

log = structlog.get_logger(__name__)

Resolver = Callable[[str], str | None]
"""``resolver(name)`` gives the text of a TXT record, or None. Raises ``dns.exception.DNSException``."""

MOST_SIGNATURES = 5


class Authentication(models.TextChoices):
    PASS = "pass", _("passed")
    NONE = "none", _("no result")
    FAIL = "fail", _("failed")


@dataclass(frozen=True, slots=True)
class Verified:
    """``policy`` is what the domain asks for when it fails: "none", "quarantine", "reject", "" when it says nothing."""

    result: Authentication
    policy: str = ""
    source: str = ""

    @property
    def is_refused_by_domain(self) -> bool:
        return self.result == Authentication.FAIL and self.policy in ("quarantine", "reject")


NOTHING = Verified(Authentication.NONE)


def authenticate(mail: Mail, raw: bytes, *, authserv_id: str, resolver: Resolver | None) -> Verified:
    """What is known of the sender. ``resolver`` None: nothing is looked up, so only our own server's word counts."""
    if mail.senders != 1:
        # RFC 7489 6.6.1: several senders cannot be aligned; what claims to be two people is neither.
        return Verified(Authentication.FAIL, "", "several_senders") if mail.senders else NOTHING
    if authserv_id:
        told = _told_by_edge(mail, authserv_id)
        if told is not None:
            return told
    return _verified_here(mail, raw, resolver) if resolver is not None else NOTHING


def _told_by_edge(mail: Mail, authserv_id: str) -> Verified | None:
    results: list[Any] = []
    said = ""
    for value in mail.headers.get("authentication-results", ()):
        try:
            header = AuthenticationResultsHeader.parse(f"Authentication-Results: {value}")
        except (AuthResError, ValueError, IndexError, AttributeError, TypeError):
            continue
        if str(header.authserv_id or "").lower() == authserv_id.lower():
            results += header.results
            said = value
            break  # the topmost is the one our edge has just put there
    if not results:
        return None
    by_method: dict[str, list[Any]] = {}
    for each in results:
        by_method.setdefault(str(each.method).lower(), []).append(each)
    if "dmarc" in by_method:
        dmarc = by_method["dmarc"][0]
        result = str(dmarc.result).lower()
        if result == "pass":
            return Verified(Authentication.PASS, _policy(dmarc, said), "edge:dmarc")
        if result == "fail":
            return Verified(Authentication.FAIL, _policy(dmarc, said), "edge:dmarc")
    for method, prop in (("dkim", "header.d"), ("spf", "smtp.mailfrom")):
        for each in by_method.get(method, ()):
            domain = _property(each, prop).rpartition("@")[2]
            if str(each.result).lower() == "pass" and is_aligned(domain, mail.sender.domain):
                return Verified(Authentication.PASS, "", f"edge:{method}")
    return Verified(Authentication.NONE, "", "edge")


def _property(result: Any, wanted: str) -> str:
    for each in result.properties:
        if f"{each.type}.{each.name}".lower() == wanted:
            return str(each.value or "").lower()
    return ""


def _policy(result: Any, said: str) -> str:
    """The domain's wish, as property or, as OpenDMARC writes it, in the comment "(p=reject dis=none)"."""
    for name in ("policy.dmarc", "policy.published-domain-policy", "policy.policy"):
        if found := _property(result, name):
            return found
    comment = re.search(r"\bp=(none|quarantine|reject)\b", said, re.IGNORECASE)
    return comment[1].lower() if comment else ""


def is_aligned(domain: str, of_sender: str) -> bool:
    """Relaxed alignment: the same organizational domain (RFC 7489 3.1)."""
    if not domain or not of_sender:
        return False
    domain, of_sender = domain.lower().rstrip("."), of_sender.lower().rstrip(".")
    if domain == of_sender:
        return True
    of_all = organizational(of_sender)
    return bool(of_all) and organizational(domain) == of_all


@lru_cache(maxsize=2000)
def organizational(domain: str) -> str:
    """The part of a domain that somebody has registered (RFC 7489 3.2); "" for none."""
    # The library reads the whole list of public suffixes for every question.
    return str(get_org_domain(domain) or "")


def _verified_here(mail: Mail, raw: bytes, resolver: Resolver) -> Verified:
    try:
        aligned = _valid_signature(mail, raw, resolver)
        policy = _published(mail.sender.domain, resolver)
    except (DKIMException, DNSException, DMARCException, ValueError, OSError, AttributeError) as error:
        # A resolver that is down must cost nobody his mail: it is then a mail without a result.
        log.warning("mail_not_verified", error=f"{type(error).__name__}: {error}")
        return Verified(Authentication.NONE, "", "unverifiable")
    if aligned:
        return Verified(Authentication.PASS, policy, "dkim")
    if policy in ("quarantine", "reject"):
        return Verified(Authentication.FAIL, policy, "dmarc")
    return Verified(Authentication.NONE, policy, "looked up")


def _valid_signature(mail: Mail, raw: bytes, resolver: Resolver) -> bool:
    """Whether one of the first signatures holds and is of the sender's own domain."""

    def key_of(name: bytes | str, timeout: int = 5) -> bytes | None:
        found = resolver(name.decode() if isinstance(name, bytes) else name)
        return found.encode() if found else None

    for index in range(min(len(mail.headers.get("dkim-signature", ())), MOST_SIGNATURES)):
        signature = DKIM(raw)
        try:
            holds = signature.verify(index, dnsfunc=key_of)
        except (DKIMException, ValueError, KeyError, IndexError):
            continue  # one that cannot be read counts for nothing, another may hold
        if holds and is_aligned(signature.domain.decode(errors="replace"), mail.sender.domain):
            return True
    return False


def _published(domain: str, resolver: Resolver) -> str:
    """What the domain asks for when a mail in its name fails (DMARC), "" when it publishes nothing."""
    record = lookup_receiver_record(domain, resolver)
    if record:
        return str(record.get("p", ""))
    above = organizational(domain)
    record = lookup_receiver_record(above, resolver) if above not in ("", domain) else {}
    return str(record.get("sp") or record.get("p", ""))
