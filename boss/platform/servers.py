"""The servers of one platform kind together: whichever of PostgreSQL and Valkey is embedded.

`up` owns them while it runs. A developer's `manage.py migrate` or `shell` uses those of a running `up`, or has its
own for the command's duration (`lend`). Two locks below `.boss/<kind>/` keep that straight:

- `owner.lock`, exclusive: who holds it started the servers and will stop them. It also says who and where.
- `users.lock`, shared: held by every command that uses servers somebody else started, so that they are not
  stopped under it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from boss.platform import addresses, database
from boss.platform.postgres import Postgres
from boss.platform.postgres import answers as postgres_answers
from boss.platform.processes import StartError
from boss.platform.valkey import Valkey
from boss.platform.valkey import answers as valkey_answers

WAIT_SECONDS = 60.0


class AlreadyRunning(StartError):
    """Another process runs the servers of this checkout. `status` is what it wrote about itself."""

    def __init__(self, status: dict[str, Any]) -> None:
        self.status = status
        what = status.get("command", "another command")
        super().__init__(f"BOSS's servers are already run by `manage.py {what}` (process {status.get('pid', '?')}).")


class Servers:
    """The embedded servers of the current platform kind, in one state directory."""

    def __init__(self, state: Path | None = None, *, durable: bool = True) -> None:
        """`state` holds data and logs, `.boss/<kind>` by default. `durable=False` is for tests."""
        self.state = state or addresses.STATE / addresses.kind()
        self.state.mkdir(parents=True, exist_ok=True)
        self.postgres = Postgres(state=self.state, durable=durable) if addresses.is_embedded_database() else None
        self.valkey = Valkey(state=self.state, durable=durable) if addresses.is_embedded_redis() else None

    def launch(self) -> None:
        """Start what is embedded, without waiting. Raises StartError."""
        make_private(addresses.socket_directory())
        if self.valkey:
            self.valkey.launch()
        if self.postgres:
            self.postgres.launch()

    def wait(self) -> None:
        """Wait until all of them answer, a given Redis too. Raises StartError."""
        if not self.valkey:
            refuse_silent_redis()
        if self.valkey:
            self.valkey.wait()
        if self.postgres:
            self.postgres.wait()

    def stop(self) -> None:
        """Stop them: the broker first, the truth last. Removes the socket directory."""
        if self.valkey:
            self.valkey.stop()
        if self.postgres:
            self.postgres.stop()
        with contextlib.suppress(OSError):
            addresses.valkey_socket().unlink(missing_ok=True)
            addresses.postgres_socket_directory().rmdir()
            addresses.socket_directory().rmdir()


def make_private(directory: Path) -> None:
    """Make the socket directory, closed to others. PostgreSQL opens it a crack where it runs as another user."""
    directory.mkdir(mode=0o700, exist_ok=True)


def refuse_silent_redis() -> None:
    """Raise StartError when the server of REDIS_URL does not answer or does not let us in."""
    # Here and not at the top: with the bundled server no start waits for the import.
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    try:
        with redis.Redis.from_url(
            addresses.redis_url(), socket_connect_timeout=5, socket_timeout=5, retry=Retry(NoBackoff(), 0)
        ) as client:
            client.ping()
    except (redis.RedisError, ValueError, TypeError) as trouble:
        raise StartError(f"The server of REDIS_URL cannot be used: {trouble}") from trouble


def prepare_database() -> None:
    """Roles, database and extensions, on the embedded or the given server. Raises DatabaseRefused."""
    database.prepare(addresses.admin_dsn(), str(addresses.database()["NAME"]))


@contextlib.contextmanager
def own(command: str) -> Iterator[Ownership]:
    """Be the one that runs the servers. Raises AlreadyRunning."""
    state = addresses.STATE / addresses.kind()
    state.mkdir(parents=True, exist_ok=True)
    with open(state / "owner.lock", "a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(read_status()) from None
        ownership = Ownership(handle, {"pid": os.getpid(), "command": command})
        try:
            yield ownership
        finally:
            ownership.forget()


class Ownership:
    """The held owner lock, with what its holder tells about itself."""

    def __init__(self, handle: IO[str], status: dict[str, Any]) -> None:
        self.handle = handle
        self.status: dict[str, Any] = {}
        self.tell(**status)

    def tell(self, **facts: Any) -> None:
        """Add to what others can read: the address, the processes, whether it is ready."""
        self.status |= facts
        path = status_path()
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(self.status, indent=1))
        fresh.replace(path)

    def forget(self) -> None:
        """Take the status away at the end."""
        status_path().unlink(missing_ok=True)


def status_path() -> Path:
    """The file in which the owner of the servers tells about itself."""
    return addresses.STATE / addresses.kind() / "status.json"


def read_status() -> dict[str, Any]:
    """What the owner of the servers tells about itself: pid, command, and for `up` url, ready, processes."""
    try:
        status = json.loads(status_path().read_text())
    except (OSError, ValueError):
        return {}
    return status if isinstance(status, dict) else {}


def answer() -> bool:
    """True when every embedded server of this kind answers."""
    return (not addresses.is_embedded_database() or postgres_answers()) and (
        not addresses.is_embedded_redis() or valkey_answers(addresses.valkey_socket())
    )


@contextlib.contextmanager
def lend(command: str) -> Iterator[None]:
    """Have the servers for the time of one command: those that run, or our own, started and stopped."""
    state = addresses.STATE / addresses.kind()
    state.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + WAIT_SECONDS
    with open(state / "users.lock", "a+") as users:
        while True:
            fcntl.flock(users, fcntl.LOCK_SH)
            if answer() and read_status().get("prepared"):
                yield
                return
            fcntl.flock(users, fcntl.LOCK_UN)
            try:
                with own(command) as ownership:
                    servers = Servers()
                    try:
                        servers.launch()
                        servers.wait()
                        if addresses.is_embedded_database():
                            prepare_database()
                        ownership.tell(prepared=True)
                        yield
                    finally:
                        # Others may have begun to use them meanwhile; they are waited for.
                        fcntl.flock(users, fcntl.LOCK_EX)
                        servers.stop()
                    return
            except AlreadyRunning:
                # They are being started or stopped at this moment.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
