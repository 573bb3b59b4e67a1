"""Drivers by key: those of this house, and those of packages that offer the entry point ``boss.drivers``."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

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


def register_own() -> None:
    """Add the drivers of this house: every folder of ``drivers`` with a ``driver`` module, named as its key."""
    for path in sorted((Path(__file__).parent / "drivers").glob("*/driver.py")):
        folder = path.parent.name
        module = importlib.import_module(f"ipservices.drivers.{folder}.driver")
        found = [
            one
            for one in vars(module).values()
            if inspect.isclass(one) and issubclass(one, Driver) and getattr(one, "key", None) == folder
        ]
        if len(found) == 1:
            register(found[0])
        else:
            drivers.faults.append(f"drivers: {folder}/driver.py has {len(found)} drivers with the key {folder}")


def register_entry_points() -> None:
    """Add the drivers of installed packages."""
    for point in entry_points(group=ENTRY_POINT):
        try:
            register(point.load())
        except Exception as error:  # noqa: BLE001 - a broken package must be named, not stop the house
            drivers.faults.append(f"drivers: entry point {point.name!r} ({point.value}) cannot be loaded: {error}")
