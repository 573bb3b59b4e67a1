"""Running the kit on somebody's own server, as a realm has bound it.

What would need a hand on the machine itself (killing it, changing things past BOSS) is not asked there. Everything is
done under one name made for it, and taken away at the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from ipservices.conformance.bench import Bench, NotHere
from ipservices.conformance.checks import CHECKS, Broken, Check
from ipservices.contracts import Connection, Desired, Driver, DriverError, Invalid
from ipservices.models import Binding
from ipservices.registry import drivers


class Outcome(StrEnum):
    """How one check ended; ``not_asked`` says in its detail what would have been needed."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_ASKED = "not_asked"
    MEANS_NOTHING = "means_nothing"


@dataclass(frozen=True, slots=True)
class Result:
    """One check on one kind of object."""

    kind: str
    check: str
    outcome: Outcome
    detail: str = ""
    milliseconds: int = 0


class OwnBench(Bench):
    """A realm's own server: only what its driver itself can do and find out."""

    def __init__(self, binding: Binding, connection: Connection, full_kind: str) -> None:
        self._binding = binding
        self._connection = connection
        self.full_kind = full_kind
        self.label = f"{binding.name} {full_kind}"

    @property
    def binding(self) -> Binding:
        return self._binding

    def driver(self, *, right_secret: bool = True, service_plane: bool = True) -> Driver:
        if not service_plane:
            raise NotHere("a server whose service may be switched off")
        connection = self._connection
        if not right_secret:
            if not connection.secrets:
                raise NotHere("a binding with a secret")
            wrong = dict.fromkeys(connection.secrets, "a-wrong-secret-for-the-trial")
            connection = replace(connection, secrets=wrong)
        return drivers.get(self._binding.driver_key).driver(connection)

    def neighbour(self) -> Desired | None:
        return None

    def works(self, desired: Desired, switch: str = "") -> bool:
        with self.driver() as driver:
            answer = driver.gets_through(desired, switch)
        if answer is None:
            raise NotHere("a driver that can tell whether a subscriber gets through")
        return answer


def run(bench: Bench, check: Check) -> Result:
    """One check, from a bench at rest."""
    if not check.applies_to(bench):
        return Result(bench.full_kind, check.key, Outcome.MEANS_NOTHING)
    started = time.monotonic()
    outcome, words = Outcome.KEPT, ""
    try:
        bench.reset()
        check.run(bench)
    except NotHere as error:
        outcome, words = Outcome.NOT_ASKED, str(error)
    except (Broken, DriverError) as error:
        outcome, words = Outcome.BROKEN, str(error) or type(error).__name__
    took = round((time.monotonic() - started) * 1000)
    return Result(bench.full_kind, check.key, outcome, words[:500], took)


def run_all(binding: Binding, connection: Connection) -> Iterator[Result]:
    """Every check on every kind the driver provides, one after the other. What was made for it is taken away."""
    capabilities = drivers.get(binding.driver_key).capabilities
    for full_kind in sorted(capabilities.kinds):
        if full_kind.partition(".")[0] != binding.family:
            continue
        bench = OwnBench(binding, connection, full_kind)
        try:
            bench.desired()
        except Invalid as error:  # this binding has no place for the kind
            yield from (Result(full_kind, check.key, Outcome.NOT_ASKED, str(error)) for check in CHECKS)
            continue
        try:
            for check in CHECKS:
                yield run(bench, check)
        finally:
            bench.reset()
