"""A real PowerDNS on this machine's loopback, for tests, demos and practice. Never for production.

``start`` makes a configuration and a database below one directory, starts ``pdns_server`` on free ports and waits
until both its planes answer. Its records live in a database of their own in the PostgreSQL whose socket directory is
given, else in an SQLite file. The server dies with its parent. A second start on the same directory finds its zones.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import httpx
import psycopg
from psycopg import sql

PROGRAM = "pdns_server"
PACKAGES = "pdns-server pdns-backend-pgsql"
PGSQL_SCHEMA = Path("/usr/share/pdns-backend-pgsql/schema/schema.pgsql.sql")
SQLITE_SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
READY_SECONDS = 15.0
HOST = "127.0.0.1"
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG


class LabError(RuntimeError):
    """The server could not be started; the message says why."""


@dataclass
class Lab:
    """A running server. ``stop`` ends it and leaves its data; ``kill`` is a power cut; ``restart`` brings it back."""

    api_url: str
    api_key: str
    dns_host: str
    dns_port: int
    directory: Path
    process: subprocess.Popen[bytes]

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        if self.is_running:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        if self.is_running:
            self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Start again on the same ports and data."""
        self.stop()
        self.process = _launch(self.directory)
        _wait_until_ready(self)


def is_installed() -> bool:
    """Whether the server's program is on this machine."""
    return _program() is not None


def start(
    directory: Path,
    postgres_socket_dir: Path | None = None,
    *,
    postgres_user: str = "boss",
    api_port: int = 0,
    dns_port: int = 0,
) -> Lab:
    """Start a private PowerDNS below ``directory``. Ports given as 0 are chosen. Raises :class:`LabError`."""
    if not is_installed():
        raise LabError(f"PowerDNS is not installed; on Debian: apt-get install --no-install-recommends {PACKAGES}")
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = _api_key(directory)
    last = "no free port"
    for _attempt in range(3):  # another program may take a chosen port before the server binds it
        ports = api_port or _free_port(socket.SOCK_STREAM), dns_port or _free_port(socket.SOCK_DGRAM)
        _write_configuration(directory, key, *ports, postgres_socket_dir, postgres_user)
        lab = Lab(f"http://{HOST}:{ports[0]}", key, HOST, ports[1], directory, _launch(directory))
        try:
            _wait_until_ready(lab)
        except LabError as error:
            last = str(error)
            lab.stop()
        else:
            return lab
    raise LabError(last)


def _program() -> str | None:
    # Debian puts it into sbin, which an ordinary user's PATH may lack.
    return shutil.which(PROGRAM) or shutil.which(PROGRAM, path="/usr/sbin:/usr/local/sbin")


def _api_key(directory: Path) -> str:
    path = directory / "api-key"
    if not path.exists():
        path.write_text(secrets.token_urlsafe(24))
        path.chmod(0o600)
    return path.read_text()


def _free_port(kind: socket.SocketKind) -> int:
    """A port free for both TCP and UDP, as a name server wants it."""
    for _attempt in range(50):
        with socket.socket(socket.AF_INET, kind) as first:
            first.bind((HOST, 0))
            port = int(first.getsockname()[1])
            other = socket.SOCK_DGRAM if kind is socket.SOCK_STREAM else socket.SOCK_STREAM
            with socket.socket(socket.AF_INET, other) as second:
                try:
                    second.bind((HOST, port))
                except OSError:
                    continue
                return port
    raise LabError("no free port")


def _write_configuration(
    directory: Path, key: str, api_port: int, dns_port: int, postgres_socket_dir: Path | None, postgres_user: str
) -> None:
    backend = (
        _postgres_backend(directory, postgres_socket_dir, postgres_user)
        if postgres_socket_dir is not None and PGSQL_SCHEMA.exists()
        else _sqlite_backend(directory)
    )
    lines = [
        *backend,
        f"local-address={HOST}",
        f"local-port={dns_port}",
        f"socket-dir={directory}",
        "daemon=no",
        "guardian=no",
        "disable-syslog=yes",
        "api=yes",
        f"api-key={key}",
        "webserver=yes",
        f"webserver-address={HOST}",
        f"webserver-port={api_port}",
        f"webserver-allow-from={HOST}",
        "webserver-loglevel=none",
        "default-soa-content=ns1.@ hostmaster.@ 0 10800 3600 604800 3600",
        # Caches would hide a change from whoever looks right after it; the poll would call out to the internet.
        "query-cache-ttl=0",
        "cache-ttl=0",
        "negquery-cache-ttl=0",
        "zone-cache-refresh-interval=0",
        "security-poll-suffix=",
        "receiver-threads=1",
        "distributor-threads=2",
    ]
    path = directory / "pdns.conf"
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n")


def _postgres_backend(directory: Path, sockets: Path, user: str) -> list[str]:
    name = "boss_lab_" + hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:12]
    with psycopg.connect(host=str(sockets), user=user, dbname="postgres", autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with psycopg.connect(host=str(sockets), user=user, dbname=name) as connection:
        if connection.execute("SELECT to_regclass('public.domains')").fetchone() != ("domains",):
            connection.execute(PGSQL_SCHEMA.read_text().encode())
    return ["launch=gpgsql", f"gpgsql-host={sockets}", f"gpgsql-user={user}", f"gpgsql-dbname={name}"]


def _sqlite_backend(directory: Path) -> list[str]:
    if not SQLITE_SCHEMA.exists():
        raise LabError("neither a PostgreSQL nor PowerDNS's SQLite backend (pdns-backend-sqlite3) is at hand")
    path = directory / "zones.sqlite3"
    if not path.exists():
        with sqlite3.connect(path) as connection:
            connection.executescript(SQLITE_SCHEMA.read_text())
    return ["launch=gsqlite3", f"gsqlite3-database={path}", "gsqlite3-pragma-journal-mode=WAL"]


def _launch(directory: Path) -> subprocess.Popen[bytes]:
    program = _program()
    if program is None:
        raise LabError("PowerDNS is not installed")
    with (directory / "pdns.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own program and directory
            [program, f"--config-dir={directory}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent(),
        )


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


def _wait_until_ready(lab: Lab) -> None:
    ends = time.monotonic() + READY_SECONDS
    while not _answers(lab):
        if not lab.is_running or time.monotonic() > ends:
            words = (lab.directory / "pdns.log").read_text(errors="replace").splitlines()[-8:]
            raise LabError("PowerDNS did not start:\n" + "\n".join(words))
        time.sleep(0.05)


def _answers(lab: Lab) -> bool:
    try:
        api = httpx.get(
            f"{lab.api_url}/api/v1/servers/localhost",
            headers={"X-API-Key": lab.api_key},
            timeout=1.0,
            trust_env=False,
        )
        question = dns.message.make_query("boss-health.invalid", "SOA")
        dns.query.udp(question, lab.dns_host, port=lab.dns_port, timeout=0.5)
    except (httpx.HTTPError, OSError, dns.exception.DNSException):
        return False
    return api.status_code == 200
