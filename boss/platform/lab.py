"""Real servers beside the embedded platform (`manage.py up --lab`): the one place that knows how to find them.

The package `lab` in a driver's folder offers `is_installed()` and

    start(directory: Path, postgres_socket_dir: Path | None, *, …_port: int = 0) -> an object with `process`

Nothing here knows a driver's name: whatever folder has the package takes part, and deleting the folder takes it
away. Ports are chosen once and kept in `ports.json`, as bindings in the database point at them.
"""

from __future__ import annotations

import importlib
import inspect
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

from boss.platform import addresses
from boss.platform.processes import Child
from boss.platform.services import Service

DRIVERS = addresses.ROOT / "ipservices" / "drivers"


def directory_of(folder: str) -> Path:
    """Where the real server of the driver in `folder` keeps its configuration, keys and `ports.json`."""
    return addresses.STATE / addresses.kind() / "lab" / folder


def services(say: Callable[[str], None]) -> Iterator[Service]:
    """A service for every real server whose program is installed; tells which are not."""
    for path in sorted(DRIVERS.glob("*/lab/__init__.py")):
        folder = path.parent.parent.name
        module = importlib.import_module(f"ipservices.drivers.{folder}.lab")
        if module.is_installed():
            yield Service(folder, launcher(module, folder))
        else:
            say(f"The real server of {folder} is not installed here; `make lab` installs it")


def launcher(module: ModuleType, folder: str) -> Callable[[], Child]:
    """How to launch one of them, always on the same ports."""
    directory = directory_of(folder)
    sockets = addresses.postgres_socket_directory() if addresses.is_embedded_database() else None

    def launch() -> Child:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        started = module.start(directory, sockets, **remembered_ports(module, directory))
        return Child(name=folder, argv=started.process.args, log=directory, process=started.process)

    return launch


def remembered_ports(module: ModuleType, directory: Path) -> dict[str, int]:
    """The ports of the last start, chosen now for what has none yet."""
    path = directory / "ports.json"
    ports: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    for name in inspect.signature(module.start).parameters:
        if name.endswith("_port") and name not in ports:
            ports[name] = free_port()
    path.write_text(json.dumps(ports))
    return ports


def free_port() -> int:
    """A loopback port that is free for TCP and UDP at this moment."""
    while True:
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
            stream.bind(("127.0.0.1", 0))
            port = int(stream.getsockname()[1])
            try:
                datagram.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
