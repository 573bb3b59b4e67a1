"""Drivers by key: those of this house, and those of packages that offer the entry point ``boss.drivers``."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from importlib.metadata import entry_points

from boss.core.registry import Registry
from ipservices.contracts import Capabilities, Driver

ENTRY_POINT = "boss.drivers"


@dataclass(frozen=True, slots=True)
class DriverKind:
    """A registered driver class."""

    key: str
    driver: type[Driver]

    @property
    def capabilities(self) -> Capabilities:
        return self.driver.capabilities()


drivers: Registry[DriverKind] = Registry("drivers", DriverKind)


def register(driver: type[Driver]) -> None:
    """Add a driver class. What is wrong with it is reported by the system checks at start-up."""
    if not (inspect.isclass(driver) and issubclass(driver, Driver)):
        drivers.faults.append(f"drivers: {driver!r} is not a Driver class")
    elif inspect.isabstract(driver):
        missing = ", ".join(sorted(driver.__abstractmethods__))
        drivers.faults.append(f"drivers: {driver.__name__} lacks {missing}")
    else:
        drivers.register(driver.key, DriverKind(driver.key, driver))


def register_entry_points() -> None:
    """Add the drivers of installed packages."""
    for point in entry_points(group=ENTRY_POINT):
        try:
            register(point.load())
        except Exception as error:  # noqa: BLE001 - a broken package must be named, not stop the house
            drivers.faults.append(f"drivers: entry point {point.name!r} ({point.value}) cannot be loaded: {error}")
