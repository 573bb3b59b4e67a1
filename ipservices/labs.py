"""What the ``lab/`` of every driver is made of: a real server as a private process on this machine's loopback.

For tests, demos and practice, never for production. Each lab lives below one directory, on free ports, and dies with
its parent; a second start on the same directory finds its data again. The platform (`up --lab`, `lab up`) and the
tests find labs by their folder, see ``docs/how-to/add-a-driver.md``.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

HOST = "127.0.0.1"
READY_SECONDS = 60.0
"""Most are ready in one; a machine at its limit takes longer, and one that ends is noticed at once."""
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG


class LabError(RuntimeError):
    """A server could not be started; the message says why, with the end of its log."""


@dataclass(frozen=True, slots=True)
class SqlServer:
    """The lab's PostgreSQL, which stands for the databases of the servers under test: not BOSS's own."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)

    def dsn(self, database: str) -> str:
        """How psycopg reaches one of its databases."""
        return psycopg.conninfo.make_conninfo(
            "", host=self.host, port=self.port, user=self.user, password=self.password, dbname=database
        )

    def connect(self, database: str, **options: Any) -> psycopg.Connection[Any]:
        """A connection as the superuser; ``autocommit=True`` among the ``options`` for what cannot be rolled back."""
        return psycopg.connect(self.dsn(database), **options)

    def create_database(self, name: str) -> bool:
        """Make the database; False when it is there already."""
        with self.connect("postgres", autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                return False
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return True

    def drop_database(self, name: str) -> None:
        """Drop the database with whoever is connected to it; no error when there is none."""
        with self.connect("postgres", autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@dataclass(frozen=True, slots=True)
class Names:
    """What the realm that is going to use a lab calls its things; ``networks`` are the prefixes it hands out (CIDR)."""

    host_zone: str
    mail_domain: str
    sip_domain: str
    networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabBinding:
    """How a realm is bound to a lab; the fields are those of ``services.bindings.create``."""

    family: str
    driver_key: str
    name: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    rules: Mapping[str, list[str]] = field(default_factory=dict)
    position: int = 10


class Lab(ABC):
    """A running real server, of one process or several. Make one with the ``start`` of its module."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.processes: list[subprocess.Popen[bytes]] = []

    @abstractmethod
    def launch(self) -> None:
        """Start every process on the same ports and data, fill ``processes``, wait until all answer."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Ports and passwords as JSON: all that the module's ``bindings`` needs to know of it."""

    @property
    def is_running(self) -> bool:
        return bool(self.processes) and all(process.poll() is None for process in self.processes)

    def stop(self) -> None:
        """End it and leave its data."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                _kill_group(process)

    def kill(self) -> None:
        """A power cut."""
        for process in self.processes:
            _kill_group(process)

    def restart(self) -> None:
        """Start again on the same ports and data."""
        self.stop()
        self.launch()


def free_port() -> int:
    """A loopback port that is free for TCP and UDP at this moment."""
    while True:
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
            stream.bind((HOST, 0))
            port = int(stream.getsockname()[1])
            with contextlib.suppress(OSError):
                datagram.bind((HOST, port))
                return port


def find_program(name: str) -> str | None:
    """Where a program is. Debian puts servers into sbin, which an ordinary user's PATH may lack."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")


def remembered(path: Path, make: Callable[[], str] = lambda: secrets.token_urlsafe(24)) -> str:
    """The secret in the file ``path``, readable to us alone; made at the first call."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(make())
    return path.read_text()


def give(path: Path, user: str) -> None:
    """Give a directory and all below it to ``user``, where we are root and may."""
    if os.geteuid() != 0:
        return
    owner = pwd.getpwnam(user)
    for place in [path, *path.rglob("*")]:
        os.chown(place, owner.pw_uid, owner.pw_gid, follow_symlinks=False)


def launch(
    argv: Sequence[str],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program that dies with us. As root it becomes ``user`` if one is given; else it stays what we are."""
    as_other = user if user is not None and os.geteuid() == 0 else None
    with log.open("ab") as written:
        return subprocess.Popen(  # noqa: S603 - our own program and directory
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            start_new_session=True,
            preexec_fn=_die_with_parent(),
            user=as_other,
            group=None if as_other is None else pwd.getpwnam(as_other).pw_gid,
            extra_groups=None if as_other is None else [],
        )


def wait_until(
    answers: Callable[[], bool],
    *,
    process: subprocess.Popen[bytes],
    log: Path,
    what: str,
    seconds: float = READY_SECONDS,
) -> None:
    """Wait until the server ``what`` answers. Raises :class:`LabError` when it ends first, or takes too long."""
    ends = time.monotonic() + seconds
    while not answers():
        if process.poll() is not None or time.monotonic() > ends:
            words = log.read_text(errors="replace").splitlines()[-12:] if log.exists() else []
            raise LabError(f"{what} did not start:\n" + "\n".join(words))
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Whether something takes TCP connections on a loopback port."""
    try:
        socket.create_connection((HOST, port), timeout=0.5).close()
    except OSError:
        return False
    return True


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # Every lab process leads a session of its own; its children go with it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _die_with_parent() -> Callable[[], None] | None:
    """Ask the kernel to end the server when we are gone, however we went (Linux)."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(_DEATH_SIGNAL, int(signal.SIGTERM))
        if os.getppid() != parent:
            os._exit(1)

    return ask
