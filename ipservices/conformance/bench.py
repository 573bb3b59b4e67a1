"""What the kit needs of a server beyond its driver: a subscriber's client, a saboteur, a second hand."""

from __future__ import annotations

import ipaddress
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace

from ipservices.contracts import Capabilities, Desired, Driver
from ipservices.families import Kind, kinds
from ipservices.models import Binding
from ipservices.services import leases

NEIGHBOUR_REF = "svc-kit000000002"


class NotHere(Exception):
    """This bench has no means for a check; the message says what would be needed."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What :meth:`Bench.use` made happen: at least so much of these metrics."""

    amounts: dict[str, int]


class Bench(ABC):
    """One server with one kind of object under test, reached through ``driver()``; all else stands beside BOSS.

    ``cannot`` names checks that mean nothing on this server, each explained in its driver's README.
    """

    label: str
    full_kind: str
    cannot: frozenset[str] = frozenset()

    @abstractmethod
    def driver(self, *, right_secret: bool = True, service_plane: bool = True) -> Driver:
        """A fresh driver; with a wrong secret, or looking for the service where nothing serves."""

    def desired(self) -> Desired:
        with self.driver() as driver:
            return driver.trial(self.full_kind)

    def changed(self, desired: Desired, number: int = 1) -> Desired:
        """``desired`` with other values; different for each ``number`` from 1 on."""
        with self.driver() as driver:
            return driver.trial(self.full_kind, number)

    def neighbour(self) -> Desired | None:
        """Another object of the kind, of another service; None where only one name was made for trying."""
        desired = self.desired()
        name = _next_to(desired.name)
        needed = {key: value for key, value in desired.attributes.items() if key in (*self.kind.required, "zone")}
        attributes = {key: name if value == desired.name else value for key, value in needed.items()}
        return replace(desired, service_ref=NEIGHBOUR_REF, name=name, attributes=attributes)

    @abstractmethod
    def works(self, desired: Desired, switch: str = "") -> bool:
        """Whether a subscriber's own program gets through, the part behind ``switch`` if one is named."""

    def connect(self, desired: Desired) -> bool:
        """Open a live session as the subscriber and keep it open; whether it was let in."""
        raise NotHere("a client that keeps a session open")

    def sessions(self, desired: Desired) -> int:
        """How many of the sessions that :meth:`connect` opened are still alive, seen from the client's side."""
        raise NotHere("a client that keeps a session open")

    def tamper(self, desired: Desired) -> None:
        """Somebody changes the object past BOSS."""
        raise NotHere("a second hand on the server")

    def dying_in_the_middle(self) -> AbstractContextManager[None]:
        """The server goes down while it is being changed; it is back when the block has ended."""
        raise NotHere("a server that may be killed")

    def use(self, desired: Desired) -> Usage:
        """Really use the service, and say what that must have cost."""
        raise NotHere("a client whose use is counted")

    def reset_counters(self) -> None:
        """What makes the server's counters begin anew (a restart)."""
        raise NotHere("a server that may be restarted")

    def another(self) -> Bench:
        """A second server of this make, where the same name is free: what is in the object can be handed over to it."""
        raise NotHere("a second server to hand over to")

    def effects(self, key: str) -> int | None:
        """How often the server really changed something under ``key``, by its own log; None where it keeps none."""
        return None

    def reset(self) -> None:
        """Put everything at rest before a check; the object under test is taken away."""
        with self.driver() as driver:
            driver.take_away(driver.trial(self.full_kind), key="kit:clean")

    @contextmanager
    def alone(self, container: str) -> Iterator[None]:
        """The lock under which BOSS changes a native container."""
        with leases.hold(self.binding, container):
            yield

    @property
    @abstractmethod
    def binding(self) -> Binding:
        """A stored binding to this server: containers are locked in its name."""

    @property
    def kind(self) -> Kind:
        return kinds.get(self.full_kind)

    @property
    def capabilities(self) -> Capabilities:
        return self.driver().capabilities()

    @property
    def switches(self) -> tuple[str, ...]:
        """The owner's switches that are tried."""
        return self.kind.switches


def _next_to(name: str) -> str:
    """Another name of the same make: an address, a prefix, a number, a name."""
    if name.startswith("+"):
        return f"+{int(name) + 1}"
    try:
        network = ipaddress.ip_network(name)
    except ValueError:
        return f"n-{name}"
    before = network.network_address - network.num_addresses
    return f"{before}/{network.prefixlen}" if "/" in name else str(before)
