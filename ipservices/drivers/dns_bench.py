"""Name servers on the bench of the conformance kit: asked over UDP as a resolver asks, by no code of the drivers."""

from __future__ import annotations

import ipaddress
from typing import TypeVar

import dns.message
import dns.query
import dns.rcode

from ipservices.conformance.bench import Usage
from ipservices.conformance.real import ServerBench
from ipservices.contracts import Desired
from ipservices.drivers.dns_lab import DnsLab
from ipservices.labs import Names

NAMES = Names("subs.kit.example", "kit.example", "sip.kit.example", ("203.0.113.0/24",))
REVERSE_ZONE = "113.0.203.in-addr.arpa"
FALSE = {"A": "192.0.2.66", "PTR": "tampered.kit.example."}
"""What somebody writes past BOSS."""


L = TypeVar("L", bound=DnsLab)


class DnsBench(ServerBench[L]):
    """``place`` says where the records of an object stand; a driver's own bench says how they are tampered with."""

    dead_plane = {"dns_port": 9}
    _asked = 9

    @staticmethod
    def place(desired: Desired) -> tuple[str, str, str]:
        """Zone, name and record type."""
        if desired.kind == "zone":
            return desired.name, f"www.{desired.name}", "A"
        if desired.kind == "ptr":
            return REVERSE_ZONE, ipaddress.ip_address(desired.name).reverse_pointer, "PTR"
        return str(desired.attributes["zone"]), desired.name, "A"

    def ask(self, desired: Desired) -> dns.message.Message:
        _zone, name, kind = self.place(desired)
        return ask(self.lab, name, kind)

    def works(self, desired: Desired, switch: str = "") -> bool:
        reply = self.ask(desired)
        return reply.rcode() == dns.rcode.NOERROR and bool(reply.answer)

    def use(self, desired: Desired) -> Usage:
        # Fewer each time: a counter that began anew and came to the same number would be told from nothing.
        self._asked -= 2
        for _question in range(self._asked):
            self.ask(desired)
        return Usage({"queries": self._asked})


def ask(lab: DnsLab, name: str, kind: str) -> dns.message.Message:
    """What a resolver gets."""
    return dns.query.udp(dns.message.make_query(name, kind), lab.dns_host, port=lab.dns_port, timeout=3)


def answers(lab: DnsLab, name: str, kind: str = "A") -> list[str]:
    """The values a resolver gets, sorted; none when the server refuses or there are none."""
    reply = ask(lab, name, kind)
    found = [str(record) for rrset in reply.answer for record in rrset]
    return sorted(found) if reply.rcode() == dns.rcode.NOERROR else []
