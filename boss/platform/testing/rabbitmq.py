"""A private RabbitMQ on this machine's loopback for tests, and the application pointed at it.

The server's programs come from Debian (`make lab`); everything it writes is below one directory, its cookie too. Its
name service (epmd) is our own child on a port of its own, or the first Erlang program would leave one running for ever.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from kombu import pools

from boss.celery import app, transport_options
from boss.platform.processes import Child
from boss.platform.testing.processes import free_port

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""The script behind Debian's wrapper, which as root would change to a user that may not write below our directory."""

PACKAGES = "rabbitmq-server"
HOST = "127.0.0.1"
READY_SECONDS = 90.0


def is_installed() -> bool:
    """Whether the server's programs are on this machine."""
    return SERVER.exists() and shutil.which("epmd") is not None


class RabbitMq:
    """One server. ``kill`` is a power cut, ``forget`` loses what it had written, ``start`` brings it (back) up."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port, distribution, names = free_port(), free_port(), free_port()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        cookie = directory / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)
        (directory / "enabled_plugins").write_text("[].\n")
        (directory / "env.conf").touch()
        (directory / "rabbitmq.conf").write_text(f"listeners.tcp.1 = {HOST}:{self.port}\nlog.console = true\n")
        environment = {
            "HOME": str(directory),
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(names),
            "RABBITMQ_NODENAME": f"boss{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(directory / "data"),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_CONF_ENV_FILE": str(directory / "env.conf"),
            "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "enabled_plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1",
        }
        self.names = Child("epmd", ["epmd"], directory / "epmd.log", environment)
        self.server = Child("RabbitMQ", [str(SERVER)], directory / "rabbitmq.log", environment, grace=30.0)

    @property
    def url(self) -> str:
        """The address for `BROKER_URL`."""
        return f"amqp://guest:guest@{HOST}:{self.port}//"

    def start(self) -> None:
        """Start it and wait until it speaks AMQP. Raises StartError with the end of its log."""
        if not self.names.is_running:
            self.names.start()
        self.server.start()
        self.server.wait_until(self.answers, READY_SECONDS)

    def answers(self) -> bool:
        """True when it greets whoever connects; a wrong greeting is answered with the right one."""
        try:
            with socket.create_connection((HOST, self.port), timeout=2.0) as connection:
                connection.settimeout(2.0)
                connection.sendall(b"AMQP\x00\x00\x00\x00")
                return connection.recv(4) == b"AMQP"
        except OSError:
            return False

    def kill(self) -> None:
        """End it without a chance to write anything."""
        self.server.kill()

    def forget(self) -> None:
        """Lose every queue and message of a server that does not run."""
        shutil.rmtree(self.directory / "data", ignore_errors=True)

    def stop(self) -> None:
        """Stop it and its name service."""
        self.server.stop()
        self.names.stop()


@contextlib.contextmanager
def broker_at(url: str) -> Iterator[None]:
    """Point this process's application, and the processes started from here, at another broker."""
    before = app.conf.broker_url, app.conf.broker_transport_options, os.environ.get("BROKER_URL")
    os.environ["BROKER_URL"] = url
    _use(url, transport_options())
    try:
        yield
    finally:
        if before[2] is None:
            del os.environ["BROKER_URL"]
        else:
            os.environ["BROKER_URL"] = before[2]
        _use(before[0], before[1])


def _use(url: str, options: dict[str, object]) -> None:
    pools.reset()
    app.conf.update(broker_url=url, broker_transport_options=options)
    # What a forked process does, whose connections are not its own either.
    app._after_fork()  # type: ignore[attr-defined]
