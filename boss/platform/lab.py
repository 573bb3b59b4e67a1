"""Real servers beside the embedded platform (`manage.py up --lab`): the one place that knows how to find them.

A driver's folder may hold `lab/service.py` with a function

    def prepare(directory: Path, database_admin_dsn: str) -> LabProcess | None

that gets the real server of that driver ready to be run, or returns None when its program is not installed. The object it
returns has `name`, `argv`, `environment`, `log` and `sentence` (where it answers, for people). Nothing here knows a
driver's name: whatever folder has the module takes part, and deleting the folder takes it away.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from boss.platform import addresses
from boss.platform.processes import Child
from boss.platform.services import Service

DRIVERS = addresses.ROOT / "ipservices" / "drivers"


class LabProcess(Protocol):
    """What a driver's lab says about the real server it wants run."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    sentence: str


def services(state: Path, say: Callable[[str], None]) -> Iterator[Service]:
    """A service for every real server whose program is installed; tells which are not."""
    for path in sorted(DRIVERS.glob("*/lab/service.py")):
        folder = path.parent.parent.name
        module = importlib.import_module(f"ipservices.drivers.{folder}.lab.service")
        directory = state / "lab" / folder
        directory.mkdir(parents=True, exist_ok=True)
        process: LabProcess | None = module.prepare(directory, addresses.admin_dsn())
        if process is None:
            say(f"The real server of {folder} is not installed here; `make lab` installs it")
            continue
        say(f"{process.name}: {process.sentence}")
        yield Service(process.name, launcher(process))


def launcher(process: LabProcess) -> Callable[[], Child]:
    """How to launch one of them."""

    def launch() -> Child:
        child = Child(
            name=process.name,
            argv=process.argv,
            log=process.log,
            environment=process.environment,
        )
        child.start()
        return child

    return launch
