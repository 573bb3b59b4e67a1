"""PowerDNS on the bench of the conformance kit."""

from __future__ import annotations

import httpx

from ipservices.conformance import Bench
from ipservices.contracts import Desired
from ipservices.drivers.dns_bench import FALSE, NAMES, DnsBench
from ipservices.drivers.dns_driver import KINDS
from ipservices.drivers.dns_powerdns.lab import Lab, bindings


def benches(lab: Lab, realm_id: int) -> list[Bench]:
    """One for each kind of object."""
    [bound] = bindings(lab.facts(), NAMES)
    return [PowerDnsBench(realm_id, lab, bound, kind) for kind in sorted(KINDS)]


class PowerDnsBench(DnsBench[Lab]):
    """Tampered with past BOSS through the server's own API."""

    wrong = {"api_key": "wrong"}

    def tamper(self, desired: Desired) -> None:
        zone, name, kind = self.place(desired)
        record = {"content": FALSE[kind], "disabled": False}
        change = {"name": f"{name}.", "type": kind, "ttl": 300, "changetype": "REPLACE", "records": [record]}
        httpx.patch(
            f"{self.lab.api_url}/api/v1/servers/localhost/zones/{zone}.",
            headers={"X-API-Key": self.lab.api_key},
            json={"rrsets": [change]},
            timeout=5,
        ).raise_for_status()
