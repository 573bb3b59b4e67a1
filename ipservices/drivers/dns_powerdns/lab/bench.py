"""PowerDNS on the bench of the conformance kit."""

from __future__ import annotations

import dns.message
import dns.query
import dns.rcode
import httpx

from ipservices.conformance import Bench
from ipservices.conformance.real import ServerBench
from ipservices.contracts import Desired
from ipservices.drivers.dns_powerdns.lab import Lab, bindings
from ipservices.labs import Names

ZONE = "subs.kit.example"


def benches(lab: Lab, realm_id: int) -> list[Bench]:
    """One for each kind of object."""
    [bound] = bindings(lab.facts(), Names(ZONE, "kit.example", "sip.kit.example"))
    return [PowerDnsBench(realm_id, lab, bound, kind) for kind in ("dns.zone", "dns.host")]


class PowerDnsBench(ServerBench[Lab]):
    """Asked over UDP as a resolver asks; tampered with past BOSS through its own API."""

    dead_plane = {"dns_port": 9}
    wrong = {"api_key": "wrong"}

    @property
    def switches(self) -> tuple[str, ...]:
        return ("www A",) if self.full_kind == "dns.zone" else ("record",)

    def works(self, desired: Desired, switch: str = "") -> bool:
        name = f"www.{desired.name}" if self.full_kind == "dns.zone" else desired.name
        question = dns.message.make_query(name, "A")
        reply = dns.query.udp(question, self.lab.dns_host, port=self.lab.dns_port, timeout=3)
        return reply.rcode() == dns.rcode.NOERROR and bool(reply.answer)

    def tamper(self, desired: Desired) -> None:
        is_zone = self.full_kind == "dns.zone"
        zone = desired.name if is_zone else desired.attributes["zone"]
        name = f"www.{desired.name}." if is_zone else f"{desired.name}."
        record = {"content": "192.0.2.66", "disabled": False}
        change = {"name": name, "type": "A", "ttl": 300, "changetype": "REPLACE", "records": [record]}
        httpx.patch(
            f"{self.lab.api_url}/api/v1/servers/localhost/zones/{zone}.",
            headers={"X-API-Key": self.lab.api_key},
            json={"rrsets": [change]},
            timeout=5,
        ).raise_for_status()
