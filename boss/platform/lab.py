"""Real servers beside the embedded platform (`manage.py lab`, `up --lab`, the tests): the one place that finds them.

The package `lab` in a driver's folder offers what `ipservices/labs.py` says. Nothing here knows a driver's name:
whatever folder has the package takes part, and deleting the folder takes it away. Ports are chosen once and kept in
`ports.json`, as bindings in the database point at them; `facts.json` says how to reach what runs.
"""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from boss.platform import addresses
from boss.platform.options import MAIL_PORT
from boss.platform.postgres import Postgres, Tcp
from boss.platform.processes import Child, is_alive
from boss.platform.services import Service
from ipservices import labs
from ipservices.labs import Lab, LabBinding, Names, SqlServer

DRIVERS = addresses.ROOT / "ipservices" / "drivers"
POSTGRES = "postgres"
MARK = " (lab)"
"""How the name of a binding to a lab ends."""


def directory_of(folder: str) -> Path:
    """Where the real server of the driver in `folder` keeps its configuration, keys and `ports.json`."""
    return addresses.STATE / addresses.kind() / "lab" / folder


def modules() -> dict[str, ModuleType]:
    """The `lab` package of every driver that has one, by the driver's folder."""
    folders = sorted(path.parent.parent.name for path in DRIVERS.glob("*/lab/__init__.py"))
    return {folder: importlib.import_module(f"ipservices.drivers.{folder}.lab") for folder in folders}


@dataclass
class LabChild(Child):
    """A lab, of one process or several, as something the supervisor can watch and stop."""

    lab: Lab | None = None

    @property
    def pid(self) -> int | None:
        return self.lab.processes[0].pid if self.lab and self.lab.processes else None

    @property
    def is_running(self) -> bool:
        return self.lab is not None and self.lab.is_running

    def ask_to_stop(self) -> None:
        for process in self.lab.processes if self.lab else []:
            if process.poll() is None:
                process.terminate()

    def stop(self) -> int | None:
        if self.lab is None:
            return None
        self.lab.stop()
        return self.lab.processes[0].returncode if self.lab.processes else 0

    def kill(self) -> None:
        if self.lab is not None:
            self.lab.kill()


def services(say: Callable[[str], None]) -> Iterator[Service]:
    """The lab's PostgreSQL, then every real server whose program is installed; tells which are not."""
    server = postgres(directory_of(POSTGRES))
    yield Service("lab PostgreSQL", lambda: _launch_postgres(server))
    for folder, module in modules().items():
        if module.is_installed():
            yield Service(folder, launcher(module, folder))
        else:
            say(f"{module.TITLE} is not installed here; `make lab` installs it")


def postgres(directory: Path) -> Postgres:
    """The PostgreSQL that stands for the databases of the real servers: not BOSS's own, reached over TCP."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    ports = directory / "ports.json"
    if not ports.exists():
        ports.write_text(json.dumps({"port": labs.free_port()}))
    tcp = Tcp(int(json.loads(ports.read_text())["port"]), labs.remembered(directory / "password"))
    return Postgres(state=directory, tcp=tcp)


def sql_server(server: Postgres) -> SqlServer:
    """How the labs reach it."""
    assert server.tcp is not None
    return SqlServer(labs.HOST, server.tcp.port, addresses.SUPERUSER, server.tcp.password)


def _launch_postgres(server: Postgres) -> Child:
    server.launch()
    server.wait()
    assert server.child is not None
    return server.child


def launcher(module: ModuleType, folder: str) -> Callable[[], Child]:
    """How to launch one of them, always on the same ports."""
    directory = directory_of(folder)

    def launch() -> Child:
        sql = sql_server(postgres(directory_of(POSTGRES)))
        started: Lab = module.start(directory, sql, **remembered_ports(module, directory))
        facts = directory / "facts.json"
        facts.touch(mode=0o600)
        facts.write_text(json.dumps({"pid": started.processes[0].pid, "facts": started.facts()}))
        return LabChild(name=module.TITLE, argv=[], log=directory, lab=started)

    return launch


def remembered_ports(module: ModuleType, directory: Path) -> dict[str, int]:
    """The ports of the last start, chosen now for what has none yet."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = directory / "ports.json"
    ports: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    for name in inspect.signature(module.start).parameters:
        if name.endswith("_port") and name not in ports:
            # `up` takes mail for tickets where everybody expects it.
            ports[name] = MAIL_PORT if name == "desk_port" else labs.free_port()
    path.write_text(json.dumps(ports))
    return ports


def running() -> dict[str, dict[str, Any]]:
    """The facts of every lab that runs beside this platform, by the driver's folder."""
    found: dict[str, dict[str, Any]] = {}
    for folder in modules():
        try:
            written = json.loads((directory_of(folder) / "facts.json").read_text())
        except (OSError, ValueError):
            continue
        if is_alive(int(written["pid"])):
            found[folder] = written["facts"]
    return found


def bindings(names: Names) -> list[LabBinding]:
    """How a realm with these names is bound to everything that runs."""
    every = modules()
    return [bound for folder, facts in running().items() for bound in every[folder].bindings(facts, names)]
