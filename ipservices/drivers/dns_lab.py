"""What the labs of name servers have in common."""

from __future__ import annotations

from typing import Any

from ipservices.labs import HOST, Lab, Names
from ipservices.reverse import zones_around


class DnsLab(Lab):
    """A running name server and where it answers."""

    dns_host: str = HOST
    dns_port: int


def zones_of(names: Names) -> dict[str, Any]:
    """The settings that say which zones a realm with these names provisions in."""
    return {
        "zone": names.host_zone,
        "reverse_zones": " ".join(zones_around(names.networks)),
        "nameservers": f"ns1.{names.mail_domain} ns2.{names.mail_domain}",
    }
