"""Networks that the operator of the installation lists for drivers and endpoints: which may be listed, which never."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

NEVER: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text) for text in ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32")
)
"""Nobody's service lives here, however wide a network was allowed: the clouds' metadata does."""

_OURSELVES: tuple[Network, ...] = tuple(ipaddress.ip_network(text) for text in ("127.0.0.0/8", "::1/128", "0.0.0.0/8"))
"""The worker's own machine, with whatever listens there for itself: for the whole installation alone to open."""
_MAPPED = ipaddress.ip_network("::ffff:0:0/96")
_WIDEST = {4: 8, 6: 7}
"""10.0.0.0/8 and fc00::/7: the widest private networks there are. What is wider lists half the world."""


class NetworkRefused(ValueError):
    """This cannot be listed. ``reason`` is a sentence for the operator."""

    def __init__(self, text: str, reason: Any) -> None:
        super().__init__(text)
        self.text, self.reason = text, reason

    def __str__(self) -> str:
        return f"{self.text}: {self.reason}"


def listed(text: str, *, by_realm: bool = True) -> str:
    """One network (or one address) in its usual spelling. Raises :class:`NetworkRefused`.

    ``by_realm``: it is opened for one provider, whose people then name endpoints in it; never our own machine.
    """
    try:
        network = ipaddress.ip_network(text.strip())
    except ValueError:
        raise NetworkRefused(text, _("Write a network like 10.20.0.0/16, with nothing set behind the slash.")) from None
    if network.prefixlen < _WIDEST[network.version]:
        raise NetworkRefused(text, _("This is too wide: list the networks that your servers stand in."))
    if network.is_multicast or _lies_in(network, (*NEVER, _MAPPED)) or network.is_unspecified:
        raise NetworkRefused(text, _("Nothing in this network is ever asked."))
    if network.version == 4 and network.is_reserved:
        raise NetworkRefused(text, _("Nothing in this network is ever asked."))
    if by_realm and any(network.version == own.version and network.overlaps(own) for own in _OURSELVES):  # type: ignore[arg-type]
        raise NetworkRefused(text, _("This is the machine BOSS runs on; no provider reaches into it."))
    return str(network)


def still_listed(texts: Iterable[Any]) -> tuple[str, ...]:
    """Those that may be listed: what was written before anybody looked, or by hand, opens nothing it must not."""
    found = []
    for text in texts:
        try:
            found.append(listed(str(text)))
        except NetworkRefused:
            continue
    return tuple(found)


def _lies_in(network: Network, others: Iterable[Network]) -> bool:
    return any(network.version == other.version and network.subnet_of(other) for other in others)  # type: ignore[arg-type]
