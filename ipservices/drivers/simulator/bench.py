"""Simulated servers on the bench of the conformance kit, one for each kind of object."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from boss.core import scoping
from boss.core.actors import Actor
from ipservices.conformance import Bench
from ipservices.conformance.bench import Usage
from ipservices.contracts import Connection, Desired, Driver
from ipservices.drivers.simulator import client, store
from ipservices.drivers.simulator.driver import SimulatorDriver
from ipservices.models import Binding, SimulatedEffect
from ipservices.services import bindings

_RIGHT = "right"
_AT_REST: dict[str, Any] = {
    "down": False, "slow": 0, "wrong": False, "refuses": "", "answer_lost": False, "service_dead": False
}  # fmt: skip


class SimulatorBench(Bench):
    """One simulated server of its own."""

    def __init__(self, realm_id: int, full_kind: str) -> None:
        self.full_kind = full_kind
        self.label = f"simulator {full_kind}"
        self.realm_id = realm_id
        self.server = f"kit {full_kind}"
        self._amount = 1000
        with scoping.realm_transaction(realm_id):
            self._binding = bindings.create(
                actor=Actor.system(realm_id),
                family=full_kind.partition(".")[0],
                driver_key=SimulatorDriver.key,
                name=self.server,
                settings={"server": self.server},
                deadline_seconds=5,
            )
        with store.request(realm_id, self.server) as server:
            server.secret = _RIGHT
            server.save()

    @property
    def binding(self) -> Binding:
        return self._binding

    def driver(self, *, right_secret: bool = True, service_plane: bool = True) -> Driver:
        self.fault(service_dead=not service_plane)
        secrets = {"secret": _RIGHT if right_secret else "wrong"}
        return SimulatorDriver(Connection(self.realm_id, self.binding.pk, {"server": self.server}, secrets, 5))

    def works(self, desired: Desired, switch: str = "") -> bool:
        return client.can_use(self.realm_id, self.server, self.full_kind, desired.name, switch)

    def connect(self, desired: Desired) -> bool:
        return client.open_session(self.realm_id, self.server, self.full_kind, desired.name)

    def sessions(self, desired: Desired) -> int:
        return client.sessions(self.realm_id, self.server, self.full_kind, desired.name)

    def use(self, desired: Desired) -> Usage:
        # Less each time: a counter that began anew and came to the same number would be told from nothing.
        self._amount -= 100
        client.open_session(self.realm_id, self.server, self.full_kind, desired.name, amount=self._amount)
        return Usage(dict.fromkeys(self.kind.metrics, self._amount))

    def reset_counters(self) -> None:
        client.restart(self.realm_id, self.server)

    def tamper(self, desired: Desired) -> None:
        key = next(iter(desired.attributes))
        client.tamper(self.realm_id, self.server, self.full_kind, desired.name, {key: "tampered"})

    def fault(self, **faults: Any) -> None:
        """Move sliders."""
        with store.request(self.realm_id, self.server) as server:
            server.faults = {**server.faults, **faults}
            server.save()

    def reset(self) -> None:
        self.fault(**_AT_REST)
        super().reset()

    @contextmanager
    def dying_in_the_middle(self) -> Iterator[None]:
        self.fault(answer_lost=True)
        try:
            yield
        finally:
            self.fault(answer_lost=False)

    def effects(self, key: str) -> int | None:
        with scoping.realm_transaction(self.realm_id):
            done = SimulatedEffect.objects.filter(server__name=self.server, key=key, changed=True)
            return int(done.count())
