"""Whose request it is when proxies stand in front: which of the addresses somebody names is to be believed."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """How many proxies of ours append to ``X-Forwarded-For``, or the networks they stand in; none by default.

    The first address of the header is what the visitor claims; only what our own proxies appended is known.
    """

    count: int = 0
    networks: tuple[Network, ...] = ()

    @staticmethod
    def parse(text: str) -> TrustedProxies:
        """``2`` (two proxies in a row) or ``10.0.0.0/8, fd00::/8``. Raises ValueError for anything else."""
        words = [word.strip() for word in text.split(",") if word.strip()]
        if len(words) == 1 and words[0].isdecimal():
            return TrustedProxies(count=int(words[0]))
        return TrustedProxies(networks=tuple(ipaddress.ip_network(word) for word in words))

    def __bool__(self) -> bool:
        return bool(self.count or self.networks)

    def trusts(self, peer: str) -> bool:
        """Whether what the connection's other end says in its headers may be believed."""
        return self.count > 0 or self._is_ours(peer)

    def client(self, peer: str, forwarded: str) -> str:
        """The client's address: ``peer`` unless a trusted proxy says whom it speaks for."""
        if not self.trusts(peer):
            return peer
        hops = forwarded.split(",")
        if self.count:
            return (address(hops[-self.count]) if len(hops) >= self.count else None) or peer
        for hop in reversed(hops):
            seen = address(hop)
            if seen is None:
                return peer
            if not self._is_ours(seen):
                return seen
        return address(hops[0]) or peer

    def _is_ours(self, text: str) -> bool:
        known = address(text)
        return known is not None and any(ipaddress.ip_address(known) in network for network in self.networks)


def address(text: str) -> str | None:
    """One spelling for each address; None for what is none. An IPv6 zone is of no use beyond its own machine."""
    try:
        return str(ipaddress.ip_address(text.strip().partition("%")[0]))
    except ValueError:
        return None


def network_of(text: str) -> str:
    """The network an address is counted by: /24 of IPv4, /64 of IPv6; "" for what is no address.

    One home or one rented machine has a whole /64 to take addresses from.
    """
    known = address(text)
    if known is None:
        return ""
    parsed = ipaddress.ip_address(known)
    mapped = getattr(parsed, "ipv4_mapped", None)
    parsed = mapped or parsed
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 64), strict=False))
