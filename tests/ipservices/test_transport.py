"""HTTP for drivers: one deadline for everything, no redirects, no forbidden networks, typed errors."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from boss.core.outbound import is_public
from ipservices.contracts import AuthFailed, Deadline, DriverError, Invalid, Transient, Unreachable
from ipservices.transport import HttpTransport, reachable_address

Behaviour = Callable[[socket.socket], None]


@contextmanager
def server(behave: Behaviour) -> Iterator[str]:
    """A server that answers each connection with ``behave``."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _peer = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(65536)
                    behave(connection)
                except OSError:
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def answering(status: str, body: bytes = b"{}", extra: str = "") -> Behaviour:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{extra}\r\n"
    return lambda connection: connection.sendall(head.encode() + body)


def call(url: str, method: str = "GET", seconds: float = 1.0) -> object:
    transport = HttpTransport(
        url, headers={}, deadline=Deadline(seconds), networks=("127.0.0.0/8",), note=lambda *_: None
    )
    try:
        return transport.request(method, "/thing", {} if method != "GET" else None)
    finally:
        transport.close()


def drip(connection: socket.socket) -> None:
    """Ten bytes a second, for ever: no single read ever times out."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"x")
        time.sleep(0.1)


def drip_headers(connection: socket.socket) -> None:
    for _ in range(100):
        connection.sendall(b"H")
        time.sleep(0.1)


@pytest.mark.parametrize("behave", [drip, drip_headers])
def test_a_server_that_drips_is_left_at_the_deadline(behave: Behaviour) -> None:
    started = time.monotonic()

    with server(behave) as url, pytest.raises(Unreachable):
        call(url)

    assert time.monotonic() - started < 4


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("401 Unauthorized", AuthFailed),
        ("403 Forbidden", AuthFailed),
        ("429 Too Many Requests", Transient),
        ("500 Internal Server Error", Transient),
        ("503 Service Unavailable", Transient),
        ("302 Found", Invalid),
    ],
)
def test_answers_become_typed_errors(status: str, error: type[DriverError]) -> None:
    with server(answering(status, extra="Location: http://192.0.2.1/\r\n")) as url, pytest.raises(error):
        call(url)


def test_a_change_whose_answer_is_lost_is_of_unknown_outcome() -> None:
    with server(lambda connection: None) as url, pytest.raises(Unreachable) as lost:
        call(url, "PATCH")
    with pytest.raises(Unreachable) as unsent:
        call("http://127.0.0.1:9", "PATCH")

    assert lost.value.outcome_unknown
    assert not unsent.value.outcome_unknown


def test_garbage_and_endless_answers_are_errors_of_ours() -> None:
    with server(lambda connection: connection.sendall(b"\x00\xff not http\r\n\r\n")) as url, pytest.raises(DriverError):
        call(url)
    huge = b"x" * (17 * 1024 * 1024)
    with server(answering("200 OK", huge)) as url, pytest.raises(Transient):
        call(url, seconds=10)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("10.0.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("2606:4700::1", True),
        ("::1", False),
        ("fec0::1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("::7f00:1", False),
    ],
)
def test_only_global_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


def test_a_private_network_must_be_allowed() -> None:
    assert reachable_address("127.0.0.1", ("127.0.0.0/8",)) == "127.0.0.1"
    for disguised in ("127.0.0.1", "2130706433", "0x7f.1", "localhost"):
        with pytest.raises(DriverError):
            reachable_address(disguised, ())
