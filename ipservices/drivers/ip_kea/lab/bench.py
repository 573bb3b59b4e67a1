"""Kea on the bench of the conformance kit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from psycopg import sql

from ipservices.conformance import Bench
from ipservices.conformance.real import LOOPBACK, ServerBench
from ipservices.contracts import TRIAL_REF, Connection, Desired, Driver
from ipservices.drivers.ip_kea.lab import HOST6, Lab, bindings
from ipservices.drivers.ip_kea.lab.client import Delegated, Router
from ipservices.labs import HOST, Names
from ipservices.registry import drivers

DELEGATION = "2001:db8:ffff:100::/56"


def benches(lab: Lab, realm_id: int) -> list[Bench]:
    """One: reserved addresses. Delegated prefixes have theirs, :class:`PrefixBench`, in the driver's own tests."""
    return [AddressBench(realm_id, lab, *bindings(lab.facts(), NAMES), "ip.assignment")]


NAMES = Names("subs.kit.example", "kit.example", "sip.kit.example")


class KeaBench(ServerBench[Lab]):
    """What both have in common. The power cut takes the database away too: a reservation is made there."""

    dead_plane = {"dhcp_port": 9, "dhcp6_port": 9}
    wrong = {"control_password": "wrong", "sql_password": "wrong"}

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        with self.driver() as driver:
            driver.publish_networks(())

    def driver(self, *, right_secret: bool = True, service_plane: bool = True) -> Driver:
        plain = super().driver(right_secret=right_secret, service_plane=service_plane).connection
        return drivers.get(self.bound.driver_key).driver(
            Connection(plain.realm_id, plain.binding_id, plain.settings, plain.secrets, plain.deadline_seconds,
                       networks=(*LOOPBACK, f"{HOST6}/128"))
        )  # fmt: skip

    def tamper(self, desired: Desired) -> None:
        with self.lab.sql.connect(self.lab.database) as connection:
            connection.execute("UPDATE hosts SET hostname = 'tampered' WHERE user_context LIKE %s", (f"%{TRIAL_REF}%",))

    @contextmanager
    def dying_in_the_middle(self) -> Iterator[None]:
        killer = threading.Timer(self.kill_after, self._power_cut)
        killer.start()
        try:
            yield
        finally:
            killer.join()
            self._database(open_to_all=True)
            self.lab.restart()

    def _power_cut(self) -> None:
        self._database(open_to_all=False)
        self.lab.kill()

    def _database(self, *, open_to_all: bool) -> None:
        with self.lab.sql.connect("postgres", autocommit=True) as connection:
            name, allowed = sql.Identifier(self.lab.database), sql.Literal(open_to_all)
            connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(name, allowed))
            if not open_to_all:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (self.lab.database,)
                )


class AddressBench(KeaBench):
    """A subscriber's router behind a relay on the loopback."""

    _router: Router | None = None

    def works(self, desired: Desired, switch: str = "") -> bool:
        router = self.router(desired)
        return router.lease() and router.address == desired.name

    def connect(self, desired: Desired) -> bool:
        self._router = self.router(desired)
        return self._router.lease()

    def sessions(self, desired: Desired) -> int:
        return int(self._router is not None and self._router.renew())

    def router(self, desired: Desired) -> Router:
        mac = str(desired.attributes["identifier"]).removeprefix("mac:")
        return Router((HOST, self.lab.dhcp_port), mac, desired.name)


class PrefixBench(KeaBench):
    """A subscriber's router that wants an IPv6 prefix, behind a relay on the loopback."""

    _router: Delegated | None = None

    def desired(self) -> Desired:
        attributes = {
            "address": DELEGATION,
            "address_kind": "delegation",
            "identifier": "duid:00:03:00:01:02:b0:55:02:00:00",
            "hostname": "kit",
        }
        return Desired(TRIAL_REF, "ip", "assignment", DELEGATION, attributes)

    def changed(self, desired: Desired, number: int = 1) -> Desired:
        duid = f"duid:00:03:00:01:02:b0:55:02:00:{number:02x}"
        return replace(desired, attributes={**desired.attributes, "identifier": duid, "hostname": f"kit-{number}"})

    def works(self, desired: Desired, switch: str = "") -> bool:
        router = self.router(desired)
        return router.lease() and router.prefix == desired.name

    def connect(self, desired: Desired) -> bool:
        self._router = self.router(desired)
        return self._router.lease()

    def sessions(self, desired: Desired) -> int:
        return int(self._router is not None and self._router.renew())

    def reset(self) -> None:
        with self.driver() as driver:
            driver.take_away(self.desired(), key="kit:clean")

    def router(self, desired: Desired) -> Delegated:
        duid = bytes.fromhex(str(desired.attributes["identifier"]).removeprefix("duid:").replace(":", ""))
        return Delegated((HOST6, self.lab.dhcp6_port), duid, "2001:db8:ffff::")
