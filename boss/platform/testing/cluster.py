"""Throw-away servers for one test run, on a copy of a cluster that was migrated once.

The migrated cluster is kept below `.boss/test-templates/`, named after a fingerprint of all that the schema is
made from. So only the first run after a change of schema pays for the migrations.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from boss.platform import addresses, database
from boss.platform.postgres import choose_mode
from boss.platform.processes import StartError
from boss.platform.schema_stamp import fingerprint
from boss.platform.servers import Servers
from boss.platform.testing.environment import TEMPLATE

KEPT_TEMPLATES = 3

MEMORY = Path("/dev/shm")
ROOM_IN_MEMORY = 4 * 1024**3
MEMORY_FOR_ALL = 8 * 1024**3
"""Bytes that must be free in ``MEMORY``, and on the machine, before a run's cluster is put there. It takes one or two
gigabytes; containers often have 64 megabytes there, and then it lies on the disk."""


class TemplateFailed(RuntimeError):
    """The test database could not be made; the message holds what the migrations said."""


class TestCluster:
    """The servers of one run, below `.boss/test/<kind>/`."""

    __test__ = False  # not a test case, whatever its name suggests to pytest

    def __init__(self) -> None:
        self.state = addresses.STATE / "test" / addresses.kind()
        self.servers: Servers | None = None
        self.durable = os.environ.get("BOSS_TEST_DURABLE") == "1"
        self._lock: IO[str] | None = None

    def start(self) -> None:
        """Bring up servers whose cluster holds the migrated template. Raises TemplateFailed."""
        sweep_left_overs()
        self.state.mkdir(parents=True)
        self._lock = open(self.state / "lock", "w")  # noqa: SIM115 - held as long as the run lasts
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            with migrated_template() as template:
                data = self._place_for_data()
                shutil.copytree(template, data, symlinks=True)
                data.chmod(0o700)
            self._run()
        except StartError as trouble:
            raise TemplateFailed(str(trouble)) from trouble

    def _place_for_data(self) -> Path:
        """Where the cluster will lie. A database of a test's own is some 1,700 small files, and a disk's file system
        can take a second of processor time to make them: so in memory where there is room, with a link to it."""
        here = self.state / "postgres"
        if self.durable or not may_lie_in_memory():
            return here
        here.symlink_to(in_memory(self.state))
        return in_memory(self.state)

    def _run(self) -> None:
        # Benchmarks of durable work want the disk as it is; tests want to be quick.
        self.servers = Servers(self.state, durable=self.durable)
        self.servers.launch()
        self.servers.wait()

    def stop(self) -> None:
        """Stop the servers and delete all they wrote."""
        if self.servers:
            self.servers.stop()
            if self.servers.postgres:
                self.servers.postgres.remove()
        if self._lock:
            self._lock.close()
        forget(self.state)


def in_memory(state: Path) -> Path:
    """The place in memory of the run with this state directory."""
    return MEMORY / f"boss-{state.name}"


def may_lie_in_memory() -> bool:
    """True when a whole run fits into memory and leaves enough of it for what else the tests start."""
    if choose_mode(MEMORY / "none") == "nobody":  # that user's programs and data have a place of their own
        return False
    try:
        with open("/proc/meminfo") as lines:
            [available] = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
        return shutil.disk_usage(MEMORY).free >= ROOM_IN_MEMORY and int(available) * 1024 >= MEMORY_FOR_ALL
    except (OSError, ValueError):
        return False


def forget(state: Path) -> None:
    """Delete all that a run wrote."""
    shutil.rmtree(state, ignore_errors=True)
    for place in (in_memory(state), in_memory(template_state(state))):
        shutil.rmtree(place, ignore_errors=True)


def template_state(state: Path) -> Path:
    """Where the run with this state directory migrates a template, if it has to."""
    return state.with_name(f"{state.name}-template")


@contextlib.contextmanager
def migrated_template() -> Iterator[Path]:
    """The data directory of a stopped cluster with the migrated template; made now if it does not exist."""
    store = addresses.STATE / "test-templates"
    store.mkdir(parents=True, exist_ok=True)
    with open(store / "lock", "w") as lock:
        # Exclusive, so that of several runs started together one migrates and the others wait for it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        place = store / fingerprint()
        if not place.exists():
            make_template(place)
        os.utime(place)
        for old in sorted((p for p in store.iterdir() if p.is_dir()), key=lambda p: -p.stat().st_mtime)[
            KEPT_TEMPLATES:
        ]:
            shutil.rmtree(old, ignore_errors=True)
        yield place


def make_template(place: Path) -> None:
    """Make a cluster, migrate `boss_template` in it as the owner, and put its data directory at `place`."""
    began = time.monotonic()
    print("Migrating the test database once; later runs copy it ...", file=sys.stderr, flush=True)
    # We hold the lock on templates, so whatever lies half made belongs to nobody.
    for stale in (addresses.STATE / "test").glob("*-template"):
        shutil.rmtree(stale, ignore_errors=True)
    disk = template_state(addresses.STATE / "test" / addresses.kind())
    state = in_memory(disk) if may_lie_in_memory() else disk
    servers = Servers(state, durable=False)
    try:
        servers.launch()
        servers.wait()
        database.prepare(addresses.admin_dsn(), TEMPLATE)
        migrate()
        servers.stop()
        if servers.postgres:
            keep(servers.postgres.data, place)
    finally:
        servers.stop()
        shutil.rmtree(state, ignore_errors=True)
    print(f"... done in {time.monotonic() - began:.1f} s.", file=sys.stderr, flush=True)


def keep(data: Path, place: Path) -> None:
    """Move a cluster's data to ``place`` as a whole, also from another file system."""
    if data.stat().st_dev == place.parent.stat().st_dev:
        data.rename(place)
        return
    unfinished = place.with_name(f"{place.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(data, unfinished, symlinks=True)
    unfinished.chmod(0o700)
    unfinished.rename(place)


def migrate() -> None:
    """Run the migrations on the template in a process of its own, so that none of it stays in this one."""
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--database=owner", "--skip-checks", "--no-color"],
        cwd=addresses.ROOT,
        env={**os.environ, "BOSS_DATABASE_NAME": TEMPLATE, "BOSS_NO_BOOTSTRAP": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise TemplateFailed(f"The test database could not be migrated:\n{done.stdout}\n{done.stderr}")


def sweep_left_overs() -> None:
    """Delete what killed runs left: state directories whose lock nobody holds, and their sockets."""
    runs = addresses.STATE / "test"
    runs.mkdir(parents=True, exist_ok=True)
    for state in runs.iterdir():
        try:
            with open(state / "lock") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                forget(state)
                shutil.rmtree(addresses.socket_directory(state.name), ignore_errors=True)
        except (OSError, addresses.AddressError):
            continue
