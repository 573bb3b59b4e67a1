"""Whether an SPF record (RFC 7208) names the server we send by. No address is evaluated: the record is read."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from enum import Enum

from django.utils.translation import gettext as _

MOST_LOOKUPS = 10
"""RFC 7208 4.6.4: a record that takes more of them is an error at every receiver."""
_TERM = re.compile(
    r"([+?~-]?)(all|include:\S+|a(?:[:/]\S+)?|mx(?:[:/]\S+)?|ptr(?::\S+)?|ip4:\S+|ip6:\S+|exists:\S+)\Z", re.IGNORECASE
)
_MODIFIER = re.compile(r"([a-z][a-z0-9_.-]*)=(\S*)\Z", re.IGNORECASE)


class Broken(Exception):
    """Receivers throw the record away; the text says why, for people."""


class Answer(Enum):
    """UNSURE: it is not named, but a term is there that stands for addresses which were not looked into."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"
    ANYBODY = "anybody"


def records(texts: Iterable[str]) -> list[str]:
    """Those that are SPF records (4.5)."""
    return [each for each in texts if each.lower() == "v=spf1" or each.lower().startswith("v=spf1 ")]


def permits(record: str, ours: str, texts: Callable[[str], list[str]]) -> Answer:
    """Whether ``record`` or one it includes names ``ours``, a mechanism as "ip4:192.0.2.5" or "include:spf.example".

    Raises :class:`Broken`, and what ``texts`` raises.
    """
    return _Reading(ours.lower().removeprefix("+"), texts).read(record, own=True)


class _Reading:
    def __init__(self, ours: str, texts: Callable[[str], list[str]]) -> None:
        self.ours, self.texts, self.lookups = ours, texts, 0

    def read(self, record: str, *, own: bool) -> Answer:
        """``own``: terms without a domain are those of the domain that was asked for."""
        unsure, redirect = False, ""
        for term in record.split()[1:]:
            found = _TERM.match(term)
            if found is None:
                redirect = self._modifier(term) or redirect
                continue
            passes, mechanism = found[1] in ("", "+"), found[2].lower()
            name, _colon, rest = mechanism.partition(":")
            if name == "all":
                return Answer.ANYBODY if passes else Answer.UNSURE if unsure else Answer.NO
            if name not in ("ip4", "ip6"):
                self._count()
            if (own or rest) and _covers(mechanism, self.ours):
                return Answer.YES if passes else Answer.NO
            if name == "include" and "%" not in rest:
                inside = self.read(self._of(rest), own=False)
                if passes and inside in (Answer.YES, Answer.ANYBODY):
                    return inside
                unsure = unsure or inside == Answer.UNSURE
            elif name not in ("ip4", "ip6"):
                unsure = True
        if redirect:
            self._count()
            followed = self.read(self._of(redirect), own=False)
            return Answer.UNSURE if unsure and followed == Answer.NO else followed
        return Answer.UNSURE if unsure else Answer.NO

    def _modifier(self, term: str) -> str:
        found = _MODIFIER.match(term)
        if found is None:
            raise Broken(_("It cannot be read: “%(term)s” means nothing in SPF.") % {"term": _printable(term)})
        return found[2] if found[1].lower() == "redirect" and "%" not in found[2] else ""

    def _of(self, domain: str) -> str:
        found = records(self.texts(domain))
        if len(found) != 1:
            said = _("It refers to %(domain)s, which has no SPF record, or several.")
            raise Broken(said % {"domain": _printable(domain)})
        return found[0][:4000]

    def _count(self) -> None:
        self.lookups += 1
        if self.lookups > MOST_LOOKUPS:
            raise Broken(_("It takes more than ten look-ups to read, so that receivers throw it away."))


def _covers(mechanism: str, ours: str) -> bool:
    """The same term, or a network that ours lies in."""
    if mechanism == ours:
        return True
    kind, _colon, wide = mechanism.partition(":")
    if kind not in ("ip4", "ip6") or not ours.startswith(f"{kind}:"):
        return False
    try:
        outer, inner = (ipaddress.ip_network(each, strict=False) for each in (wide, ours.partition(":")[2]))
    except ValueError:
        return False
    if isinstance(outer, ipaddress.IPv4Network) and isinstance(inner, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(outer, ipaddress.IPv6Network) and isinstance(inner, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "\ufffd" for each in text[:100])
