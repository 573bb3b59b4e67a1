"""The options of `manage.py up`."""

from __future__ import annotations

import argparse
import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from boss.platform.processes import StartError

MAIL_PORT = 2424
"""Where mail for tickets is taken by LMTP unless somebody says otherwise; the lab's Postfix delivers there."""


@dataclass(frozen=True)
class Options:
    """What the command line asked for."""

    host: str
    port: int
    demo: bool
    reset: bool
    lab: bool
    mail_port: int

    @property
    def url(self) -> str:
        """The address people type in."""
        host = "localhost" if self.host in {"localhost", "0.0.0.0", "::", "127.0.0.1"} else self.host
        return f"http://{host}:{self.port}"

    @property
    def mail_door(self) -> int:
        """The loopback port on which mail for tickets is taken: the one asked for, or the next that is free."""
        ports = (port for port in range(self.mail_port, 65536) if can_bind("127.0.0.1", port))
        return next(ports, self.mail_port)

    @property
    def names(self) -> list[str]:
        """What others may call this machine by when it listens for them: the demo provider answers to it, too."""
        if self.host in {"localhost", "127.0.0.1", "::1"}:
            return []
        if self.host not in {"0.0.0.0", "::"}:
            return [self.host.lower()]
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            try:
                # Sends nothing; it only chooses the address of ours that leads outside.
                probe.connect(("192.0.2.1", 9))
            except OSError:
                return [socket.gethostname().lower()]
            return [probe.getsockname()[0], socket.gethostname().lower()]

    @property
    def binds(self) -> list[str]:
        """The addresses the web server listens on. `localhost` means both kinds, as browsers ask for either."""
        if self.host != "localhost":
            return [f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"]
        return [f"127.0.0.1:{self.port}", *([f"[::1]:{self.port}"] if can_bind("::1", 0) else [])]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options; shared with Django's help."""
    parser.add_argument("--port", type=port_number, default=8000, help="port of the web server (default: 8000)")
    parser.add_argument("--host", default="localhost", help="address to listen on; 0.0.0.0 for every one")
    parser.add_argument("--no-demo", dest="demo", action="store_false", help="do not build the demo realm")
    parser.add_argument("--reset", action="store_true", help="throw the embedded database away and start afresh")
    parser.add_argument("--lab", action="store_true", help="also start the real servers that `make lab` installed")
    parser.add_argument(
        "--mail-port", type=port_number, default=MAIL_PORT,
        help=f"port on which mail for tickets is taken by LMTP (default: {MAIL_PORT}, or the next free one)",
    )  # fmt: skip


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line; argparse ends the process on a wrong one."""
    parser = argparse.ArgumentParser(prog="manage.py up", description="Run all of BOSS on this machine.")
    add_arguments(parser)
    return Options(**vars(parser.parse_args(list(arguments))))


def port_number(text: str) -> int:
    """A port from 1 to 65535."""
    number = int(text) if text.isdigit() else 0
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port; it must be a number from 1 to 65535")
    return number


def refuse_busy_port(options: Options) -> None:
    """Say so before anything is started, and how to get round it. Raises StartError."""
    hosts = [options.host]
    if options.host == "localhost":
        hosts = ["127.0.0.1", *(["::1"] if can_bind("::1", 0) else [])]
    for host in hosts:
        trouble = bind_error(host, options.port)
        if trouble is not None:
            break
    else:
        return
    if trouble.errno == errno.EADDRINUSE:
        free = next(
            (port for port in range(options.port + 1, 65536) if all(can_bind(host, port) for host in hosts)),
            options.port,
        )
        raise StartError(
            f"Port {options.port} is used by another program. Choose another: python3 manage.py up --port {free}"
        )
    raise StartError(f"The web server cannot listen on {host}, port {options.port}: {trouble.strerror}.")


def can_bind(host: str, port: int) -> bool:
    """True when this machine lets us listen there."""
    return bind_error(host, port) is None


def bind_error(host: str, port: int) -> OSError | None:
    """Why we cannot listen there; None when we can."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as trouble:
        return trouble
    return None
