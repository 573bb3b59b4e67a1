"""Benches of real servers: what is the same for all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Generic, TypeVar

from boss.core import scoping
from boss.core.actors import Actor
from ipservices.conformance.bench import Bench
from ipservices.contracts import Connection, Driver
from ipservices.labs import Lab, LabBinding
from ipservices.models import Binding
from ipservices.registry import drivers
from ipservices.services import bindings

LOOPBACK = ("127.0.0.0/8",)

L = TypeVar("L", bound=Lab)


class ServerBench(Bench, Generic[L]):
    """A lab's server, bound in the realm under test as a realm would bind it.

    ``dead_plane`` are settings that point the driver at a place where nothing serves subscribers, ``wrong`` are
    secrets the server refuses; ``kill_after`` is when, in seconds after the first change, the power goes. ``beside``
    starts a second server, for who was given one.
    """

    dead_plane: ClassVar[Mapping[str, Any]] = {}
    wrong: ClassVar[Mapping[str, str]] = {}
    kill_after: ClassVar[float] = 0.01
    deadline_seconds: ClassVar[float] = 8.0
    beside: Callable[[], Bench] | None = None

    def __init__(self, realm_id: int, lab: L, bound: LabBinding, full_kind: str, label: str = "") -> None:
        self.realm_id = realm_id
        self.lab = lab
        self.bound = bound
        self.full_kind = full_kind
        self.label = label or f"{bound.driver_key} {full_kind}"
        with scoping.realm_transaction(realm_id):
            self._binding = bindings.create(
                actor=Actor.system(realm_id),
                family=bound.family,
                driver_key=bound.driver_key,
                name=f"kit {self.label}",
                settings=bound.settings,
                secrets=bound.secrets,
                deadline_seconds=self.deadline_seconds,
            )

    @property
    def binding(self) -> Binding:
        return self._binding

    def driver(self, *, right_secret: bool = True, service_plane: bool = True) -> Driver:
        settings = {**self.binding.settings, **({} if service_plane else self.dead_plane)}
        secrets = {**self.bound.secrets, **({} if right_secret else self.wrong)}
        connection = Connection(
            self.realm_id,
            self.binding.pk,
            settings,
            secrets,
            self.deadline_seconds,
            networks=LOOPBACK,
            directories=(str(self.lab.directory),),
        )
        return drivers.get(self.bound.driver_key).driver(connection)

    def another(self) -> Bench:
        return super().another() if self.beside is None else self.beside()

    def reset_counters(self) -> None:
        self.lab.restart()

    @contextmanager
    def dying_in_the_middle(self) -> Iterator[None]:
        killer = threading.Timer(self.kill_after, self.lab.kill)
        killer.start()
        try:
            yield
        finally:
            killer.join()
            self.lab.restart()
