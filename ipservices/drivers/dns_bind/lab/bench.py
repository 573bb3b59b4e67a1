"""BIND on the bench of the conformance kit."""

from __future__ import annotations

import dns.query
import dns.tsigkeyring
import dns.update

from ipservices.conformance import Bench
from ipservices.contracts import Desired, Driver
from ipservices.drivers.dns_bench import FALSE, NAMES, DnsBench
from ipservices.drivers.dns_bind.driver import BindDriver
from ipservices.drivers.dns_bind.lab import KEY_NAME, Lab, bindings
from ipservices.drivers.dns_driver import KINDS

_WRONG = "d3JvbmcgYnV0IHdlbGwgZm9ybWVkIGJhc2UgNjQgdGV4dA=="


def benches(lab: Lab, realm_id: int) -> list[Bench]:
    """One for each kind of object."""
    [bound] = bindings(lab.facts(), NAMES)
    return [BindBench(realm_id, lab, bound, kind) for kind in sorted(KINDS)]


class BindBench(DnsBench[Lab]):
    """Tampered with past BOSS by an update of somebody who has the key too."""

    wrong = {"update_key": _WRONG, "control_key": _WRONG}

    def driver(self, *, right_secret: bool = True, service_plane: bool = True) -> Driver:
        driver = super().driver(right_secret=right_secret, service_plane=service_plane)
        assert isinstance(driver, BindDriver)
        driver.names_worth_a_zone = 1  # the kit makes two names, and reads them by a transfer
        return driver

    def tamper(self, desired: Desired) -> None:
        zone, name, kind = self.place(desired)
        keys = dns.tsigkeyring.from_text({KEY_NAME: ("hmac-sha256", self.lab.update_key)})
        change = dns.update.UpdateMessage(f"{zone}.", keyring=keys)
        change.replace(f"{name}.", 300, kind, FALSE[kind])
        reply = dns.query.tcp(change, self.lab.dns_host, port=self.lab.dns_port, timeout=3)
        if reply.rcode() != 0:
            raise RuntimeError(f"the name server did not take the change: {reply}")
